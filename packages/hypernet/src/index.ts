export { type CheckpointContent, fromCheckpoint, toCheckpoint } from './checkpoint.js';
export {
  type ConvHypernetConfig,
  checkHypernetConfig,
  HYPERNET_VARIANTS,
  type HypernetConfig,
  HypernetError,
  type HypernetVariant,
  hypernetPreset,
  isTemplateVariant,
  type LowRankHypernetConfig,
  type TemplateHypernetConfig,
} from './config.js';
export { checkFit, checkOwnHead, domainOf, type FitOptions } from './fit.js';
export {
  createHypernet,
  disposeHypernet,
  type Hypernet,
  hypernetParameterCount,
  hypernetParameters,
} from './hypernet.js';
export { embedNodes, lowerFor, type PredictedTensor, type PredictOptions, predict, predictTensors } from './predict.js';
export { type AssumedSize, fromPytorch, type PytorchHypernetOptions } from './pytorch-checkpoint.js';
