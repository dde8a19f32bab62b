export {
  decode,
  decodeCodes,
  embeddingsToCodes,
  type KernelShape,
  type LowRankDecoderConfig,
  lowRankDecoderParameters,
  type TensorRecord,
} from './decoder.js';
export { roundedSize } from './grouping.js';
export { fanInScale, normalizeBias, normalizeDeviation, normalizeGain } from './normalization.js';
export { tileTo } from './tiling.js';
