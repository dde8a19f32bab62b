// Meta-training for the studies: `logah train` in a folder of its own, which goes on where it was stopped.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { idOf, kept, round } from './store.mjs';

const LOGAH = fileURLToPath(new URL('../../packages/cli/bin/logah.js', import.meta.url));

/** Options of `logah train` from settings named as they are: `{ metaBatch: 2 }` is `--meta-batch 2`. */
export const flagsOf = (settings) =>
  Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, `${value}`]);

/**
 * The schedule of a number of steps: ten epochs, the first of warm-up, and an average over a tenth of the steps, at most 200.
 * Throws RangeError where the steps do not make ten epochs.
 */
export function scheduleOf(steps) {
  if (!Number.isSafeInteger(steps) || steps < 10 || steps % 10 !== 0)
    throw new RangeError(`steps of meta-training should be a multiple of 10, got ${steps}`);
  return { epochs: 10, stepsPerEpoch: steps / 10, warmupEpochs: 1, ema: 1 - 1 / Math.min(200, steps / 10) };
}

/** Networks of 2 to 4 layers and widths 32 to 96 in steps of 8, with patches of 8, on the first 40,000 images of CIFAR-10. */
export const imageSettings = (dataDir) => ({
  dataset: 'vits-small',
  data: 'cifar10',
  dataDir,
  trainSamples: 40000,
  patch: 8,
  batch: 64,
  evalEvery: 1000,
  evalSamples: 1000,
  saveEvery: 500,
  seed: 0,
});

/** A small hypernetwork of templates, meta-trained on those images for so many steps. */
export const templateSettings = (dataDir, steps, changes = {}) => ({
  ...imageSettings(dataDir),
  ...scheduleOf(steps),
  variant: 'template-small',
  ...changes,
});

/** Where a run of meta-training lies. */
const metaFolder = (folder, settings) => join(folder, `meta-${idOf(settings)}`);

/** The hypernetwork of a run of meta-training. */
export const hypernetFile = (folder, settings) => join(metaFolder(folder, settings), 'hypernet.safetensors');

/**
 * A meta-training and how it went: `{ settings, result: { seconds, steps, loss, heldOut } }`, `loss` the means of twenty
 * parts of the run. Throws Error when `logah train` does.
 */
export const metaTrain = (folder, settings) =>
  kept(folder, 'meta', settings, async () => {
    const out = metaFolder(folder, settings);
    const child = spawn(process.execPath, [LOGAH, 'train', ...flagsOf(settings), '--workers', '1', '--out', out], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
    if (code !== 0) throw new Error(`logah train ${flagsOf(settings).join(' ')} ended with ${code}`);
    const lines = (await readFile(join(out, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    return historyOf(lines.map((line) => JSON.parse(line)));
  });

/** What is kept of a run's events: seconds of all steps, the task's loss in twenty parts, and the scores of networks held out. */
export function historyOf(events) {
  const steps = events.filter(({ type }) => type === 'step');
  const part = Math.max(1, Math.ceil(steps.length / 20));
  const loss = [];
  for (let i = 0; i < steps.length; i += part) {
    const some = steps.slice(i, i + part);
    const mean = some.reduce((sum, { taskLoss }) => sum + taskLoss, 0) / some.length;
    loss.push({ step: some[some.length - 1].step, loss: round(mean) });
  }
  const heldOut = events
    .filter(({ type }) => type === 'evaluation')
    .map(({ step, loss, accuracy }) => ({ step, loss: round(loss), accuracy: round(accuracy) }));
  return { seconds: round(steps.reduce((sum, { seconds }) => sum + seconds, 0)), steps: steps.length, loss, heldOut };
}
