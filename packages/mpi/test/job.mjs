// A process of a job, for the tests: what it is asked for on the command line, its answer as a line of JSON.
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from '../dist/index.js';

const jobs = {
  async exchange(mpi) {
    const { rank, size } = mpi;
    const sum = Float32Array.from([1, 2, rank]);
    const largest = Int32Array.from([rank, -5]);
    const smallest = Float64Array.from([rank + 0.5]);
    const copied = new Uint8Array(2);
    if (rank === size - 1) copied.set([7, 255]);
    // Asked for all at once: one call after the other, in the order of asking.
    await Promise.all([
      mpi.allreduce(sum),
      mpi.allreduce(largest, 'max'),
      mpi.allreduce(smallest, 'min'),
      mpi.broadcast(copied, size - 1),
    ]);
    const gathered = await mpi.gather(Float32Array.from([rank, 10 * rank]));
    const big = new Float32Array(3_000_000).fill(rank + 1);
    await mpi.allreduce(big);
    return {
      size,
      library: mpi.library,
      sum: [...sum],
      largest: [...largest],
      smallest: [...smallest],
      copied: [...copied],
      gathered: gathered === undefined ? null : [...gathered],
      big: [big[0], big[big.length - 1]],
    };
  },
  async 'event-loop'(mpi) {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    if (mpi.rank === 0) await wait(400);
    await mpi.barrier();
    clearInterval(timer);
    return { ticks };
  },
  async 'bad-root'(mpi) {
    const reason = await mpi.broadcast(new Uint8Array(1), mpi.size).catch((error) => error.message);
    return { reason };
  },
  async 'connect-twice'() {
    return { reason: await connect().catch((error) => error.message) };
  },
  // The others wait for one that leaves.
  async 'leave-early'(mpi) {
    if (mpi.rank === 1) process.exit(0);
    await mpi.barrier();
  },
  async throw(mpi) {
    if (mpi.rank === 1) throw new Error('this rank is broken');
    await mpi.barrier();
  },
  async 'be-killed'(mpi) {
    if (mpi.rank === 1) process.kill(process.pid, 'SIGKILL');
    await mpi.barrier();
  },
  async abort(mpi) {
    if (mpi.rank === 1) mpi.abort(7);
    await mpi.barrier();
  },
};

const mpi = await connect();
const answer = await jobs[process.argv[2]](mpi);
await mpi.finalize();
console.log(JSON.stringify({ rank: mpi.rank, ...answer }));
