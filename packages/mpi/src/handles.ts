// How each family of MPI libraries writes the constants that a C program takes from mpi.h.

/** Element types and operations that are used here. */
export type TypeName = 'float' | 'double' | 'int32' | 'uint8';
export type OperationName = 'sum' | 'max' | 'min';

/** A handle as it is passed: an `int`, or an address. */
export type Handle = number | bigint;

export interface Handles {
  /** The C type of handles. */
  readonly type: 'int' | 'uintptr_t';
  readonly world: Handle;
  readonly types: Readonly<Record<TypeName, Handle>>;
  readonly operations: Readonly<Record<OperationName, Handle>>;
  /** `MPI_IN_PLACE`. */
  readonly inPlace: bigint;
  /** `MPI_THREAD_SERIALIZED` and `MPI_THREAD_MULTIPLE`. */
  readonly threads: { readonly serialized: number; readonly multiple: number };
}

/** Which family a library is of. */
export type Flavour = 'openmpi' | 'mpich' | 'abi';

/** Open MPI's handles are addresses of objects in the library. */
export const openMpiHandles = (addressOf: (symbol: string) => bigint): Handles => ({
  type: 'uintptr_t',
  world: addressOf('ompi_mpi_comm_world'),
  types: {
    float: addressOf('ompi_mpi_float'),
    double: addressOf('ompi_mpi_double'),
    int32: addressOf('ompi_mpi_int32_t'),
    uint8: addressOf('ompi_mpi_uint8_t'),
  },
  operations: {
    sum: addressOf('ompi_mpi_op_sum'),
    max: addressOf('ompi_mpi_op_max'),
    min: addressOf('ompi_mpi_op_min'),
  },
  inPlace: 1n,
  threads: { serialized: 2, multiple: 3 },
});

/** The integers that MPICH, Intel MPI, MVAPICH and Cray MPI agreed on ("MPICH ABI compatibility initiative", 2014). */
export const MPICH_HANDLES: Handles = {
  type: 'int',
  world: 0x44000000,
  types: { float: 0x4c00040a, double: 0x4c00080b, int32: 0x4c000439, uint8: 0x4c00013b },
  operations: { sum: 0x58000003, max: 0x58000001, min: 0x58000002 },
  inPlace: -1n,
  threads: { serialized: 2, multiple: 3 },
};

/** The standard's own binary interface (MPI 5.0, chapter 20). */
export const ABI_HANDLES: Handles = {
  type: 'uintptr_t',
  world: 0x101n,
  types: { float: 0x210n, double: 0x214n, int32: 0x250n, uint8: 0x241n },
  operations: { sum: 0x21n, min: 0x22n, max: 0x23n },
  inPlace: 1n,
  threads: { serialized: 2048, multiple: 4096 },
};
