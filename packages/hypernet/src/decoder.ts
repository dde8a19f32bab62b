// Which decoder a configuration has.
import type { HypernetConfig } from './config.js';
import { convDecoder } from './conv-decoder.js';
import { lowRankDecoder } from './low-rank.js';
import { templateDecoder } from './template.js';
import type { TensorDecoder } from './tensor-decoder.js';

/** The decoder of a configuration. */
export function decoderOf(config: HypernetConfig): TensorDecoder {
  switch (config.decoder) {
    case 'lowrank':
      return lowRankDecoder(config);
    case 'conv':
      return convDecoder(config);
    case 'template':
      return templateDecoder(config);
  }
}
