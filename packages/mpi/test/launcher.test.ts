import { describe, expect, it } from 'vitest';
import { findLaunch } from '../src/index.js';

describe('findLaunch', () => {
  it.each([
    [
      'Open MPI',
      { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_SIZE: '2' },
      ['openmpi', 1, 4, 2],
    ],
    ['MPICH', { PMI_RANK: '0', PMI_SIZE: '2', MPI_LOCALNRANKS: '2' }, ['mpich', 0, 2, 2]],
    [
      'srun',
      { SLURM_PROCID: '3', SLURM_STEP_NUM_TASKS: '8', SLURM_STEP_TASKS_PER_NODE: '4(x2)' },
      ['unknown', 3, 8, 4],
    ],
    ['PMIx', { PMIX_RANK: '5' }, ['unknown', 5, undefined, undefined]],
    [
      'mpirun within Slurm',
      { SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '1', OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '3' },
      ['openmpi', 2, 3, undefined],
    ],
  ] as const)('knows %s', (_, environment, [launcher, rank, size, localSize]) => {
    expect({ size: undefined, localSize: undefined, ...findLaunch(environment) }).toEqual({
      launcher,
      rank,
      size,
      localSize,
    });
  });

  it.each([
    ['nothing', {}],
    ['a batch script of Slurm, which srun did not start', { SLURM_PROCID: '0', SLURM_NTASKS: '8' }],
    ['half of what a launcher sets', { OMPI_COMM_WORLD_RANK: '1' }],
  ])('finds no job in %s', (_, environment) => expect(findLaunch(environment)).toBeUndefined());
});
