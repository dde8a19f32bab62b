// Layers that graph hypernetworks and their target networks share, on whichever tfjs backend the application chose.
import '#gradients';

export { type AdamWScalars, adamWStep } from './adamw-step.js';
export { type AttentionOptions, attention, multiHeadAttention } from './attention.js';
export { softmaxCrossEntropy } from './cross-entropy.js';
export { gelu, geluTanh } from './gelu.js';
export { layerNorm } from './layer-norm.js';
export { linear } from './linear.js';
export { areFinite, globalNorm, sumOfNorms } from './norms.js';
export {
  embeddingParameters,
  layerNormParameters,
  linearParameters,
  type ParameterSpec,
  type TensorRecord,
  uniformParameter,
} from './parameters.js';
export { readInto, takeNumber } from './read-into.js';
export { rmsNorm } from './rms-norm.js';
