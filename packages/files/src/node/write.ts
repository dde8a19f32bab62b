// The one way in which files are written: beside their name, forced to the disk, then renamed. write-file-atomic of npm
// does the same for content that is at hand; ours can be larger than memory, and its names do not say whose they are.
import {
  access,
  appendFile,
  constants,
  type FileHandle,
  lstat,
  open,
  readlink,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type ErrorClass, FileError } from '../errors.js';
import { codeOf, named, reasonOf } from './named.js';
import { guard, partialPath, sweepPartials, unguard } from './partial.js';
import { kindOf } from './read.js';

/** Linux never writes more than 2 GiB at once. */
const MOST_AT_ONCE = 2 ** 30;

/** What a file in the making takes. */
export interface FileWriter {
  /** Adds bytes at the end. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** Folders that were looked through for what was left unfinished. */
const swept = new Set<string>();

/**
 * Writes a file whose content comes piece by piece. A link stays one, and what it points to is written; a file that is
 * replaced leaves its permissions to the new one. It appears under its name when `write` is done and all is on the
 * disk; when anything fails, or the process ends by an error, Ctrl-C or SIGTERM, it does not and nothing is left.
 * Returns what `write` returns. Throws the error class given, {@link FileError} by default, naming the file.
 */
export async function writeStream<T>(
  path: string,
  write: (file: FileWriter) => Promise<T>,
  Raised: ErrorClass = FileError,
): Promise<T> {
  const { target, mode } = await targetOf(path, Raised);
  const folder = dirname(target);
  if (!swept.has(folder)) {
    swept.add(folder);
    await sweepPartials(folder);
  }
  const partial = partialPath(target);
  guard(partial);
  try {
    const file = await named(path, 'write', Raised, () => open(partial, 'wx', mode));
    let result: T;
    try {
      // Some file systems have no permissions to give.
      if (mode !== undefined) await file.chmod(mode).catch(() => {});
      result = await write({ write: (bytes) => named(path, 'write', Raised, () => writeAll(file, bytes)) });
      await named(path, 'write', Raised, () => file.sync());
    } finally {
      await file.close();
    }
    await named(path, 'write', Raised, () => rename(partial, target));
    await syncFolder(folder);
    return result;
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  } finally {
    unguard(partial);
  }
}

/** Writes a file whose content is at hand; as {@link writeStream} does. */
export async function writeFile(path: string, content: string | Uint8Array, Raised?: ErrorClass): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  await writeStream(path, (file) => file.write(bytes), Raised);
}

/**
 * Adds to the end of a file that grows line by line, such as a log; what a cut-off end means is its reader's business.
 * Throws {@link FileError} naming the file.
 */
export const appendToFile = (path: string, content: string | Uint8Array): Promise<void> =>
  named(path, 'write', FileError, () => appendFile(path, content));

interface Target {
  readonly target: string;
  /** The permissions of the file that stands there. */
  readonly mode?: number;
}

/**
 * The file that a name stands for, behind links. Throws where it cannot be replaced, before anything is computed for it:
 * a rename would put a file in the place of a device or a pipe, and would not mind that a file is read-only.
 */
async function targetOf(path: string, Raised: ErrorClass): Promise<Target> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new Raised(`cannot write ${path === '' ? '""' : path}: ${reason}`, { cause });
  };
  if (path === '') refuse('it is no name of a file');
  try {
    const stats = await stat(path);
    if (!stats.isFile()) refuse(`it is ${kindOf(stats)}, not a regular file`);
    if (path.endsWith('/')) refuse('it is no folder');
    await access(path, constants.W_OK);
    return { target: await behindLinks(path), mode: stats.mode & 0o7777 };
  } catch (cause) {
    if (cause instanceof Raised) throw cause;
    if (codeOf(cause) !== 'ENOENT') refuse(reasonOf(cause), cause);
  }
  if (path.endsWith('/')) refuse('it is the name of a folder');
  return { target: await behindLinks(path) };
}

/** Where links lead that do not lead in a circle, also to what is not there yet. */
async function behindLinks(path: string): Promise<string> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isSymbolicLink() !== true) return path;
  return behindLinks(resolve(dirname(path), await readlink(path)));
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, offset, Math.min(bytes.byteLength - offset, MOST_AT_ONCE));
    offset += bytesWritten;
  }
}

/** So that the new name outlasts a power failure. Some systems and file systems cannot: the file is whole anyway. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    await handle?.sync();
  } catch (cause) {
    if (codeOf(cause) === 'EIO') throw new FileError(`cannot write ${folder}: the disk fails`, { cause });
  } finally {
    await handle?.close();
  }
}
