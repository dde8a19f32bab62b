// What needs Node.js: runs in folders, states in files, gradient workers.
export { type RunEvent, type RunOptions, run } from './run.js';
export { readTrainerState, writeTrainerState } from './state-file.js';
export { createEventFile, type EventFile } from './tensorboard.js';
export { createWorkerPool, type WorkerPool, type WorkerPoolOptions } from './worker-pool.js';
