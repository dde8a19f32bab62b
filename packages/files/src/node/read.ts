// Reading regular files: a pipe would wait for a writer that never comes, a device never ends.
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type ErrorClass, FileError } from '../errors.js';
import { named, reasonOf } from './named.js';

/** Linux reads at most this much at once. */
const MOST_AT_ONCE = 2 ** 30;

/** A text of more bytes may not fit into a string. */
const MOST_TEXT_BYTES = 2 ** 28;

/** To open a pipe for reading waits for its other end, unless this is said. */
const READ_AT_ONCE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A regular file that is open. */
export interface OpenFile {
  readonly path: string;
  /** In bytes, when it was opened. */
  readonly size: number;
  /** The bytes from a place on, fewer where the file ends before. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  readonly close: () => Promise<void>;
}

/**
 * Opens a regular file for reading. Throws the error class given, {@link FileError} by default, naming the file: it is
 * missing, cannot be read, or is a folder, a pipe or a device.
 */
export async function openFile(path: string, Raised: ErrorClass = FileError): Promise<OpenFile> {
  const file = await named(path, 'read', Raised, () => open(path, READ_AT_ONCE));
  try {
    const stats = await named(path, 'read', Raised, () => file.stat());
    checkRegular(path, stats, Raised);
    return {
      path,
      size: stats.size,
      read: (offset, length) => named(path, 'read', Raised, () => readPart(file, offset, length)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readPart(file: FileHandle, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(length - at, MOST_AT_ONCE), offset + at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}

/** A regular file that is open, for synchronous reads. */
export interface OpenFileSync {
  readonly descriptor: number;
  readonly size: number;
}

/** The same as {@link openFile}, synchronously: the caller closes the descriptor. */
export function openFileSync(path: string, Raised: ErrorClass = FileError): OpenFileSync {
  let descriptor: number;
  try {
    descriptor = openSync(path, READ_AT_ONCE);
  } catch (cause) {
    throw new Raised(`cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
  try {
    const stats = fstatSync(descriptor);
    checkRegular(path, stats, Raised);
    return { descriptor, size: stats.size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function checkRegular(path: string, stats: Stats, Raised: ErrorClass): void {
  if (stats.isFile()) return;
  const code = stats.isDirectory() ? 'EISDIR: ' : '';
  throw new Raised(`cannot read ${path}: ${code}it is ${kindOf(stats)}, not a regular file`);
}

/** What stands at a path that is no regular file, in words. */
export function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/**
 * All bytes of a regular file. Throws the error class given, {@link FileError} by default, naming the file: it cannot
 * be read, or has more than `mostBytes`.
 */
export async function readBytes(
  path: string,
  { mostBytes = Number.MAX_SAFE_INTEGER, Raised = FileError }: { mostBytes?: number; Raised?: ErrorClass } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { size, read, close } = await openFile(path, Raised);
  try {
    if (size > mostBytes) throw new Raised(`${path}: it has ${size} bytes; at most ${mostBytes} are read`);
    return await read(0, size);
  } finally {
    await close();
  }
}

/** The text of a regular file in UTF-8. Throws as {@link readBytes} does, also for more than 256 MiB. */
export const readText = async (path: string, Raised: ErrorClass = FileError): Promise<string> =>
  new TextDecoder().decode(await readBytes(path, { mostBytes: MOST_TEXT_BYTES, Raised }));
