// What `npm run setup` says while it installs and builds, with a stand-in for npx.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'logah-setup-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Turbo's own lines, as it writes them where nothing is a terminal. */
const turbo = (...tasks: string[]): string =>
  [
    '',
    '   • turbo 2.11.11',
    '   • Packages in scope: @logah/files, @logah/random, @logah/data',
    '   • Running build in 3 packages',
    '   • Remote caching disabled',
    '',
    ...tasks,
    '',
    ' Tasks:    3 successful, 3 total',
    'Cached:    1 cached, 3 total',
    '  Time:    48.526s',
    '',
  ].join('\n');

/** Runs the setup where installing takes its words to standard error and turbo says `output`. */
function setup(output: string, code = 0) {
  const npx = join(folder, 'npx');
  writeFileSync(join(folder, 'turbo.txt'), output);
  writeFileSync(
    npx,
    `#!/bin/sh\ncase "$*" in\n*install*) echo "stand-in installs";;\n*hash-only*) cat '${join(folder, 'turbo.txt')}'; exit ${code};;\n*) echo "the tool's own words"; exit ${code};;\nesac\n`,
  );
  chmodSync(npx, 0o755);
  const script = fileURLToPath(new URL('./setup.mjs', import.meta.url));
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
  return { status, stdout, lines: stderr.trimEnd().split('\n') };
}

describe.skipIf(process.platform === 'win32')('npm run setup', () => {
  it('says what happens before it does, and each package as it comes to it', () => {
    const { status, stdout, lines } = setup(
      turbo(
        '@logah/files:build: cache hit, suppressing logs 5b909892d23bb8a0',
        '@logah/random:build: cache miss, executing 0967764f7be8fa71',
        '@logah/data:build: cache miss, executing 1967764f7be8fa71',
      ),
    );
    // Commands that follow print results there.
    expect([status, stdout]).toEqual([0, '']);
    expect(lines).toEqual([
      expect.stringMatching(/^Installing what the packages need with pnpm@/),
      'stand-in installs',
      'Looking for packages that are not built yet …',
      'Building what is not built yet; from nothing, all packages take two to five minutes.',
      '[2/3] building @logah/random',
      '[3/3] building @logah/data',
      expect.stringMatching(/^Built 2 of 3 packages in \d+ s; already built: 1\.$/),
    ]);
  });

  it('promises no minutes where all is built', () => {
    const { lines } = setup(
      turbo(...['files', 'random', 'data'].map((name) => `@logah/${name}:build: cache hit, suppressing logs 5b909892`)),
    );
    expect(lines.at(-1)).toBe('All 3 packages are built already.');
    expect(lines.join()).not.toContain('minutes');
  });

  it('ends as the build ends, with what the tool says of it', () => {
    const { status, lines } = setup(turbo('@logah/files:build: cache miss, executing 5b909892d23bb8a0'), 3);
    expect(status).toBe(3);
    expect(lines.at(-1)).toBe("the tool's own words");
  });
});
