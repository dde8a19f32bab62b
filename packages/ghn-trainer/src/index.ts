export { checkTrainerConfig, TRAINER_DEFAULTS, type TrainerConfig, TrainingError } from './config.js';
export { type MetaBatchOptions, type MetaBatchResult, metaBatchGradients } from './meta-batch.js';
export { learningRateAt, type ScheduleConfig } from './schedule.js';
export {
  type ArchitectureSource,
  initTrainer,
  type TrainEvent,
  type TrainerState,
  type TrainOptions,
  totalSteps,
  train,
} from './train.js';
