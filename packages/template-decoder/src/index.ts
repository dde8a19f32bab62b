// Weight tensors as mixtures of learned templates, cut to size.
export { bankParameters, mixTemplates, type TemplateBank } from './bank.js';
export {
  type MixedTarget,
  type MixtureConfig,
  mixtureHidden,
  mixtureParameters,
  mixtureWeights,
} from './mixture.js';
