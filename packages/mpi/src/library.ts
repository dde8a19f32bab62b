// Finds the MPI library that goes with the launcher and binds the functions that are used, through koffi.
import { existsSync, readlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { LibraryHandle } from 'koffi';
import { MpiError } from './errors.js';
import { ABI_HANDLES, type Flavour, type Handles, MPICH_HANDLES, openMpiHandles } from './handles.js';
import type { LauncherKind } from './launcher.js';

const OPEN_MPI_NAMES = ['libmpi.so.40', 'libmpi.40.dylib'];
const MPICH_NAMES = [
  'libmpi.so.12',
  'libmpich.so.12',
  'libmpi_abi.so.1',
  'libmpi_abi.so.0',
  'libmpi.12.dylib',
  'libmpi_abi.1.dylib',
  'impi.dll',
];

type FunctionName =
  | 'init'
  | 'isInitialized'
  | 'rank'
  | 'size'
  | 'typeSize'
  | 'version'
  | 'allreduce'
  | 'broadcast'
  | 'gather'
  | 'barrier'
  | 'abort'
  | 'finalize';

/** A C function; `async` runs it on another thread and calls back with an error or what it returned. */
export interface NativeFunction {
  (...parameters: unknown[]): unknown;
  async(...parametersAndCallback: unknown[]): void;
}

/** The C functions, bound. Each returns MPI's error code, 0 for success. */
export interface Bindings {
  readonly name: string;
  readonly flavour: Flavour;
  readonly handles: Handles;
  readonly functions: Readonly<Record<FunctionName, NativeFunction>>;
}

/**
 * Loads a library by path or name, or the one that goes with a launcher. Throws {@link MpiError} where koffi or the library is missing, with how
 * to get it.
 */
export async function loadLibrary(launcher: LauncherKind, library?: string): Promise<Bindings> {
  const koffi = await loadKoffi();
  const failures: string[] = [];
  for (const name of library === undefined ? candidates(launcher) : [library]) {
    let loaded: LibraryHandle;
    try {
      // Global: Open MPI's plug-ins look their symbols up in it.
      loaded = koffi.load(name, { global: true, lazy: true });
    } catch (error) {
      failures.push(`  ${name}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    const [flavour, handles] = handlesOf(name, (symbol) => koffi.address(loaded.symbol(symbol, 'char')));
    return { name, flavour, handles, functions: bind(loaded, handles.type) };
  }
  throw new MpiError(
    [
      'no MPI library was found. To install one: `apt-get install openmpi-bin` or `pip install mpich`;',
      'if it lies elsewhere, give its path (the option library, or the environment variable MPI_LIBRARY). Tried:',
      ...failures,
    ].join('\n'),
  );
}

function bind(library: LibraryHandle, handle: Handles['type']): Bindings['functions'] {
  return {
    init: library.func('int MPI_Init_thread(void *, void *, int, _Out_ int *)'),
    isInitialized: library.func('int MPI_Initialized(_Out_ int *)'),
    rank: library.func(`int MPI_Comm_rank(${handle}, _Out_ int *)`),
    size: library.func(`int MPI_Comm_size(${handle}, _Out_ int *)`),
    typeSize: library.func(`int MPI_Type_size(${handle}, _Out_ int *)`),
    version: library.func('int MPI_Get_library_version(_Out_ uint8_t *, _Out_ int *)'),
    allreduce: library.func(`int MPI_Allreduce(intptr_t, void *, int, ${handle}, ${handle}, ${handle})`),
    broadcast: library.func(`int MPI_Bcast(void *, int, ${handle}, int, ${handle})`),
    gather: library.func(`int MPI_Gather(void *, int, ${handle}, void *, int, ${handle}, int, ${handle})`),
    barrier: library.func(`int MPI_Barrier(${handle})`),
    abort: library.func(`int MPI_Abort(${handle}, int)`),
    finalize: library.func('int MPI_Finalize()'),
  };
}

/** Names of libraries, those of the launcher first and alone where it is known: each launcher starts only its own MPI. */
function candidates(launcher: LauncherKind): string[] {
  const names = { openmpi: OPEN_MPI_NAMES, mpich: MPICH_NAMES, unknown: [...OPEN_MPI_NAMES, ...MPICH_NAMES] }[launcher];
  // Installed beside its launcher, as pip does, a library is not on the loader's path.
  const folders = launcherFolders().map((folder) => join(folder, '..', 'lib'));
  const beside = folders.flatMap((folder) => names.map((name) => join(folder, name))).filter(existsSync);
  return [...beside, ...names];
}

/** Where the launcher lies: the program that started this process, where the system tells (Linux), and what is on the path. */
function launcherFolders(): string[] {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && existsSync(join(folder, 'mpiexec')));
  try {
    return [dirname(readlinkSync(`/proc/${process.ppid}/exe`)), ...onPath];
  } catch {
    return onPath;
  }
}

function handlesOf(name: string, addressOf: (symbol: string) => bigint): [Flavour, Handles] {
  try {
    return ['openmpi', openMpiHandles(addressOf)];
  } catch {
    // Not Open MPI's symbols.
    return /mpi_abi/.test(name) ? ['abi', ABI_HANDLES] : ['mpich', MPICH_HANDLES];
  }
}

/** Bytes. Calls run on threads with a stack of 128 KiB otherwise, too little for MPICH. */
const STACK = 1 << 20;

async function loadKoffi() {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new MpiError('MPI is called through the npm package koffi, which is missing: npm install koffi', { cause });
  });
  // Can be set only before the first library is loaded.
  if (koffi.config().async_stack_size !== STACK) koffi.config({ async_stack_size: STACK });
  return koffi;
}
