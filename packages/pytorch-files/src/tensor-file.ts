// Parameters by name, whatever kind of file they are in.
import type { FloatTensor } from '@logah/safetensors';
import type { ElementType } from './element-type.js';
import type { PytorchFile } from './open.js';

/** Parameters by name in a safetensors file or one of PyTorch, each read when it is asked for. */
export interface TensorFile {
  /** The metadata of a safetensors file; of one of PyTorch what lies beside the parameters, as JSON. */
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, { readonly type: ElementType; readonly shape: readonly number[] }>;
  /** What was done to find the parameters, in words. */
  readonly notes: readonly string[];
  /** What a file of PyTorch holds, undefined for a safetensors file. */
  readonly pytorch: PytorchFile | undefined;
  /**
   * A tensor's values as float32. Throws {@link PytorchFileError} or SafetensorsError for a name that the file lacks,
   * and for a file that ends too early.
   */
  readonly read: (name: string) => Promise<FloatTensor>;
  /** A tensor's bytes in its own type, row-major and little-endian. Throws as `read` does. */
  readonly readBytes: (name: string) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}
