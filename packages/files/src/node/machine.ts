// Whether a process that left something behind is still there. Two containers may have processes of one number, so a
// number means something only among processes that see each other.
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A text that two processes share when they see each other's numbers: the host, since its last start, and on Linux the namespace. */
export const MACHINE: string = createHash('sha256')
  .update(
    [
      hostname(),
      attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      attempt(() => readlinkSync('/proc/self/ns/pid')),
    ].join('\n'),
  )
  .digest('hex')
  .slice(0, 8);

/** When a process of this machine was started, in the kernel's ticks; empty where that cannot be told. */
export const startedAt = (pid: number): string =>
  // The command's name, in parentheses, may hold spaces; the 20th field after it is the start (proc(5)).
  attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ')[19]);

/** Whether a process of this machine runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // One that belongs to somebody else may not be signalled, but is there.
    return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'EPERM';
  }
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
