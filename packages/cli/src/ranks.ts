// The processes that mpirun, mpiexec or srun started this command in.
import { availableParallelism, cpus } from 'node:os';
import { type Communicator, connect, findLaunch } from '@logah/mpi';

/** Joins the job that a launcher started this process in; nothing where it was started alone. Throws MpiError where that cannot be. */
export async function joinRanks(): Promise<Communicator | undefined> {
  const launch = findLaunch();
  return launch === undefined || launch.size === 1 ? undefined : connect();
}

/** Cores for this process: its part of the machine's, where a launcher started several on it and bound none to cores of its own. */
export function ownCores(): number {
  const available = availableParallelism();
  const isBound = available < cpus().length;
  return isBound ? available : Math.max(1, Math.floor(available / (findLaunch()?.localSize ?? 1)));
}
