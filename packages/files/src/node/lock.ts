// A folder, or a piece of work in it, for one process at a time. proper-lockfile of npm does not fit: it tells a living owner by a timer of the
// owner's event loop, which a long step of training blocks, and after a kill it waits until a time is over; it does not
// say who the owner is. Here the owner's number is asked for where it can be, so a killed run goes on at once.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { onExit } from 'signal-exit';
import { type ErrorClass, FileError } from '../errors.js';
import { isRunning, MACHINE, startedAt } from './machine.js';
import { codeOf, named } from './named.js';
import { partialPath } from './partial.js';

const LOCK = 'run.lock';

/** After so long without a sign the owner of a folder is taken to be gone: no step of a training takes as long. */
const FOLDER_LEASE = 60 * 60_000;

/** An owner shows that it lives this many times in a lease. */
const SIGNS_IN_A_LEASE = 10;

/** The longest time between two signs. */
const SIGN_MILLISECONDS = 60_000;

/** A lock is written right after it is made; one that stays empty was cut off in between. */
const EMPTY_MILLISECONDS = 10_000;

/** What this process holds: a folder, or whatever a lock file stands for. */
export interface Lock {
  /** Throws when it is no longer this process's, such as after its lock was removed by hand. */
  readonly check: () => Promise<void>;
  /** Gives it back. */
  readonly release: () => Promise<void>;
}

/** The process that holds a lock. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** What it said of itself when it took the lock. */
  readonly note: string;
}

interface Owner extends Holder {
  readonly machine: string;
  /** When the process was started, so that another one of the same number is not taken for it. */
  readonly started: string;
  readonly token: string;
}

export interface LockOptions {
  /** Milliseconds without a sign after which an owner on another machine is taken to be gone. */
  readonly lease: number;
  /** For those who find the lock held. */
  readonly note?: string;
  /** The class of errors, {@link FileError} by default. */
  readonly Raised?: ErrorClass;
}

/**
 * Takes a folder for this process, until it gives it back or ends. What a killed owner left is taken over.
 * Throws the error class given, {@link FileError} by default, with the number and host of the process that holds it.
 */
export async function lockFolder(folder: string, Raised: ErrorClass = FileError): Promise<Lock> {
  const path = join(folder, LOCK);
  const taken = await tryLock(path, { lease: FOLDER_LEASE, Raised });
  if ('release' in taken) return taken;
  throw new Raised(
    `${folder}: process ${taken.pid} on ${taken.host} works in this folder; wait for it, or use another folder. ` +
      `If it is gone, remove ${path}`,
  );
}

/**
 * Takes a lock file for this process, until it gives it back or ends, or returns who holds it. The lock of an owner on
 * this machine that is gone is taken over at once; of one elsewhere, when it gave no sign for the lease.
 * Throws the error class given, naming the file, where it cannot be written.
 */
export async function tryLock(
  path: string,
  { lease, note = '', Raised = FileError }: LockOptions,
): Promise<Lock | Holder> {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    note,
    machine: MACHINE,
    started: startedAt(process.pid),
    token: randomBytes(8).toString('hex'),
  };
  while (!(await named(path, 'write', Raised, () => create(path, owner)))) {
    const other = await ownerOf(path);
    if (other !== undefined && (await isHeld(path, other, lease))) return other;
    await removeLeft(path, other);
  }
  const forget = onExit(() => rmSync(path, { force: true }));
  const signs = setInterval(() => show(path), Math.min(SIGN_MILLISECONDS, lease / SIGNS_IN_A_LEASE));
  signs.unref();
  const isOurs = async (): Promise<boolean> => (await ownerOf(path))?.token === owner.token;
  return {
    check: async () => {
      if (!(await isOurs())) throw new Raised(`${path}: another process has taken this over, or it is gone`);
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
    if (codeOf(cause) !== 'EEXIST') throw cause;
    const found = await lstat(path).catch(() => undefined);
    // A pipe would be waited for, a folder moved aside, and what a link points at is not ours to write.
    if (found !== undefined && !found.isFile())
      throw new Error('it should be a file that says who holds it, and is something else; remove it', { cause });
    return false;
  }
  try {
    await file.writeFile(JSON.stringify(owner));
  } catch (cause) {
    // On a full disk: a lock that says nothing would keep others waiting.
    await rm(path, { force: true });
    throw cause;
  } finally {
    await file.close();
  }
  return true;
}

/** Who holds a lock; undefined for one that is gone or says nothing. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isOwner(owner) ? { ...owner, note: typeof owner.note === 'string' ? owner.note : '' } : undefined;
  } catch {
    return undefined;
  }
}

const isOwner = (value: unknown): value is Owner =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  Number.isSafeInteger(value.pid) &&
  ['host', 'machine', 'started', 'token'].every((key) => typeof Reflect.get(value, key) === 'string');

async function isHeld(path: string, { pid, machine, started }: Owner, lease: number): Promise<boolean> {
  if (machine === MACHINE) return isRunning(pid) && (started === '' || startedAt(pid) === started);
  return (await age(path)) < lease;
}

/** Milliseconds since a file was written to, by the clock of its file system: those of two hosts may differ. */
async function age(path: string): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return 0;
  const probe = partialPath(path);
  try {
    const file = await open(probe, 'wx');
    try {
      await file.writeFile('.');
      return (await file.stat()).mtimeMs - stats.mtimeMs;
    } finally {
      await file.close();
    }
  } catch {
    return Date.now() - stats.mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}

/** Removes a lock whose owner is gone, unless another process has done so and taken the folder meanwhile. */
async function removeLeft(path: string, seen: Owner | undefined): Promise<void> {
  if (seen === undefined && (await age(path)) < EMPTY_MILLISECONDS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return;
  }
  if ((await ownerOf(path))?.token !== seen?.token) return;
  const aside = partialPath(path);
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

/** The time of the lock's file is the sign. Its first byte is written again, for a time of the file system's clock. */
async function show(path: string): Promise<void> {
  try {
    const file = await open(path, 'r+');
    try {
      await file.write('{', 0);
    } finally {
      await file.close();
    }
  } catch {
    // It was removed by hand; the next check says so.
  }
}
