// Runs programs synchronously. TensorFlow.js kernels return their results at once, but onnxruntime-node's public `run` is a promise
// around a native session that is synchronous; this module uses that session, which is why the package pins onnxruntime-node's version.
import { createRequire } from 'node:module';
import type { Binding, binding as BindingObject } from 'onnxruntime-node/dist/binding.js';
import { type ElementType, encodeProgram, type Program, UNREADABLE_OUTPUT } from './program.js';

/** A tensor as the native session reads and writes it. */
export interface NativeTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
  readonly location: 'cpu';
}

type Runtime = typeof BindingObject;

/** The version of onnxruntime-node that this package is tested with and depends on, exactly. */
const TESTED_VERSION = '1.30.0';

let threads = 0;
let loaded: Runtime | undefined;

/** How many threads large products and convolutions use. Programs that ran already keep theirs. */
export function setThreads(count: number): void {
  threads = count;
}

/** Whether work can be spread over several threads. */
export const canShare = (): boolean => threads !== 1;

/**
 * Loads the native library once and checks that it computes.
 * Throws Error saying what failed where the platform has no binary or the version is not the tested one.
 */
export function loadRuntime(): Runtime {
  loaded ??= checkedRuntime();
  return loaded;
}

function checkedRuntime(): Runtime {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  let module: { binding: Runtime; initOrt(): void };
  let version: string;
  try {
    ({ version } = require('onnxruntime-node/package.json'));
    module = require('onnxruntime-node/dist/binding.js');
    module.initOrt();
  } catch (cause) {
    throw new Error(
      `backend ort: onnxruntime-node has no working native library for ${platform}-${arch}; use the wasm backend here`,
      { cause },
    );
  }
  if (version !== TESTED_VERSION) {
    throw new Error(
      `backend ort: wants onnxruntime-node ${TESTED_VERSION} exactly, found ${version}; reinstall @logah/backend-ort`,
    );
  }
  isCopyAvoided = avoidsCopy(module.binding);
  return module.binding;
}

/*
 * The native session writes into the memory that it is given for outputs, and then makes a JavaScript tensor of each output, which copies it into fresh
 * memory: for a large one that takes longer than most operators. It makes them in the model's order and stops at the first that it cannot make, so an output of a
 * type that JavaScript has no arrays for, before the others, keeps it from copying any. What was asked for has been written by then.
 */
let isCopyAvoided = false;

/** More bytes than this take longer to copy than an error takes to make; measured. */
const MOST_COPIED_BYTES = 2 ** 16;

/** Whether this version of the native library writes outputs before it fails to make tensors of them. */
function avoidsCopy(runtime: Runtime): boolean {
  const session = sessionOf(runtime, IDENTITY, 1);
  const [x, y] = [1, 0].map(
    (value): NativeTensor => ({ type: 'float32', dims: [1], data: Float32Array.of(value), location: 'cpu' }),
  );
  try {
    return fails(() => runSession(session, { x }, { [UNREADABLE_OUTPUT]: null, y })) && y.data[0] === 1;
  } catch {
    // It fails in another way than the tested one: results are copied then.
    return false;
  }
}

const IDENTITY: Program = {
  inputs: { x: 'float32' },
  outputs: { y: 'float32' },
  nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
};

/** Whether `run` fails for want of a type of arrays; any other error is thrown. */
function fails(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof Error && /^Tensor type \(\d+\) is not supported\.?$/.test(error.message)) return true;
    throw error;
  }
}

/** The native side reads these plain objects as it reads onnxruntime's own tensors. */
function runSession(
  session: Binding.InferenceSession,
  feeds: Readonly<Record<string, NativeTensor>>,
  fetches: Readonly<Record<string, NativeTensor | null>>,
): void {
  (session as unknown as { run(feeds: object, fetches: object, options: object): void }).run(feeds, fetches, {});
}

/** A program with its sessions: one that runs on the calling thread, and one that spreads large work. Loaded when first run. */
export class Kernel {
  #serial: Binding.InferenceSession | undefined;
  #parallel: Binding.InferenceSession | undefined;
  readonly #inputs: readonly string[];
  readonly #outputs: readonly string[];

  constructor(readonly program: Program) {
    this.#inputs = Object.keys(program.inputs);
    this.#outputs = Object.keys(program.outputs);
  }

  /** Runs on `inputs`, in the program's order, and writes into the memory of `outputs`. */
  run(inputs: readonly NativeTensor[], outputs: readonly NativeTensor[], isLarge: boolean): void {
    const feeds: Record<string, NativeTensor> = {};
    for (let i = 0; i < inputs.length; i++) feeds[this.#inputs[i]] = inputs[i];
    const bytes = outputs.reduce((sum, { data }) => sum + data.byteLength, 0);
    const inPlace = isCopyAvoided && bytes > MOST_COPIED_BYTES;
    const fetches: Record<string, NativeTensor | null> = inPlace ? { [UNREADABLE_OUTPUT]: null } : {};
    for (let i = 0; i < outputs.length; i++) fetches[this.#outputs[i]] = outputs[i];
    const session = this.#session(isLarge && canShare());
    if (inPlace) fails(() => runSession(session, feeds, fetches));
    else runSession(session, feeds, fetches);
  }

  #session(isParallel: boolean): Binding.InferenceSession {
    if (isParallel) {
      this.#parallel ??= sessionOf(loadRuntime(), this.program, threads);
      return this.#parallel;
    }
    this.#serial ??= sessionOf(loadRuntime(), this.program, 1);
    return this.#serial;
  }
}

function sessionOf(runtime: Runtime, program: Program, intraOpNumThreads: number): Binding.InferenceSession {
  const session = new runtime.InferenceSession();
  const { buffer, byteOffset, byteLength } = encodeProgram(program);
  session.loadModel(buffer as ArrayBuffer, byteOffset, byteLength, {
    intraOpNumThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Shapes change from run to run, so a plan of memory made for one would not fit the next.
    enableMemPattern: false,
    // Every session has its own pool: threads that spin while they wait would take the cores from the next session's.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  return session;
}
