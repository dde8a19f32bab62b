export type { TensorRecord } from '@logah/tensor-ops';
export { ADAMW_DEFAULTS, type AdamWConfig, type AdamWState, disposeAdamW, initAdamW, updateAdamW } from './adamw.js';
export { clipScale } from './clipping.js';
export { evaluateNetwork, type NetworkScore } from './evaluate.js';
export { misfitOf, type SampleKind } from './fit.js';
export { forward } from './forward.js';
export { networkGradients } from './gradients.js';
export { randomParameters, withFreshClassLayer } from './initializers.js';
export { classificationLoss, correctCount, nextTokenLoss } from './loss.js';
export { orthogonalized } from './orthogonal.js';
export { disposeSgd, initSgd, SGD_DEFAULTS, type SgdConfig, type SgdState, updateSgd } from './sgd.js';
export { type RoleDeviations, withDeviations } from './starts/distributions.js';
export { InitializationError } from './starts/error.js';
export { withModdedNanogptWeights, withNanochatWeights } from './starts/gpt.js';
export { IMPULSE_POSITION_SCALE, withImpulseAttention } from './starts/impulse.js';
export { withMimeticAttention } from './starts/mimetic.js';
export {
  ABSOLUTE_NOISE,
  CORRELATION_NOISE,
  withAbsoluteNoise,
  withCorrelationNoise,
  withRandomDraw,
} from './starts/noise.js';
export { withOrthogonalAttention } from './starts/orthogonal-attention.js';
export { type TrainedTensor, withSelectedWeights } from './starts/weight-selection.js';
export { classification, type Judgement, languageModelling, type Task } from './task.js';
