export { type CheckpointContent, fromCheckpoint, toCheckpoint } from './checkpoint.js';
export {
  checkHypernetConfig,
  HYPERNET_VARIANTS,
  type HypernetConfig,
  HypernetError,
  type HypernetVariant,
  hypernetPreset,
} from './config.js';
export {
  createHypernet,
  disposeHypernet,
  type Hypernet,
  hypernetParameterCount,
  hypernetParameters,
  type TensorRecord,
} from './hypernet.js';
export { embedNodes, lowerFor, type PredictedTensor, type PredictOptions, predict, predictTensors } from './predict.js';
