export { ADAMW_DEFAULTS, type AdamWConfig, type AdamWState, disposeAdamW, initAdamW, updateAdamW } from './adamw.js';
export { evaluateNetwork, type NetworkScore } from './evaluate.js';
export { forward, type TensorRecord } from './forward.js';
export { clipScale, globalNorm } from './gradient-norm.js';
export { randomParameters } from './initializers.js';
export { classificationLoss, correctCount, nextTokenLoss } from './loss.js';
export { classification, languageModelling, type Task } from './task.js';
export { networkGradients } from './gradients.js';
