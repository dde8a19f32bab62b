export { type ArchitectureEntry, createDataset, DatasetError, type DatasetOptions, type Split } from './dataset.js';
export { datasetFromJsonLines, datasetToJsonLines } from './json-lines.js';
export {
  type ArchitectureSampler,
  GPTS_1K_MAX_PARAMETERS,
  gpts1k,
  gptsSmall,
  type LanguageHeads,
  type LanguageTask,
  LLAMAS_1K_MAX_PARAMETERS,
  llamas1k,
  VITS_1K_MAX_PARAMETERS,
  type VisionTask,
  vits1k,
  vitsSmall,
} from './samplers.js';
export { type DatasetStatistics, datasetStatistics, type ParameterHistogram } from './statistics.js';
