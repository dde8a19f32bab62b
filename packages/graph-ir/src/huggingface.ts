// Models of Hugging Face's transformers: their config.json as a graph, and their checkpoints checked against it.
export {
  type CheckpointDifference,
  type CheckpointShapes,
  checkCheckpoint,
  checkCheckpointValues,
  checkpointValues,
  withStatisticsOf,
} from './huggingface/check.js';
export { graphFromConfig, MODEL_TYPES } from './huggingface/config.js';
