export type { TensorRecord } from '@logah/tensor-ops';
export { ADAMW_DEFAULTS, type AdamWConfig, type AdamWState, disposeAdamW, initAdamW, updateAdamW } from './adamw.js';
export { clipScale } from './clipping.js';
export { evaluateNetwork, type NetworkScore } from './evaluate.js';
export { forward } from './forward.js';
export { networkGradients } from './gradients.js';
export { randomParameters } from './initializers.js';
export { classificationLoss, correctCount, nextTokenLoss } from './loss.js';
export { classification, languageModelling, type Task } from './task.js';
