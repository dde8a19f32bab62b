// Files in the making: beside the name that they will have, under one that nobody else takes.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onExit } from 'signal-exit';
import { isRunning, MACHINE } from './machine.js';

/** `NAME.MACHINE-PID-RANDOM.partial`; earlier versions wrote `NAME.PID.partial`. */
const PARTIAL = /\.(?:([0-9a-f]{8})-(\d+)-[0-9a-f]{12}|(\d+))\.partial$/;

/** A file's name has at most 255 bytes; what is added takes less than 55. */
const LONGEST_BASE = 200;

/** Whoever writes a file for longer without writing to it, on a machine that cannot be asked, is taken to be gone. */
const ABANDONED_MILLISECONDS = 60 * 60 * 1000;

/** A path beside another that no process and no other write of this one uses. */
export function partialPath(path: string): string {
  const base = Buffer.from(basename(path))
    .subarray(0, LONGEST_BASE)
    .toString('utf8')
    .replace(/\ufffd$/, '');
  return join(dirname(path), `${base}.${MACHINE}-${process.pid}-${randomBytes(6).toString('hex')}.partial`);
}

/** What is being written by this process. */
const open = new Set<string>();
let forget = (): void => {};

/** From now on the file is removed if the process ends, also by Ctrl-C or SIGTERM. */
export function guard(partial: string): void {
  if (open.size === 0) forget = onExit(() => open.forEach((path) => rmSync(path, { force: true })));
  open.add(partial);
}

/** The file is whole, or gone. */
export function unguard(partial: string): void {
  open.delete(partial);
  if (open.size === 0) forget();
}

/** Removes what writers that are gone, such as killed ones, left unfinished in a folder. */
export async function sweepPartials(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  await Promise.all(
    names.map(async (name) => {
      const match = PARTIAL.exec(name);
      const path = join(folder, name);
      if (match !== null && !open.has(path) && (await isAbandoned(path, match[1], Number(match[2] ?? match[3]))))
        await rm(path, { force: true }).catch(() => {});
    }),
  );
}

/** Earlier versions did not say on which machine they wrote; those that still do are few. */
async function isAbandoned(path: string, machine: string | undefined, pid: number): Promise<boolean> {
  if (machine === undefined || machine === MACHINE) {
    if (pid !== process.pid && !isRunning(pid)) return true;
  }
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true && Date.now() - stats.mtimeMs > ABANDONED_MILLISECONDS;
}
