// Packs the package in the current folder and checks the tarball as an installer would see it:
// publint for the manifest, are-the-types-wrong for the types of every entry point.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (command, args) => execFileSync(join(root, 'node_modules/.bin', command), args, { stdio: 'inherit' });
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'logah-pack-'));
try {
  execFileSync(
    'npx',
    [
      '--yes',
      JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager,
      'pack',
      '--pack-destination',
      folder,
    ],
    {
      stdio: 'ignore',
    },
  );
  const tarball = join(folder, readdirSync(folder)[0]);
  run('publint', ['--strict', tarball]);
  // Node 10's resolution knows no subpath exports; the packages want Node 20.
  if (manifest.exports['.'])
    run('attw', ['--profile', 'node16', '--no-emoji', '--format', 'ascii', '--quiet', tarball]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
