// The backend: tensors are typed arrays, as on tfjs's `cpu`, whose kernels all run here too; memory that kernels write is pooled.
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { backend_util, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { BufferPool } from './pool.js';
import type { ElementType } from './program.js';
import { canShare, type Kernel, type NativeTensor } from './session.js';

type DataId = TensorInfo['dataId'];
type Values = backend_util.BackendValues;

/** The ONNX types of tfjs types that native kernels read and write. */
const ELEMENT_TYPES: Readonly<Partial<Record<DataType, ElementType>>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
};

/** What a native kernel writes. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype?: 'float32' | 'bool';
}

/** More operations than this are worth waking a second thread for; measured, see `bench/`. */
const LARGE_WORK = 4e6;

/** Elements of a tile on one thread, 1 MiB of float32: small enough for the cache, large enough that calls do not count; measured. */
const TILE_ELEMENTS = 2 ** 18;

/** Elements of a tile that several threads share: waking them for every operator of a program takes more work to be worth it. */
const SHARED_TILE_ELEMENTS = 2 ** 20;

const nativeFloats = (data: Float32Array, dims: readonly number[]): NativeTensor => ({
  type: 'float32',
  dims,
  data,
  location: 'cpu',
});

export class OrtBackend extends MathBackendCPU {
  readonly #pool = new BufferPool();
  #nextId = 0;

  /** As the CPU backend's, without its advice to install tfjs-node. */
  override write(values: Values, _shape: number[], dtype: DataType): DataId {
    const dataId = { id: this.#nextId++ };
    this.data.set(dataId, { values, dtype, refCount: 1 });
    return dataId;
  }

  /** A view of a tensor's values. A caller may keep it, so its memory is not used again. */
  override readSync(dataId: DataId): Values {
    const { values } = this.data.get(dataId);
    if (values instanceof Float32Array) this.#pool.release(values);
    return super.readSync(dataId);
  }

  /** Copies a float32 tensor's values into `out`, of the same length, and keeps its memory for other tensors. */
  readInto(dataId: DataId, out: Float32Array): void {
    const { values, dtype } = this.data.get(dataId);
    if (!(values instanceof Float32Array)) throw new Error(`backend ort: wanted a float32 tensor, got ${dtype}`);
    out.set(values);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const values = this.data.has(dataId) ? this.data.get(dataId).values : undefined;
    const isFreed = super.disposeData(dataId, force);
    if (isFreed && values instanceof Float32Array) this.#pool.give(values);
    return isFreed;
  }

  /** A tensor's values, without counting as a read. */
  values(info: TensorInfo): Values {
    const { values } = this.data.get(info.dataId);
    if (values === undefined) throw new Error(`backend ort: a tensor of type ${info.dtype} has no values`);
    return values;
  }

  /** The values of a float32 tensor. tfjs's own Cast keeps the memory of a bool or int32 tensor: it is converted when first needed. */
  floats(info: TensorInfo): Float32Array {
    const values = this.values(info);
    if (values instanceof Float32Array) return values;
    if (info.dtype !== 'float32') throw new Error(`backend ort: wanted a float32 tensor, got ${info.dtype}`);
    return Float32Array.from(values as ArrayLike<number>);
  }

  /** A new float32 tensor on pooled memory, whose values are left from earlier use, and those values. */
  allocate(shape: readonly number[]): { info: TensorInfo; values: Float32Array } {
    const values = this.#pool.take(sizeOf(shape));
    return { info: this.makeTensorInfo([...shape], 'float32', values), values };
  }

  /** Memory that a fallback kernel shares between two tensors must not be pooled. */
  keepShared(inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): void {
    for (const output of outputs) {
      const values = this.data.has(output.dataId) ? this.data.get(output.dataId).values : undefined;
      if (!(values instanceof Float32Array)) continue;
      for (const input of inputs) {
        if (input.dataId === output.dataId || !this.data.has(input.dataId)) continue;
        const shared = this.data.get(input.dataId).values;
        if (shared instanceof Float32Array && shared.buffer === values.buffer) {
          this.#pool.release(shared);
          this.#pool.release(values);
        }
      }
    }
  }

  /** Runs a native kernel. `work` is its number of operations, which decides about threads. */
  runNative(kernel: Kernel, inputs: readonly TensorInfo[], outputs: readonly OutputSpec[], work = 0): TensorInfo[] {
    const feeds = inputs.map((info): NativeTensor => {
      const type = ELEMENT_TYPES[info.dtype];
      if (type === undefined) throw new Error(`backend ort: no native kernel reads ${info.dtype}`);
      const data = type === 'float32' ? this.floats(info) : (this.values(info) as NativeTensor['data']);
      return { type, dims: info.shape, data, location: 'cpu' };
    });
    const results: TensorInfo[] = [];
    const fetches = outputs.map(({ shape, dtype = 'float32' }): NativeTensor => {
      const data = dtype === 'bool' ? new Uint8Array(sizeOf(shape)) : this.#pool.take(sizeOf(shape));
      results.push(this.makeTensorInfo([...shape], dtype, data));
      return { type: dtype, dims: shape, data, location: 'cpu' };
    });
    kernel.run(feeds, fetches, work > LARGE_WORK);
    return results;
  }

  /**
   * Runs a native kernel on a few rows at a time. Every input of `inputs` is `[rows, …]` and is cut along them, however its own shape
   * groups them; those in `shared`, and then the `scalars`, are given whole to each tile. The results are the `outputs`, put together from the
   * tiles, and then the `summed` ones, added over them.
   */
  runTiled(
    kernel: Kernel,
    rows: number,
    inputs: readonly TensorInfo[],
    outputs: ReadonlyArray<readonly number[]>,
    options: {
      readonly shared?: readonly TensorInfo[];
      readonly scalars?: readonly number[];
      readonly summed?: ReadonlyArray<readonly number[]>;
    } = {},
  ): TensorInfo[] {
    const { shared = [], scalars = [], summed = [] } = options;
    const whole = [
      ...shared.map((info) => nativeFloats(this.floats(info), info.shape)),
      ...scalars.map((value) => nativeFloats(Float32Array.of(value), [])),
    ];
    const sources = inputs.map((info) => this.floats(info));
    const results = outputs.map((shape) => this.allocate(shape));
    const sums = summed.map((shape) => this.allocate(shape));
    const parts = summed.map((shape) => nativeFloats(new Float32Array(sizeOf(shape)), shape));
    for (const { values } of sums) values.fill(0);
    const elements = Math.max(...sources.map(({ length }) => length));
    const isShared = canShare() && elements > TILE_ELEMENTS;
    const step = Math.max(1, Math.floor(((isShared ? SHARED_TILE_ELEMENTS : TILE_ELEMENTS) * rows) / elements));
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const tile = (values: Float32Array): NativeTensor => {
        const width = values.length / rows;
        // Operators are slow along an axis of one element.
        const dims = elements === rows ? [count] : [count, width];
        return nativeFloats(values.subarray(row * width, (row + count) * width), dims);
      };
      kernel.run([...sources.map(tile), ...whole], [...results.map(({ values }) => tile(values)), ...parts], isShared);
      sums.forEach(({ values }, k) => {
        const { data } = parts[k];
        for (let i = 0; i < values.length; i++) values[i] += Number(data[i]);
      });
    }
    return [...results, ...sums].map(({ info }) => info);
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
