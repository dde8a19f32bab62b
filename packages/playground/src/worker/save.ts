// A filled network as a file.
import { graphToOnnx } from '@logah/graph-ir/onnx';
import { encodeSafetensors } from '@logah/safetensors';
import type { Predicted } from './predict.js';

/** The bytes of a safetensors file with the parameters' names, or of an ONNX model that runs. Throws GraphError for what ONNX has no operator for. */
export function fileOf(
  { graph, name, values, origin }: Predicted,
  format: 'safetensors' | 'onnx',
): Uint8Array<ArrayBuffer> {
  if (format === 'onnx') return Uint8Array.from(graphToOnnx(graph, { values }));
  const tensors = graph.parameters.map(
    (parameter) =>
      [parameter.name, { shape: parameter.shape, data: values.get(parameter.name) ?? new Float32Array() }] as const,
  );
  const metadata = { format: 'pt', architecture: name, ...origin };
  return Uint8Array.from(encodeSafetensors(new Map(tensors), metadata));
}
