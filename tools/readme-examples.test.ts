// Runs every code block of every README as its reader would, with what is built and installed.
// JavaScript: the blocks of a README are one file, from top to bottom. A line that ends in `// => text` must print that text; the lines are
// compared in order. Shell: `logah` runs in an empty folder; where a command wants data or files that the reader has (DIR, FILE and other
// words in capitals, checkpoints of others), its options must be right and the error must be that these are missing. Scripts of npm must exist.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))];
const readme = (folder: string): string => readFileSync(join(root, folder, 'README.md'), 'utf8');
const blocks = (text: string, languages: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`(?:${languages})\\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code);

describe('the JavaScript of', () => {
  it.each(folders.filter((folder) => blocks(readme(folder), 'js|ts').length > 0))(
    '%s/README.md runs, and prints what it says',
    (folder) => {
      const example = blocks(readme(folder), 'js|ts').join('\n');
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
    120_000,
  );
});

describe('before the first release', () => {
  const ofNpm = folders.filter((folder) => /npm install .*@logah\//.test(readme(folder)));
  const isHomeless = (folder: string): boolean =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).repository === undefined;
  it.each(ofNpm.filter(isHomeless))('%s/README.md says how its code runs in a clone', (folder) => {
    expect(readme(folder)).toMatch(/^Nothing is on npm yet: in a clone, after `npm run setup`, /m);
  });
});

/** Commands of the shell, one a line: continued lines are joined, comments and prompts left out. */
const commandsOf = (folder: string): string[] =>
  blocks(readme(folder), 'sh')
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/\s+#\s.*$/, '')
        .trim()
        .replace(/^[A-Z_]+=\S+ /, ''),
    )
    .filter((line) => line !== '' && !line.startsWith('#'));

const commands = [...new Set(folders.flatMap(commandsOf))];
const logah = join(root, 'packages/cli/bin/logah.js');

describe('the command', () => {
  const ofLogah = commands.filter((line) => /^(npx )?logah /.test(line));
  it.concurrent.each(ofLogah)(
    '%s',
    async (line) => {
      const words = line.replace(/^(npx )?logah /, '').split(/\s+/);
      // It takes minutes, and tests of its own.
      if (words[0] === 'quickstart') words.push('--help');
      const folder = mkdtempSync(join(tmpdir(), 'logah-readme-'));
      try {
        const { code, stderr } = await run([logah, ...words], folder);
        const absent = words.filter((word) => /\bDIR\b|\bFILE\b|\.(pth?|safetensors)$/.test(word));
        // For `diff`, 1 is a difference, and 2 a failure.
        const isDiff = words[0] === 'diff';
        if (code === 0 || (isDiff && code === 1)) return;
        expect(code, stderr).toBe(isDiff ? 2 : 1);
        // What is missing is what the reader has, by its name.
        const names = absent.flatMap((word) => /[A-Za-z0-9-]+(\.\w+)?$/.exec(word.replace(/\+.*$/, ''))?.[0] ?? []);
        expect(
          names.some((name) => stderr.includes(name)),
          stderr,
        ).toBe(true);
        expect(stderr).toMatch(/ENOENT|no such|cannot (be )?read|not there|missing|neither a file/i);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );

  const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packages = new Set(readdirSync(join(root, 'packages')).map((name) => `@logah/${name}`));
  it.each(commands.filter((line) => /^npm /.test(line)))('%s', (line) => {
    const [, verb, ...words] = line.split(/\s+/);
    if (verb === 'install') {
      const own = words.filter((word) => word.startsWith('@logah/'));
      expect(own.filter((word) => !packages.has(word))).toEqual([]);
    } else expect(Object.keys(manifest.scripts)).toContain(verb === 'run' ? words[0] : verb);
  });

  it('is of a kind that is checked here', () => {
    // `node example.mjs` is the JavaScript of the same README, which runs above.
    const checked = /^(npx )?logah |^npm |^(mpirun -n \d+ )?node example\.mjs$/;
    expect(commands.filter((line) => !checked.test(line))).toEqual([]);
  });
});

const run = (args: readonly string[], cwd: string): Promise<{ code: number; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { cwd }, (error, _, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stderr }),
    );
  });
