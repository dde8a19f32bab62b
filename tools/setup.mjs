// Installs what the packages need and builds them, and says what it is at: on standard error, for commands that follow print results.
//   node tools/setup.mjs
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildProgress } from './build-progress.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const say = (text) => process.stderr.write(`${text}\n`);

/** Runs pnpm of the version that the repository wants, and ends as it does where it fails. */
function pnpm(args, stdout) {
  const child = spawn('npx', ['--yes', packageManager, ...args], {
    cwd: root,
    stdio: ['inherit', stdout, 'inherit'],
    // npx is a script of the shell there.
    shell: process.platform === 'win32',
  });
  const code = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
  return { child, code };
}

/** The code with which all tasks ended; packages are named as turbo comes to them. */
async function build() {
  const started = performance.now();
  const progress = buildProgress();
  const { child, code } = pnpm(['turbo', 'run', 'build', '--output-logs=hash-only'], 'pipe');
  for await (const text of createInterface({ input: child.stdout })) progress.line(text).forEach(say);
  const status = await code;
  if (status === 0) say(progress.end((performance.now() - started) / 1000));
  return status;
}

say(`Installing what the packages need with ${packageManager} (from nothing, some hundred megabytes) …`);
const installed = await pnpm(['install', '--frozen-lockfile', '--ignore-scripts'], 2).code;
if (installed !== 0) process.exit(installed);
say('Looking for packages that are not built yet …');
const status = await build();
// What went wrong, in the words of the tool: what was built by then is not built again.
if (status !== 0) process.exit((await pnpm(['turbo', 'run', 'build', '--output-logs=errors-only'], 2).code) || status);
