// What needs Node.js: comparisons in folders, initialisers from files.
export { type ComparisonOptions, type FiledRun, fileRuns, keptRuns } from './filed-runs.js';
export { checkPredicted, initializerIdentity, readInitializer } from './initializer-spec.js';
export { type SweepEvent, type SweepOptions, sweep } from './sweep.js';
