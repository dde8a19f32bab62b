// Rehearses a release: versions from the changesets, in a copy, and a dry run of publishing what is built. With --publish, as the last step before it, a
// package without the repository's address is refused; without, it is only named.
//   node tools/check-release.mjs [--publish]
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const readManifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const names = readdirSync(join(root, 'packages'));

/** The manifests as they are after `changeset version`, by name. */
function versioned() {
  const copy = mkdtempSync(join(tmpdir(), 'logah-release-'));
  const run = (command, args) => execFileSync(command, args, { cwd: copy, stdio: 'pipe', encoding: 'utf8' });
  try {
    for (const file of ['package.json', 'pnpm-workspace.yaml', '.changeset']) {
      cpSync(join(root, file), join(copy, file), { recursive: true });
    }
    for (const name of names) {
      mkdirSync(join(copy, 'packages', name), { recursive: true });
      cpSync(join(root, 'packages', name, 'package.json'), join(copy, 'packages', name, 'package.json'));
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    // It asks when each changeset was added.
    run('git', ['init', '--quiet']);
    run('git', ['add', '.changeset', 'package.json', 'packages']);
    run('git', ['-c', 'user.name=check', '-c', 'user.email=check@localhost', 'commit', '--quiet', '-m', 'check']);
    run(join(root, 'node_modules/.bin/changeset'), ['version']);
    return new Map(
      names.map((name) => readManifest(join(copy, 'packages', name))).map((manifest) => [manifest.name, manifest]),
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const problems = [];
const homeless = [];
const manifests = versioned();
for (const { name, version, private: isPrivate, ...manifest } of manifests.values()) {
  if (isPrivate) continue;
  if (!['repository', 'homepage', 'bugs'].every((field) => manifest[field])) homeless.push(name);
  if (version === readManifest(join(root, 'packages', name.split('/')[1])).version) {
    problems.push(`${name}: no changeset gives it a new version`);
  }
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  for (const [sibling, range] of Object.entries({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const found = manifests.get(sibling);
    if (found === undefined) continue;
    // pnpm puts the sibling's version in place of "workspace:^".
    if (range !== 'workspace:^') problems.push(`${name}: ${sibling} should be "workspace:^", got "${range}"`);
    if (found.private) problems.push(`${name}: depends on ${sibling}, which is private`);
  }
}
if (homeless.length > 0) {
  const lack = `${homeless.length} packages lack repository, homepage and bugs: run \`node tools/set-repository.mjs URL\` before they are published`;
  if (process.argv.includes('--publish')) {
    console.error(lack);
    process.exit(1);
  }
  console.warn(`Warning: ${lack}.`);
}
const { packageManager } = readManifest(root);
execFileSync('npx', ['--yes', packageManager, '-r', 'publish', '--dry-run', '--no-git-checks', '--access', 'public'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(
  `${[...manifests.values()].filter((manifest) => !manifest.private).length} packages are ready to be published`,
);
