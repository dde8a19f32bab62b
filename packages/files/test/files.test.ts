// The promises of the writer, the readers and the lock, with processes that are killed where that is the promise.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile as write,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileError } from '../src/index.js';
import {
  appendToFile,
  lockFolder,
  makeFolder,
  openFileSync,
  readBytes,
  readText,
  sweepFolder,
  tryLock,
  writeFile,
  writeStream,
} from '../src/node.js';

const DIST = fileURLToPath(new URL('../dist/node.js', import.meta.url));

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that runs these lines with the built package, in the folder; resolves with what it printed first. */
function start(lines: string): { child: ReturnType<typeof spawn>; first: Promise<string>; end: Promise<unknown> } {
  const script = `import * as files from ${JSON.stringify(DIST)};\n${lines}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
  const first = new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk))));
  const end = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  return { child, first, end };
}

const HALF = `await files.writeStream('big', async (file) => {
  await file.write(new Uint8Array(1000));
  console.log('half');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});`;

describe('writing a file', () => {
  it('gives two writes of one path at once a whole file of one of them', async () => {
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000 + i));
    await Promise.all(contents.map((content) => writeFile(at('one'), content)));
    expect(contents).toContain(await readText(at('one')));
    expect(await readdir(folder)).toEqual(['one']);
  });

  it('leaves the old file and nothing else when the content fails on the way', async () => {
    await writeFile(at('kept'), 'old');
    const failing = writeStream(at('kept'), async (file) => {
      await file.write(new Uint8Array(10));
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readText(at('kept'))).toBe('old');
    expect(await readdir(folder)).toEqual(['kept']);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing when %s ends the process', async (signal) => {
    const { child, first, end } = start(HALF);
    await first;
    expect(await readdir(folder)).toHaveLength(1);
    child.kill(signal);
    expect(await end).toBe(signal);
    expect(await readdir(folder)).toEqual([]);
  });

  it('follows links, also to what is not there yet, and leaves them', async () => {
    await mkdir(at('disk'));
    await symlink('disk/there', at('link'));
    await symlink('link', at('chain'));
    for (const content of ['first', 'second']) {
      await writeFile(at('chain'), content);
      expect(await readText(at('disk', 'there'))).toBe(content);
      expect(await readlink(at('chain'))).toBe('link');
      expect(await readlink(at('link'))).toBe('disk/there');
    }
    expect((await readdir(folder)).sort()).toEqual(['chain', 'disk', 'link']);
    expect(await readdir(at('disk'))).toEqual(['there']);
  });

  it('keeps the permissions of the file that it replaces', async () => {
    await writeFile(at('own'), 'old');
    await chmod(at('own'), 0o660);
    await writeFile(at('own'), 'new');
    expect((await stat(at('own'))).mode & 0o777).toBe(0o660);
  });

  it('refuses what cannot become a file before anything is computed for it', async () => {
    await symlink('circle', at('circle'));
    await writeFile(at('file'), 'kept');
    for (const [path, reason] of [
      ['', /^cannot write "": it is no name of a file$/],
      [at('circle'), /ELOOP/],
      [at('x'.repeat(256)), /ENAMETOOLONG/],
      [at('file', 'below'), /ENOTDIR/],
      [at('new/'), /new\/: it is the name of a folder$/],
      [at('missing', 'file'), /ENOENT/],
    ] as const) {
      const compute = vi.fn(async () => {});
      await expect(writeStream(path, compute), path).rejects.toThrow(reason);
      await expect(writeStream(path, compute), path).rejects.toBeInstanceOf(FileError);
      expect(compute).not.toHaveBeenCalled();
    }
    expect((await readdir(folder)).sort()).toEqual(['circle', 'file']);
  });

  it('leaves nothing when an error that nobody caught ends the process', async () => {
    const { first, end } = start(
      `${HALF.replace('await files', 'files')} setTimeout(() => { throw new Error('x'); }, 300);`,
    );
    await first;
    expect(await end).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('removes what a killed process left, when a file is written beside it', async () => {
    const { child, first, end } = start(HALF);
    await first;
    child.kill('SIGKILL');
    await end;
    expect(await readdir(folder)).toHaveLength(1);
    await sweepFolder(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps what a living process is writing', async () => {
    const { child, first, end } = start(HALF);
    await first;
    await sweepFolder(folder);
    expect(await readdir(folder)).toHaveLength(1);
    child.kill('SIGTERM');
    await end;
  });

  it('of another machine keeps what is fresh, and removes what is old; files that only look so stay', async () => {
    const foreign = ['a.00000000-1-000000000000.partial', 'b.00000000-1-000000000000.partial'];
    for (const name of [...foreign, 'notes.partial', 'x.y-1-2.partial']) await write(at(name), '');
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(at(foreign[0]), old, old);
    await utimes(at('notes.partial'), old, old);
    await sweepFolder(folder);
    expect((await readdir(folder)).sort()).toEqual([foreign[1], 'notes.partial', 'x.y-1-2.partial'].sort());
  });

  it('refuses by name what is no regular file, and a folder that is missing', async () => {
    await mkdir(at('sub'));
    await expect(writeFile(at('sub'), '')).rejects.toThrow(/sub: it is a folder, not a regular file/);
    await expect(writeFile('/dev/null', '')).rejects.toThrow('/dev/null: it is a device');
    await expect(writeFile(at('none', 'x'), '')).rejects.toThrow(/cannot write .*none.x: ENOENT: no such file/);
    await expect(appendToFile(at('none', 'x'), '')).rejects.toThrow(FileError);
    expect(await readdir(folder)).toEqual(['sub']);
  });

  it('takes names as long as the system does', async () => {
    const name = `${'é'.repeat(120)}.txt`;
    await writeFile(at(name), 'long');
    expect(await readText(at(name))).toBe('long');
  });
});

describe('reading a file', () => {
  it.skipIf(process.platform === 'win32')('refuses a pipe at once, and a folder, by name', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    await symlink(at('pipe'), at('link'));
    for (const name of ['pipe', 'link']) {
      await expect(readBytes(at(name))).rejects.toThrow(`cannot read ${at(name)}: it is a pipe, not a regular file`);
      expect(() => openFileSync(at(name))).toThrow('a pipe, not a regular file');
    }
    await expect(readBytes(folder)).rejects.toThrow(`cannot read ${folder}: EISDIR: it is a folder`);
    expect(() => openFileSync(folder)).toThrow('a folder, not a regular file');
    expect(() => openFileSync(at('gone'))).toThrow(/cannot read .*gone: ENOENT/);
  });

  it('reads as many bytes as it may', async () => {
    await write(at('ten'), '0123456789');
    expect(await readText(at('ten'))).toBe('0123456789');
    await expect(readBytes(at('ten'), { mostBytes: 9 })).rejects.toThrow('it has 10 bytes; at most 9 are read');
  });
});

describe('a folder', () => {
  it('that was made is undone with those above it; one that was there stays', async () => {
    const { undo } = await makeFolder(at('a', 'b'));
    await undo();
    expect(await readdir(folder)).toEqual([]);
    await mkdir(at('c'));
    await (await makeFolder(at('c'))).undo();
    expect(await readdir(folder)).toEqual(['c']);
  });

  it('is held by one process, which is named; and free again when that one is done', async () => {
    const lock = await lockFolder(folder);
    await lock.check();
    await expect(lockFolder(folder)).rejects.toThrow(new RegExp(`process ${process.pid} on .* works in this folder`));
    await lock.release();
    await (await lockFolder(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('is free at once after %s', async (signal) => {
    const { child, first, end } = start(
      "await files.lockFolder('.'); console.log('held'); await new Promise((resolve) => setTimeout(resolve, 60_000));",
    );
    await first;
    await expect(lockFolder(folder)).rejects.toThrow(`process ${child.pid} on`);
    child.kill(signal);
    await end;
    await (await lockFolder(folder)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('that several processes want at once is got by one', async () => {
    const script = `import { lockFolder } from ${JSON.stringify(DIST)};
      lockFolder('.').then(() => { console.log('got'); setTimeout(() => {}, 1500); }, () => console.log('refused'));`;
    const said = await Promise.all(
      Array.from(
        { length: 6 },
        () =>
          new Promise<string>((resolve) =>
            execFile(process.execPath, ['--input-type=module', '-e', script], { cwd: folder }, (_, stdout) =>
              resolve(stdout.trim()),
            ),
          ),
      ),
    );
    expect(said.sort()).toEqual(['got', ...Array.from({ length: 5 }, () => 'refused')]);
  });

  it('of another machine is held while its owner gives signs; a process of the same number does not count', async () => {
    const owner = { pid: process.pid, host: 'elsewhere', machine: '00000000', started: '1', token: 'x' };
    await write(at('run.lock'), JSON.stringify(owner));
    await expect(lockFolder(folder)).rejects.toThrow(`process ${process.pid} on elsewhere`);
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(at('run.lock'), old, old);
    await (await lockFolder(folder)).release();
  });

  it.each([
    ['a link to nowhere', () => symlink('/nonexistent/x', at('run.lock'))],
    ['a folder', () => mkdir(at('run.lock'))],
    ['a pipe', async () => void execFileSync('mkfifo', [at('run.lock')])],
  ])('that is %s is refused and left alone', async (_, make) => {
    await make();
    await expect(lockFolder(folder)).rejects.toThrow(/run\.lock.*it should be a file that says who holds it/);
    expect(await readdir(folder)).toEqual(['run.lock']);
  });

  it('that another process took over is noticed', async () => {
    const lock = await lockFolder(folder);
    await rm(at('run.lock'));
    await expect(lock.check()).rejects.toThrow('run.lock: another process has taken this over');
    await lock.release();
  });
});

/** Whether disks can be mounted here, which takes the right to do so. */
const canMount = ((): boolean => {
  const place = mkdtempSync(join(tmpdir(), 'logah-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place], { stdio: 'ignore' });
    execFileSync('umount', [place]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(place);
  }
})();

describe.skipIf(!canMount)('on a disk of its own (skipped where none can be mounted)', () => {
  const onDisk = async (option: string, act: (disk: string) => Promise<void>): Promise<void> => {
    const disk = at('disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', option, 'tmpfs', disk]);
    try {
      await act(disk);
    } finally {
      execFileSync('umount', [disk]);
    }
  };

  it('that is full, no lock stays that says nothing', () =>
    onDisk('size=8k', async (disk) => {
      await write(join(disk, 'all'), Buffer.alloc(8192));
      await expect(tryLock(join(disk, 'a.lock'), { lease: 60_000 })).rejects.toThrow(/cannot write .*a\.lock: ENOSPC/);
      expect(await readdir(disk)).toEqual(['all']);
    }));

  it('that is read-only, a folder cannot be made for that reason', () =>
    onDisk('ro', async (disk) => {
      await expect(makeFolder(join(disk, 'a', 'b'))).rejects.toThrow(/cannot make the folder .*b: EROFS/);
    }));
});

describe('a lock file', () => {
  const LEASE = 5000;

  it('is one process’s, and others learn whose it is and what it said', async () => {
    const lock = await tryLock(at('a.lock'), { lease: LEASE, note: 'sums' });
    if (!('release' in lock)) throw new Error('it was free');
    expect(await tryLock(at('a.lock'), { lease: LEASE })).toMatchObject({ pid: process.pid, note: 'sums' });
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('of another machine is held for its lease, by the clock of the file system', async () => {
    const owner = { pid: 1, host: 'elsewhere', machine: '00000000', started: '1', token: 'x' };
    await write(at('a.lock'), JSON.stringify(owner));
    const aged = async (milliseconds: number) => {
      const then = new Date(Date.now() - milliseconds);
      await utimes(at('a.lock'), then, then);
      return tryLock(at('a.lock'), { lease: LEASE });
    };
    expect(await aged(LEASE - 2000)).toMatchObject({ pid: 1, host: 'elsewhere', note: '' });
    expect(await aged(LEASE + 1000)).toHaveProperty('release');
  });

  it('shows that its owner lives, also after another one looked', async () => {
    const { child, first, end } = start(
      "await files.tryLock('a.lock', { lease: 500 }); console.log('held'); await new Promise((resolve) => setTimeout(resolve, 60_000));",
    );
    await first;
    const before = await stat(at('a.lock'));
    const content = await readFile(at('a.lock'), 'utf8');
    await expect.poll(async () => (await stat(at('a.lock'))).mtimeMs).toBeGreaterThan(before.mtimeMs);
    expect(await readFile(at('a.lock'), 'utf8')).toBe(content);
    child.kill('SIGKILL');
    await end;
    expect(await tryLock(at('a.lock'), { lease: 500 })).toHaveProperty('release');
  });

  it('names the file where it cannot be written', async () => {
    await expect(tryLock(at('none', 'a.lock'), { lease: LEASE })).rejects.toThrow(/cannot write .*a\.lock: ENOENT/);
  });
});

it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('a folder that is read-only is named', async () => {
  await chmod(folder, 0o500);
  await expect(writeFile(at('x'), '')).rejects.toThrow(/cannot write .*x: EACCES/);
  await chmod(folder, 0o700);
  expect(await readFile(at('x')).catch(() => 'none')).toBe('none');
});
