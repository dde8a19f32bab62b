export {
  decode,
  decodeCodes,
  decodeFactors,
  embeddingsToCodes,
  type Factors,
  type KernelShape,
  type LowRankDecoderConfig,
  lowRankDecoderParameters,
  multiplyFactors,
  type TargetGroup,
} from './decoder.js';
export { roundedSize } from './grouping.js';
export { fanInScale, normalizeBias, normalizeGain, productDeviation } from './normalization.js';
export { tileTo } from './tiling.js';
