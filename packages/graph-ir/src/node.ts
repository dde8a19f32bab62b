// Model files on disk, for Node.
export { type OpenedModel, type OpenOptions, openModel } from './node/open.js';
