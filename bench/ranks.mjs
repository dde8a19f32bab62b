// What an all-reduce of a step's gradients costs: measured between the processes of this job, and what latency and bandwidth say of more of them.
//   mpirun -n 2 node bench/ranks.mjs [--json]
import { HYPERNET_VARIANTS, hypernetParameterCount, hypernetPreset } from '@logah/hypernet';
import { connect } from '@logah/mpi';

const REPEATS = 9;
const LARGE = 2_500_000;
const RANKS = [2, 10, 100, 1000];

/** Median seconds of an all-reduce of so many floats. */
async function seconds(mpi, length) {
  const values = new Float32Array(length);
  const times = [];
  for (let i = 0; i < REPEATS; i++) {
    await mpi.barrier();
    const started = performance.now();
    await mpi.allreduce(values);
    times.push((performance.now() - started) / 1000);
  }
  return times.sort((a, b) => a - b)[REPEATS >> 1];
}

/**
 * Seconds of a ring's all-reduce among p processes, each step with latency α and bandwidth β: 2 (p − 1) (α + n / (p β))
 * (Thakur, Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH", 2005).
 */
const ring = (p, bytes, { latency, bandwidth }) => 2 * (p - 1) * (latency + bytes / (p * bandwidth));

const mpi = await connect();
const { rank, size } = mpi;
if (size < 2) throw new Error('there is nothing to measure in a job of one: mpirun -n 2 node bench/ranks.mjs');
const small = await seconds(mpi, 1);
const large = await seconds(mpi, LARGE);
await mpi.finalize();
if (rank === 0) {
  const steps = 2 * (size - 1);
  const latency = small / steps;
  const bandwidth = (4 * LARGE) / size / (large / steps - latency);
  const rows = HYPERNET_VARIANTS.map((variant) => {
    const parameters = hypernetParameterCount(hypernetPreset(variant)).learned;
    return { variant, parameters, seconds: RANKS.map((p) => ring(p, 4 * parameters, { latency, bandwidth })) };
  });
  const result = { library: mpi.library, size, latency, bandwidth, ranks: RANKS, variants: rows };
  if (process.argv.includes('--json')) console.log(JSON.stringify(result));
  else {
    console.log(
      `${mpi.library}, ${size} processes: latency ${(1e6 * latency).toFixed(0)} µs, ${(bandwidth / 1e6).toFixed(0)} MB/s`,
    );
    console.log(`Seconds of an all-reduce by the model, for ${RANKS.join(', ')} processes:`);
    for (const { variant, parameters, seconds: of } of rows)
      console.log(
        `${variant.padEnd(16)} ${String(parameters).padStart(12)}   ${of.map((s) => s.toFixed(3).padStart(8)).join(' ')}`,
      );
  }
}
