// ONNX models as graphs.
import type { ImportedModel } from '../import/assemble.js';
import { importModel } from '../import/import.js';
import { naming } from '../import/order.js';
import type { ImportOptions } from '../import/settle.js';
import { decodeModel } from './decode.js';

/**
 * The graph of an ONNX model of opset 7 or later. Linear layers, convolutions, norms, activations, attention and the like become operators of the graph,
 * however the file writes them; others stay ONNX operators ({@link keptOperators} lists them). Weights are not copied: `tensors` says where the values of
 * each parameter are. `source` is the file's name for messages.
 * Throws {@link GraphError} for a file that is damaged or not sound, naming what is wrong with it.
 */
export const graphFromOnnx = (bytes: Uint8Array, source: string, options: ImportOptions = {}): ImportedModel =>
  importModel(
    naming(source, 'the model', () => decodeModel(bytes, source)),
    options,
  );
