// What needs Node.js: comparisons in folders, initialisers from files.
export { initializerIdentity, readInitializer } from './initializer-spec.js';
export { type SweepEvent, type SweepOptions, sweep } from './sweep.js';
