// Changes to a graph: each gives a new graph, validated, and leaves the old one as it is.
export { cloneGraph } from './edit/clone.js';
export { type Extraction, extractSubgraph } from './edit/extract.js';
export { type Insertion, insertOperator } from './edit/insert.js';
export { type Removal, removeOperator } from './edit/remove.js';
export { type Renaming, renameInGraph } from './edit/rename.js';
export { replaceOperator } from './edit/replace.js';
