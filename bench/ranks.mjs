// What an all-reduce of a step's gradients costs: measured between the processes of this job, beside the step itself by one process and by
// all; and what latency and bandwidth say of more of them.
//   mpirun -n 2 node bench/ranks.mjs [--json]
import { setThreadsCount } from '@logah/backend-ort';
import { initTrainer, localGradients, shareGradients, TRAINER_DEFAULTS, train } from '@logah/ghn-trainer';
import { parseArchitecture } from '@logah/graph-ir';
import { createHypernet, HYPERNET_VARIANTS, hypernetParameterCount, hypernetPreset } from '@logah/hypernet';
import { connect } from '@logah/mpi';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { duration, median } from './measure.mjs';
import { batchOf } from './network-step.mjs';

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
  return median(times);
}

const STEPS = 4;
const BATCH = 16;
const NETWORK = parseArchitecture('vit:layers=4,heads=4,hidden=128,mlp=512,patch=4');
const VARIANT = 'tiny';

/** Median seconds of a step of meta-training of as many networks as there are processes; the first step does not count. */
async function stepSeconds(mpi, gradients) {
  const random = createRandom(0);
  const config = {
    ...TRAINER_DEFAULTS,
    metaBatch: mpi.size,
    batch: BATCH,
    epochs: 1,
    stepsPerEpoch: STEPS,
    warmupEpochs: 0,
  };
  const data = { length: BATCH, batch: () => batchOf(random, BATCH) };
  const state = initTrainer(createHypernet(hypernetPreset(VARIANT), createRandom(0)));
  const times = [];
  for await (const event of train({
    config,
    state,
    architectures: () => NETWORK,
    data,
    task: classification,
    gradients,
  }))
    if (event.step > 1) times.push(event.seconds);
  return median(times);
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
// The processes are the parallelism.
setThreadsCount(1);
await tf.setBackend('ort');
const own = localGradients(classification, TRAINER_DEFAULTS);
const alone = rank === 0 ? await stepSeconds(mpi, own) : undefined;
await mpi.barrier();
const shared = await stepSeconds(mpi, shareGradients(mpi, own, () => false).gradients);
const reduced = await seconds(mpi, hypernetParameterCount(hypernetPreset(VARIANT)).learned);
await mpi.finalize();
if (rank === 0) {
  const steps = 2 * (size - 1);
  const latency = small / steps;
  const bandwidth = (4 * LARGE) / size / (large / steps - latency);
  const rows = HYPERNET_VARIANTS.map((variant) => {
    const parameters = hypernetParameterCount(hypernetPreset(variant)).learned;
    return { variant, parameters, seconds: RANKS.map((p) => ring(p, 4 * parameters, { latency, bandwidth })) };
  });
  const step = { networks: size, batch: BATCH, alone, shared, reduced };
  const result = { library: mpi.library, size, latency, bandwidth, step, ranks: RANKS, variants: rows };
  if (process.argv.includes('--json')) console.log(JSON.stringify(result));
  else {
    console.log(
      `${mpi.library}, ${size} processes: latency ${(1e6 * latency).toFixed(0)} µs, ${(bandwidth / 1e6).toFixed(0)} MB/s`,
    );
    console.log(
      `A step of LoGAH-Tiny of ${size} networks: ${alone.toFixed(2)} s by one process, ${shared.toFixed(2)} s by ${size}; ` +
        `its all-reduce is ${duration(reduced)} of that`,
    );
    console.log(`Seconds of an all-reduce by the model, for ${RANKS.join(', ')} processes:`);
    for (const { variant, parameters, seconds: of } of rows)
      console.log(
        `${variant.padEnd(16)} ${String(parameters).padStart(12)}   ${of.map((s) => s.toFixed(3).padStart(8)).join(' ')}`,
      );
  }
}
