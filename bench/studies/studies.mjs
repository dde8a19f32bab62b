// Every study by its name, which is that of its page in docs/studies.
import { architectures } from './architectures.mjs';
import { costs } from './costs.mjs';
import { data } from './data.mjs';
import { domains } from './domains.mjs';
import { metaBatch } from './meta-batch.mjs';
import { rank } from './rank.mjs';
import { recipe } from './recipe.mjs';
import { sizes } from './sizes.mjs';
import { weights } from './weights.mjs';
import { why } from './why.mjs';

export const STUDIES = {
  why,
  costs,
  data,
  'meta-batch': metaBatch,
  rank,
  recipe,
  weights,
  sizes,
  domains,
  architectures,
};
