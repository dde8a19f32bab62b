export { runsToCsv, summariesToCsv } from './csv.js';
export { EvaluationError } from './errors.js';
export {
  closedFormInitializer,
  graftedInitializer,
  type Initializer,
  modifiedInitializer,
  orthogonalInitializer,
  predictedInitializer,
  randomInitializer,
  selectedInitializer,
  startRandom,
} from './initializers.js';
export { disposeState, type NetworkState, type OptimizerConfig, startState } from './optimizer.js';
export { type ComparisonReport, comparisonReport, summaryTable } from './report.js';
export {
  type Contrast,
  formatMetric,
  formatReached,
  formatSpread,
  METRICS,
  type Metric,
  type MetricName,
  MILESTONES,
  type Reached,
  type Rescaling,
  type RunKey,
  type RunRecord,
  type StartReport,
  type Summary,
  statements,
  summarize,
} from './results.js';
export { parseShard, type Shard } from './shard.js';
export {
  CLOSED_FORM_STARTS,
  type ClosedFormName,
  type ClosedFormStart,
  FILE_STARTS,
  type FileStartName,
  MODIFIERS,
  type Modifier,
  type ModifierName,
} from './start-tables.js';
export { INITIALIZER_HELP, isPredicted, splitStarts, startName } from './start-text.js';
export {
  type Advice,
  adviceOn,
  diversity,
  type Finding,
  findings,
  type LayerStatistics,
  layerStatistics,
  untrainedRows,
} from './statistics.js';
export {
  type EpochEvent,
  type EpochScore,
  type Recipe,
  type TrainNetworkOptions,
  trainNetwork,
} from './training.js';
export { differenceInterval, type MeanAndDeviation, meanAndDeviation } from './welch.js';
