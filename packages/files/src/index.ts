// What can be said of files without a file system: JSON, names, text for a terminal. `@logah/files/node` reads and
// writes them.
export { counted } from './counted.js';
export { type ErrorClass, FileError, messageOf } from './errors.js';
export { DEEPEST_JSON, parseJson, shortJson } from './json.js';
export { own, recordOf } from './names.js';
export { printable } from './printable.js';
export { shellWord } from './shell-word.js';
