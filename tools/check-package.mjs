// Packs the package in the current folder and checks the tarball as an installer would see it:
// publint for the manifest, are-the-types-wrong for the types of every entry point, and what it holds and weighs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (command, args) => execFileSync(join(root, 'node_modules/.bin', command), args, { stdio: 'inherit' });
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
/** A package is code: what is larger holds something that it should not. Hypernetworks are files. */
// graph-ir holds an interpreter of ONNX's operators, as a module of either kind.
const MOST_BYTES = { '@logah/checkpoints': 16e6, '@logah/graph-ir': 700e3 };
const MOST_BYTES_OF_CODE = 400e3;
/** What nobody who installs a package reads. */
const UNWANTED = /(^|\/)(test|tests|fixtures|bench|src|tools|node_modules)\/|\.(map|tsbuildinfo|test\.\w+)$/;
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
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
  const unwanted = files.filter((path) => UNWANTED.test(path));
  if (unwanted.length > 0) throw new Error(`${manifest.name}: its tarball holds ${unwanted.join(', ')}`);
  for (const needed of ['README.md', 'LICENSE', 'package.json']) {
    if (!files.includes(needed)) throw new Error(`${manifest.name}: its tarball lacks ${needed}`);
  }
  const { size } = statSync(tarball);
  const most = MOST_BYTES[manifest.name] ?? MOST_BYTES_OF_CODE;
  if (size > most) throw new Error(`${manifest.name}: its tarball has ${size} bytes, more than ${most}`);
  run('publint', ['--strict', tarball]);
  // Node 10's resolution knows no subpath exports; the packages want Node 20.
  if (manifest.exports['.'])
    run('attw', ['--profile', 'node16', '--no-emoji', '--format', 'ascii', '--quiet', tarball]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
