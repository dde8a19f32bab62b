// What started this process, as its environment tells: before any library is loaded.

/** Whose launcher it was; `unknown` is Slurm's or another that serves several MPIs through PMIx. */
export type LauncherKind = 'openmpi' | 'mpich' | 'unknown';

/** A job of several processes that this one belongs to. */
export interface Launch {
  readonly launcher: LauncherKind;
  /** Processes in the job, where the environment says so. */
  readonly size?: number;
  /** This process among them, from 0. */
  readonly rank?: number;
  /** Processes on this machine, where the environment says so: they share its cores. */
  readonly localSize?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by launcher, as each sets them for its processes; the first that has any is taken, since `mpirun` within Slurm has Slurm's, too. */
const LAUNCHERS: ReadonlyArray<{
  readonly launcher: LauncherKind;
  readonly rank: string;
  readonly size?: string;
  readonly localSize?: string;
}> = [
  {
    launcher: 'openmpi',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
  },
  { launcher: 'mpich', rank: 'PMI_RANK', size: 'PMI_SIZE', localSize: 'MPI_LOCALNRANKS' },
  // srun: SLURM_NTASKS is also set in a batch script that srun did not start, SLURM_STEP_NUM_TASKS is not.
  { launcher: 'unknown', rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS', localSize: 'SLURM_STEP_TASKS_PER_NODE' },
  { launcher: 'unknown', rank: 'PMIX_RANK' },
];

/** The job that a launcher (mpirun, mpiexec, srun) started this process in; none where it was started alone. */
export function findLaunch(environment: Environment = process.env): Launch | undefined {
  for (const { launcher, rank, size, localSize } of LAUNCHERS) {
    const found = numberOf(environment[rank]);
    const count = size === undefined ? undefined : numberOf(environment[size]);
    if (found === undefined || (size !== undefined && count === undefined)) continue;
    const local = localSize === undefined ? undefined : numberOf(environment[localSize]);
    return {
      launcher,
      rank: found,
      ...(count === undefined ? {} : { size: count }),
      ...(local === undefined ? {} : { localSize: local }),
    };
  }
  return undefined;
}

/** A count; Slurm writes tasks per node as "4(x2)". */
function numberOf(text: string | undefined): number | undefined {
  const digits = /^\d+/.exec(text ?? '')?.[0];
  return digits === undefined ? undefined : Number(digits);
}
