export { forward, type TensorRecord } from './forward.js';
export { randomParameters } from './initializers.js';
export { classificationLoss, correctCount, nextTokenLoss } from './loss.js';
