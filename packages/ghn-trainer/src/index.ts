export * from './adamw.js';
export * from './meta-batch.js';
export * from './schedule.js';
export * from './task.js';
