// Real jobs under each launcher that is installed: mpirun or mpiexec on the path, and those that MPI_LAUNCHERS names.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const JOB = fileURLToPath(new URL('job.mjs', import.meta.url));

/** Open MPI refuses to run as root and more processes than cores unless it is told to. */
const ENVIRONMENT = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  PRTE_ALLOW_RUN_AS_ROOT: '1',
  PRTE_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  PRTE_MCA_rmaps_default_mapping_policy: ':oversubscribe',
};

function isLauncher(command: string): boolean {
  try {
    return /open.?mpi|mpich|hydra|prte/i.test(
      execFileSync(command, ['--version'], { stdio: ['ignore', 'pipe', 'pipe'] }).toString(),
    );
  } catch {
    return false;
  }
}

const launchers = ['mpiexec', ...(process.env.MPI_LAUNCHERS?.split(':') ?? [])].filter(isLauncher);
if (launchers.length === 0)
  console.warn('MPI is tried only where mpiexec is found: apt-get install openmpi-bin, or pip install mpich');

interface Outcome {
  readonly status: number | null;
  readonly answers: ReadonlyArray<Record<string, unknown>>;
  readonly errors: string;
}

function launch(launcher: string, ranks: number, job: string): Outcome {
  const { status, stdout, stderr } = spawnSync(launcher, ['-n', String(ranks), process.execPath, JOB, job], {
    env: ENVIRONMENT,
    encoding: 'utf8',
    timeout: 40_000,
  });
  const answers = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): Record<string, unknown> => JSON.parse(line))
    .sort((a, b) => Number(a.rank) - Number(b.rank));
  return { status, answers, errors: stderr };
}

describe.skipIf(launchers.length === 0).each(launchers.length === 0 ? ['mpiexec'] : launchers)(
  'a job of %s',
  (launcher) => {
    it('sums, compares, copies and gathers', () => {
      const { status, answers } = launch(launcher, 3, 'exchange');
      expect(status).toBe(0);
      const common = {
        size: 3,
        library: expect.stringMatching(/Open MPI|MPICH|Intel/),
        sum: [3, 6, 3],
        largest: [2, -5],
        smallest: [0.5],
        copied: [7, 255],
        big: [6, 6],
      };
      expect(answers).toEqual([
        { rank: 0, ...common, gathered: [0, 0, 1, 10, 2, 20] },
        { rank: 1, ...common, gathered: null },
        { rank: 2, ...common, gathered: null },
      ]);
    });

    it('leaves the event loop alive while it waits', () => {
      const [, waiting] = launch(launcher, 2, 'event-loop').answers;
      expect(waiting.ticks).toBeGreaterThan(20);
    });

    it('refuses a rank that does not exist, and a second connection', () => {
      expect(launch(launcher, 1, 'bad-root').answers).toEqual([
        { rank: 0, reason: 'there is no process 1; a rank from 0 to 0 is wanted' },
      ]);
      expect(launch(launcher, 1, 'connect-twice').answers[0].reason).toMatch(/connected already/);
    });

    it.each(['leave-early', 'throw', 'be-killed', 'abort'])('ends as a failure when a rank does this: %s', (job) => {
      const { status, answers, errors } = launch(launcher, 2, job);
      expect(status).not.toBe(0);
      expect(status).not.toBeNull();
      expect(answers).toEqual([]);
      if (job === 'throw') expect(errors).toContain('this rank is broken');
    });
  },
);

describe('without a launcher', () => {
  it('a library that does not exist is named, with what to install', () => {
    const { status, stderr } = spawnSync(process.execPath, [JOB, 'exchange'], {
      env: { ...process.env, MPI_LIBRARY: 'libnothing.so' },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('no MPI library was found');
    expect(stderr).toContain('apt-get install openmpi-bin');
    expect(stderr).toContain('libnothing.so');
  });
});
