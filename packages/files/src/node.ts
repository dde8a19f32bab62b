// Files and folders in Node.js.
export { type Folder, makeFolder, sweepFolder } from './node/folder.js';
export { type Holder, type Lock, type LockOptions, lockFolder, tryLock } from './node/lock.js';
export { type OpenFile, type OpenFileSync, openFile, openFileSync, readBytes, readText } from './node/read.js';
export { appendToFile, type FileWriter, writeFile, writeStream } from './node/write.js';
