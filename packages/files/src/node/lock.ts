// A folder for one process at a time. proper-lockfile of npm does not fit: it tells a living owner by a timer of the
// owner's event loop, which a long step of training blocks, and after a kill it waits until a time is over; it does not
// say who the owner is. Here the owner's number is asked for where it can be, so a killed run goes on at once.
import { randomBytes } from 'node:crypto';
import { rmSync, utimesSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { onExit } from 'signal-exit';
import { type ErrorClass, FileError } from '../errors.js';
import { isRunning, MACHINE, startedAt } from './machine.js';
import { codeOf, named } from './named.js';

const LOCK = 'run.lock';

/** An owner on a machine that cannot be asked shows that it lives this often. */
const SIGN_MILLISECONDS = 60_000;

/** After so long without a sign it is taken to be gone: no step of a training takes as long. */
const SILENT_MILLISECONDS = 60 * SIGN_MILLISECONDS;

/** A lock is written right after it is made; one that stays empty was cut off in between. */
const EMPTY_MILLISECONDS = 10_000;

/** A folder that this process holds. */
export interface FolderLock {
  /** Throws when the folder is no longer this process's, such as after its lock was removed by hand. */
  readonly check: () => Promise<void>;
  /** Gives the folder back. */
  readonly release: () => Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly machine: string;
  /** When the process was started, so that another one of the same number is not taken for it. */
  readonly started: string;
  readonly token: string;
}

/**
 * Takes a folder for this process, until it gives it back or ends. What a killed owner left is taken over.
 * Throws the error class given, {@link FileError} by default, with the number and host of the process that holds it.
 */
export async function lockFolder(folder: string, Raised: ErrorClass = FileError): Promise<FolderLock> {
  const path = join(folder, LOCK);
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    machine: MACHINE,
    started: startedAt(process.pid),
    token: randomBytes(8).toString('hex'),
  };
  while (!(await named(path, 'write', Raised, () => create(path, owner)))) {
    const other = await ownerOf(path);
    if (other !== undefined && (await isHeld(path, other))) {
      throw new Raised(
        `${folder}: process ${other.pid} on ${other.host} works in this folder; wait for it, or use another folder. ` +
          `If it is gone, remove ${path}`,
      );
    }
    await removeLeft(path, other);
  }
  const remove = (): void => rmSync(path, { force: true });
  const forget = onExit(remove);
  const signs = setInterval(() => show(path), SIGN_MILLISECONDS);
  signs.unref();
  const isOurs = async (): Promise<boolean> => (await ownerOf(path))?.token === owner.token;
  return {
    check: async () => {
      if (!(await isOurs())) throw new Raised(`${folder}: another process has taken this folder over, or it is gone`);
    },
    release: async () => {
      clearInterval(signs);
      forget();
      if (await isOurs()) await rm(path, { force: true });
    },
  };
}

/** Makes the lock; false when there is one. */
async function create(path: string, owner: Owner): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw cause;
  }
  try {
    await file.writeFile(JSON.stringify(owner));
  } finally {
    await file.close();
  }
  return true;
}

/** Who holds a lock; undefined for one that is gone or says nothing. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

const isOwner = (value: unknown): value is Owner =>
  typeof value === 'object' && value !== null && 'pid' in value && 'token' in value && Number.isSafeInteger(value.pid);

async function isHeld(path: string, { pid, machine, started }: Owner): Promise<boolean> {
  if (machine === MACHINE) return isRunning(pid) && (started === '' || startedAt(pid) === started);
  return (await age(path)) < SILENT_MILLISECONDS;
}

const age = async (path: string): Promise<number> => {
  const stats = await stat(path).catch(() => undefined);
  return stats === undefined ? 0 : Date.now() - stats.mtimeMs;
};

/** Removes a lock whose owner is gone, unless another process has done so and taken the folder meanwhile. */
async function removeLeft(path: string, seen: Owner | undefined): Promise<void> {
  if (seen === undefined && (await age(path)) < EMPTY_MILLISECONDS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return;
  }
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    throw cause;
  }
  const moved = await ownerOf(aside);
  // What was moved aside is somebody's who came first: it goes back.
  if (moved !== undefined && moved.token !== seen?.token) await create(path, moved);
  await rm(aside, { force: true });
}

/** The time of the lock's file is the sign. */
function show(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // It was removed by hand; the next check says so.
  }
}
