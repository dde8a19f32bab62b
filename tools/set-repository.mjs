// Before the first release: writes the address of the repository into every package.json (`repository`, `homepage` and `bugs`), and takes out of the
// packages' READMEs that nothing is on npm yet.
//   node tools/set-repository.mjs https://github.com/OWNER/NAME
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [address] = process.argv.slice(2);
if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(address ?? '')) {
  console.error('usage: node tools/set-repository.mjs https://github.com/OWNER/NAME');
  process.exit(2);
}
const url = address.replace(/\.git$/, '');
const root = process.env.ROOT ?? fileURLToPath(new URL('..', import.meta.url));
const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
for (const directory of folders) {
  const path = join(root, directory, 'package.json');
  const { license, ...manifest } = JSON.parse(readFileSync(path, 'utf8'));
  if (manifest.private) continue;
  const { name, version, description, repository, homepage, bugs, ...rest } = manifest;
  const whole = {
    name,
    version,
    description,
    license,
    repository: { type: 'git', url: `git+${url}.git`, directory },
    homepage: `${url}/tree/main/${directory}#readme`,
    bugs: `${url}/issues`,
    ...rest,
  };
  writeFileSync(path, `${JSON.stringify(whole, null, 2)}\n`);
  const readme = join(root, directory, 'README.md');
  if (existsSync(readme)) {
    writeFileSync(readme, readFileSync(readme, 'utf8').replace(/^Nothing is on npm yet: .*(?:\n.+)*\n\n/m, ''));
  }
}
console.log(`${folders.length} packages are of ${url}`);
