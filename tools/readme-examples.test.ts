// Runs the first example of every README as its reader would: in a file of its own, with what is built and installed.
// A line that ends in `// => text` must print that text; the lines are compared in order.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))];

describe('the first example of', () => {
  it.each(folders)(
    '%s/README.md runs, and prints what it says',
    (folder) => {
      const readme = readFileSync(join(root, folder, 'README.md'), 'utf8');
      const example = /```js\n(.*?)```/s.exec(readme)?.[1];
      if (example === undefined) throw new Error(`${folder}/README.md has no example in JavaScript`);
      // Inside the package, so that its imports resolve as they would for a reader who installed it.
      const workplace = join(root, folder, '.readme');
      mkdirSync(workplace, { recursive: true });
      try {
        writeFileSync(join(workplace, 'example.mjs'), example);
        const printed = execFileSync(process.execPath, ['example.mjs'], {
          cwd: workplace,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        const promised = [...example.matchAll(/\/\/ => (.*)/g)].map(([, text]) => text);
        expect(promised.length).toBeGreaterThan(0);
        expect(printed.trim().split('\n')).toEqual(promised);
      } finally {
        rmSync(workplace, { recursive: true });
      }
    },
    60_000,
  );
});
