// The repository's address in every package that is published.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'logah-repository-'));
afterAll(() => rmSync(copy, { recursive: true }));

it('one command writes where each package is at home', () => {
  const names = readdirSync(join(root, 'packages'));
  for (const name of names) {
    for (const file of ['package.json', 'README.md']) {
      cpSync(join(root, 'packages', name, file), join(copy, 'packages', name, file), { recursive: true });
    }
  }
  const script = join(root, 'tools/set-repository.mjs');
  const run = (url: string): string =>
    execFileSync(process.execPath, [script, url], {
      env: { ...process.env, ROOT: copy },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  run('https://example.org/owner/name');
  for (const name of names) {
    const before = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
    const after = JSON.parse(readFileSync(join(copy, 'packages', name, 'package.json'), 'utf8'));
    if (before.private) {
      expect(after).toEqual(before);
      continue;
    }
    expect(after).toEqual({
      ...before,
      repository: { type: 'git', url: 'git+https://example.org/owner/name.git', directory: `packages/${name}` },
      homepage: `https://example.org/owner/name/tree/main/packages/${name}#readme`,
      bugs: 'https://example.org/owner/name/issues',
    });
    const [old, readme] = [root, copy].map((folder) =>
      readFileSync(join(folder, 'packages', name, 'README.md'), 'utf8'),
    );
    expect(readme).toBe(old.replace(/Nothing is on npm yet: [^`]*`npm run setup`.*\n\n/, ''));
    expect(readme).not.toContain('on npm yet');
  }
  expect(() => run('nonsense')).toThrow('usage');
});
