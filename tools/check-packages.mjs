// Packs every package and checks its tarball as an installer would see it: publint for the manifest, are-the-types-wrong for the types of
// every entry point, and what it holds and weighs. One process for all of them: starting the two tools costs more than their checks.
//   node tools/check-packages.mjs
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A package is code: what is larger holds something that it should not. Hypernetworks are files. */
// graph-ir holds an interpreter of ONNX's operators, as a module of either kind.
const MOST_BYTES = { '@logah/checkpoints': 20e6, '@logah/graph-ir': 700e3 };
const MOST_BYTES_OF_CODE = 400e3;
/** What nobody who installs a package reads. */
const UNWANTED = /(^|\/)(test|tests|fixtures|bench|src|tools|node_modules)\/|\.(map|tsbuildinfo|test\.\w+)$/;

/** What is wrong with the files that a tarball holds. */
function contentProblems(name, tarball) {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
  const { size } = statSync(tarball);
  const most = MOST_BYTES[name] ?? MOST_BYTES_OF_CODE;
  return [
    ...files.filter((path) => UNWANTED.test(path)).map((path) => `its tarball holds ${path}`),
    ...['README.md', 'LICENSE', 'package.json']
      .filter((needed) => !files.includes(needed))
      .map((needed) => `its tarball lacks ${needed}`),
    ...(size > most ? [`its tarball has ${size} bytes, more than ${most}`] : []),
  ];
}

/** What publint finds, suggestions left out as in its strict mode. */
async function manifestProblems(data) {
  const { messages, pkg } = await publint({
    pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) },
    level: 'warning',
    strict: true,
  });
  return messages.map((message) => formatMessage(message, pkg, { color: false }));
}

/** Where the types of an entry point do not resolve. */
async function typeProblems(manifest, data) {
  if (!manifest.exports['.']) return [];
  const { problems, types } = await checkPackage(createPackageFromTarballData(data));
  if (types === false) return ['its tarball holds no types'];
  return (
    problems
      // Node 10's resolution knows no subpath exports; the packages want Node 20.
      .filter(({ resolutionKind }) => resolutionKind !== 'node10')
      .map((problem) => `types: ${JSON.stringify(problem)}`)
  );
}

const folder = mkdtempSync(join(tmpdir(), 'logah-pack-'));
const problems = [];
try {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const published = readdirSync(join(root, 'packages'))
    .map((name) => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')))
    .filter((manifest) => !manifest.private);
  const filters = published.flatMap(({ name }) => ['--filter', name]);
  execFileSync('npx', ['--yes', packageManager, '-r', ...filters, 'pack', '--pack-destination', folder], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const manifest of published) {
    const tarball = join(folder, `${manifest.name.slice(1).replace('/', '-')}-${manifest.version}.tgz`);
    const data = readFileSync(tarball);
    const found = [
      ...contentProblems(manifest.name, tarball),
      ...(await manifestProblems(data)),
      ...(await typeProblems(manifest, data)),
    ];
    problems.push(...found.map((problem) => `${manifest.name}: ${problem}`));
  }
  console.log(problems.length > 0 ? problems.join('\n') : `${published.length} packages install as they should`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = problems.length > 0 ? 1 : 0;
