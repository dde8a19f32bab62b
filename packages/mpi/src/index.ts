export { type Communicator, type ConnectOptions, connect, type Elements, type Operation } from './communicator.js';
export { MpiError } from './errors.js';
export { findLaunch, type Launch, type LauncherKind } from './launcher.js';
