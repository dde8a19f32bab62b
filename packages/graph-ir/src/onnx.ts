// Graphs as ONNX models.
export { graphToOnnx, MOST_INLINE_BYTES, type OnnxParameters } from './onnx/export.js';
