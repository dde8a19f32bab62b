// A disk that is full and one that is read-only: an error in a line, nothing unfinished left, and then it goes on.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, runWhole } from './commands.mjs';
import { contentOf, differences } from './content.mjs';

const LARGE_ENOUGH = 'size=256m';

/** Sizes between nothing and what a command writes, in shares of that. */
const SHARES = [0.05, 0.4, 0.8];

/** Every command on disks of several sizes too small for it, and on one that is read-only, each with a name. */
export const DISKS = Object.keys(COMMANDS).flatMap((command) => [
  ...SHARES.map((share) => ({ command, share, name: `${command}, full disk` })),
  { command, share: undefined, name: `${command}, read-only` },
]);

/** Where disks are mounted in a folder; undefined where nothing can be mounted. */
export function placeOfDisks(folder) {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (!attempt('mount', '-t', 'tmpfs', '-o', LARGE_ENOUGH, 'tmpfs', disk)) return undefined;
  attempt('umount', disk);
  return disk;
}

/** How a command ends on one of the disks, and how it goes on when that is made large enough, and writable. */
export function onDisk(disk, { command, share }, { content, bytes }) {
  return share === undefined
    ? refused(disk, command, content, 'ro', /EROFS/)
    : refused(disk, command, content, `size=${Math.ceil(share * bytes)}`, /ENOSPC/);
}

/** How a command ends on a disk with an option of mounting, and how it goes on when there is room. */
async function refused(disk, name, content, option, message) {
  attempt('mount', '-t', 'tmpfs', '-o', option, 'tmpfs', disk);
  try {
    const { code, said } = await runWhole(disk, name);
    const isClear =
      code === 1 && message.test(said) && said.split('\n').filter((line) => /^logah: /.test(line)).length === 1;
    const unclear = isClear ? [] : [`exit code ${code}: ${said}`];
    const unfinished = Object.keys(contentOf(disk)).filter((path) => /partial|lock/.test(path));
    attempt('mount', '-o', `remount,rw,${LARGE_ENOUGH}`, disk);
    const again = await runWhole(disk, name);
    if (again.code !== 0)
      return { kills: 1, late: 0, lost: [...unclear, again.said], different: [], stray: unfinished };
    const { lost, different, stray } = differences(content, contentOf(disk));
    return { kills: 1, late: 0, lost: [...unclear, ...lost], different, stray: [...unfinished, ...stray] };
  } finally {
    execFileSync('umount', [disk]);
  }
}

function attempt(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
