// All processes of a job: who this one is among them, and what they do together.
import { MpiError } from './errors.js';
import type { Handle, OperationName, TypeName } from './handles.js';
import { findLaunch } from './launcher.js';
import { type Bindings, loadLibrary } from './library.js';

/** What the processes can exchange. */
export type Elements = Float32Array | Float64Array | Int32Array | Uint8Array;

/** What {@link Communicator.allreduce} makes of the processes' elements. */
export type Operation = OperationName;

export interface ConnectOptions {
  /** The path or name of the library; by default the environment's `MPI_LIBRARY`, else the one that goes with the launcher. */
  readonly library?: string;
}

/**
 * The job's processes. Every method but `abort` is called by all of them, in the same order and with arrays of one type and length; each resolves
 * when this process has its part, and the event loop goes on meanwhile. An array must not be touched until then.
 */
export interface Communicator {
  /** This process, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** What the library calls itself, such as "Open MPI v4.1.4". */
  readonly library: string;
  /** Combines the arrays of all processes, element by element; in place, and every process has the result. */
  allreduce(values: Elements, operation?: Operation): Promise<void>;
  /** Copies the root's array into that of every other process. */
  broadcast(values: Elements, root?: number): Promise<void>;
  /** The arrays of all processes one after the other, in the order of ranks, on the root; undefined elsewhere. */
  gather<T extends Elements>(values: T, root?: number): Promise<T | undefined>;
  /** Waits for all. */
  barrier(): Promise<void>;
  /** Ends all processes of the job at once, with an exit code. */
  abort(code?: number): never;
  /** Says good-bye: nothing can be exchanged afterwards. A process that exits without it ends the whole job. */
  finalize(): Promise<void>;
}

/**
 * Joins the job that a launcher (`mpirun`, `mpiexec`, `srun`) started this process in; alone, a process is a job of one. Once in a process's life.
 * Throws {@link MpiError} where koffi or a library is missing, where the library belongs to another MPI than the launcher, and where it serves no threads.
 */
export async function connect(options: ConnectOptions = {}): Promise<Communicator> {
  const launch = findLaunch();
  const bindings = await loadLibrary(launch?.launcher ?? 'unknown', options.library ?? process.env.MPI_LIBRARY);
  const { name, handles, functions } = bindings;
  const isInitialized = readInteger(bindings, 'isInitialized');
  if (isInitialized !== 0) throw new MpiError(`${name} is connected already; a process can connect once`);
  const provided = [0];
  check('MPI_Init_thread', functions.init(null, null, handles.threads.multiple, provided));
  if (provided[0] < handles.threads.serialized) {
    throw new MpiError(
      `${name} can be called from its first thread only; a build that provides MPI_THREAD_SERIALIZED is wanted`,
    );
  }
  const rank = readInteger(bindings, 'rank', handles.world);
  const size = readInteger(bindings, 'size', handles.world);
  if (launch?.size !== undefined && launch.size !== size) {
    throw new MpiError(
      `the launcher started ${launch.size} processes, but ${name} sees ${size}: they belong to different MPIs. ` +
        'Start them with the mpirun or mpiexec of that library, or with srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)',
    );
  }
  checkTypes(bindings);
  return communicator(bindings, rank, size);
}

const SIZES: Readonly<Record<TypeName, number>> = { float: 4, double: 8, int32: 4, uint8: 1 };

/** A library of another family than it was taken for would give wrong numbers: its types tell. */
function checkTypes(bindings: Bindings): void {
  for (const type of Object.keys(SIZES) as TypeName[]) {
    const size = readInteger(bindings, 'typeSize', bindings.handles.types[type]);
    if (size !== SIZES[type])
      throw new MpiError(`${bindings.name}: its ${type} has ${size} bytes; this MPI is not known here`);
  }
}

const check = (name: string, code: unknown): void => {
  if (code !== 0) throw new MpiError(`${name} failed with code ${code}`);
};

function readInteger(
  { functions }: Bindings,
  name: 'isInitialized' | 'rank' | 'size' | 'typeSize',
  ...handles: Handle[]
): number {
  const out = [0];
  check(name, functions[name](...handles, out));
  return out[0];
}

function communicator(bindings: Bindings, rank: number, size: number): Communicator {
  const { functions, handles } = bindings;
  const { world, types, operations, inPlace } = handles;
  let isOpen = true;
  /** MPI is called by one thread at a time. */
  let last: Promise<void> = Promise.resolve();
  const call = (name: keyof Bindings['functions'], ...parameters: unknown[]): Promise<void> => {
    if (!isOpen) return Promise.reject(new MpiError(`${name}: the job was left with finalize()`));
    last = last.then(
      () =>
        new Promise((resolve, reject) => {
          functions[name].async(...parameters, (error: unknown, code: unknown) => {
            if (error) reject(error);
            else if (code !== 0) reject(new MpiError(`${name} failed with code ${code}`));
            else resolve();
          });
        }),
    );
    return last;
  };
  const checkRoot = (root: number): void => {
    if (!(Number.isInteger(root) && root >= 0 && root < size))
      throw new MpiError(`there is no process ${root}; a rank from 0 to ${size - 1} is wanted`);
  };
  const abort = (code = 1): never => {
    functions.abort(world, code);
    process.exit(code);
  };
  // Some launchers take a process that exits with code 0 for one that has done its part; the others would wait for it forever.
  let uncaught: unknown;
  const onUncaught = (error: unknown): void => {
    uncaught = error;
  };
  const onExit = (code: number): void => {
    // Node would print it only after this, when the process is gone.
    if (uncaught !== undefined) console.error(uncaught);
    functions.abort(world, code === 0 ? 1 : code);
  };
  process.on('uncaughtExceptionMonitor', onUncaught);
  process.on('exit', onExit);
  return {
    rank,
    size,
    library: libraryVersion(bindings),
    allreduce: (values, operation = 'sum') =>
      call('allreduce', inPlace, values, values.length, types[typeOf(values)], operations[operation], world),
    async broadcast(values, root = 0) {
      checkRoot(root);
      await call('broadcast', values, values.length, types[typeOf(values)], root, world);
    },
    async gather(values, root = 0) {
      checkRoot(root);
      const type = types[typeOf(values)];
      const all = rank === root ? emptyLike(values, values.length * size) : null;
      await call('gather', values, values.length, type, all, values.length, type, root, world);
      return all ?? undefined;
    },
    barrier: () => call('barrier', world),
    abort,
    async finalize() {
      await call('finalize');
      isOpen = false;
      process.off('uncaughtExceptionMonitor', onUncaught);
      process.off('exit', onExit);
    },
  };
}

function typeOf(values: Elements): TypeName {
  if (values instanceof Float32Array) return 'float';
  if (values instanceof Float64Array) return 'double';
  return values instanceof Int32Array ? 'int32' : 'uint8';
}

/** An array of the same type. */
function emptyLike<T extends Elements>(values: T, length: number): T {
  // A typed array's constructor makes arrays of its own type, which TypeScript does not know.
  const ArrayType = values.constructor as new (length: number) => T;
  return new ArrayType(length);
}

/** Libraries write at most this many bytes. */
const VERSION_BYTES = 8192;

function libraryVersion({ functions }: Bindings): string {
  const text = new Uint8Array(VERSION_BYTES);
  const length = [0];
  check('MPI_Get_library_version', functions.version(text, length));
  const [firstLine] = new TextDecoder().decode(text.subarray(0, length[0])).replaceAll('\0', '').split('\n');
  return firstLine.split(',')[0].replaceAll(/\s+/g, ' ').trim();
}
