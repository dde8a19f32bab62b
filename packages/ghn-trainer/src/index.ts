export {
  checkTrainerConfig,
  TEMPLATE_TRAINER_DEFAULTS,
  TRAINER_DEFAULTS,
  type TrainerConfig,
  TrainingError,
} from './config.js';
export { evaluatePredictions, type PredictedScore } from './evaluate.js';
export type { InnerLoop } from './inner-loop.js';
export { type MetaBatchOptions, type MetaBatchResult, type MetaNetwork, metaBatchGradients } from './meta-batch.js';
export { type Ranks, type SharedGradients, shareGradients } from './ranks.js';
export { learningRateAt, type ScheduleConfig } from './schedule.js';
export {
  type ArchitectureSource,
  checkRunnable,
  type DrawnNetwork,
  disposeTrainer,
  initTrainer,
  localGradients,
  type MetaGradients,
  type TrainEvent,
  type TrainerState,
  type TrainOptions,
  totalSteps,
  train,
} from './train.js';
