// `logah eval`: which start trains best, on real data.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DATASET_NAMES, type DatasetOptions } from '@logah/data/node';
import { messageOf } from '@logah/files';
import { type Lock, tryLock, writeFile } from '@logah/files/node';
import { type Graph, parameterCount } from '@logah/graph-ir';
import {
  type ComparisonReport,
  comparisonReport,
  formatMetric,
  INITIALIZER_HELP,
  METRICS,
  type OptimizerConfig,
  parseShard,
  type RunKey,
  type RunRecord,
  runsToCsv,
  type Shard,
  splitStarts,
  startName,
  statements,
  summariesToCsv,
  summarize,
  summaryTable,
} from '@logah/init-eval';
import {
  type ComparisonOptions,
  checkPredicted,
  fileRuns,
  keptRuns,
  type SweepEvent,
  sweep,
} from '@logah/init-eval/node';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ARCHITECTURE_HELP, readArchitecture } from '../architecture-argument.js';
import { type BackendName, backendModule, backendOption, useBackend, usualWorkers } from '../backend.js';
import { applyConfigFile } from '../config-file.js';
import { CliError } from '../errors.js';
import { listenForInterrupt } from '../interrupt.js';
import { checkMemory } from '../memory.js';
import {
  COUNT,
  COUNT_FROM_ZERO,
  EPOCHS,
  integerOption,
  kebab,
  listOf,
  NORM,
  numberOption,
  numbersOption,
  RATE,
  type Range,
  SHARE,
  WEIGHT,
  WORKERS,
} from '../options.js';
import { print, say } from '../print.js';
import { showProgress } from '../progress.js';
import { textTable } from '../text-table.js';

interface EvalCommandOptions extends DatasetOptions {
  readonly init: readonly string[];
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: OptimizerConfig['type'];
  readonly lr: readonly number[];
  readonly schedule: 'constant' | 'cosine';
  readonly momentum: number;
  readonly weightDecay: number;
  readonly clip?: number;
  readonly seeds: number;
  readonly workers?: number;
  readonly out: string;
  readonly shard?: Shard;
  /** Whether to go on until all runs are done, by whichever job. */
  readonly wait: boolean;
  /** Only the report, of the runs that are done. */
  readonly report?: true;
  readonly config?: string;
  readonly json?: true;
  readonly backend?: BackendName;
}

const SEEDS: Range = { from: 1, to: 10_000 };

/** A network under training: its parameters, up to two moments and gradients. */
const STATE_COPIES = 4;

export const evalCommand = (): Command =>
  new Command('eval')
    .description(
      'trains networks from several initialisations and compares them; run again, it goes on where it was; run several times at once, the jobs share the runs',
    )
    .argument('<arch...>', ARCHITECTURE_HELP)
    .option('--init <list>', `the initialisers: ${INITIALIZER_HELP}`, (text: string) => listOf(text, splitStarts), [
      'random',
      'orthogonal',
    ])
    .addOption(
      new Option(
        '--data <name>',
        'the data: CIFAR, IDX files, train/ and test/ folders of pictures, or train.txt and test.txt',
      )
        .choices(DATASET_NAMES)
        .default('cifar10'),
    )
    .option('--data-dir <folder>', 'where the data lies', '.')
    .addOption(new Option('--tokenizer <name>', 'of text').choices(['bytes', 'gpt2']).default('gpt2'))
    .addOption(integerOption('--context <tokens>', 'in a block of text', COUNT, 1024))
    .addOption(
      integerOption(
        '--skip-samples <count>',
        'training samples to leave out, the first ones: those that a hypernetwork saw',
        COUNT_FROM_ZERO,
      ),
    )
    .addOption(integerOption('--train-samples <count>', 'to train on, the first ones after those; all by default'))
    .addOption(integerOption('--test-samples <count>', 'to judge by, the first ones; all by default'))
    .addOption(integerOption('--epochs <count>', 'of each run', EPOCHS, 10))
    .addOption(integerOption('--batch <count>', 'samples in a mini-batch', COUNT, 64))
    .addOption(new Option('--optimizer <name>', 'of the networks').choices(['sgd', 'adamw']).default('sgd'))
    .addOption(numbersOption('--lr <list>', 'learning rates to try', RATE, [0.1]))
    .addOption(
      new Option('--schedule <name>', 'of the learning rate').choices(['cosine', 'constant']).default('cosine'),
    )
    .addOption(numberOption('--momentum <part>', 'of SGD', SHARE, 0.9))
    .addOption(numberOption('--weight-decay <rate>', 'of the optimiser', WEIGHT, 1e-2))
    .addOption(numberOption('--clip <norm>', 'the largest global norm of gradients; none by default', NORM))
    .addOption(integerOption('--seeds <count>', 'runs of each start and rate, with seeds 0, 1, …', SEEDS, 3))
    .addOption(integerOption('--workers <count>', 'runs at a time; by default one a core, or one for a GPU', WORKERS))
    .option('--out <folder>', 'where runs and the report go', 'eval')
    .option('--shard <i/n>', 'this is job i of n on one folder: it begins with its share of the runs', shardOf)
    .option('--no-wait', 'ends when no run is free; by default a job waits for those that others make')
    .option('--report', 'makes no run, only the report of those that are done')
    .option('--config <file>', 'these options as JSON; the command line goes before')
    .option('--json', 'the summaries as JSON on standard output')
    .addOption(backendOption())
    .action(async (architectures: string[], given: EvalCommandOptions, command: Command) => {
      if (given.config !== undefined) await applyConfigFile(command, given.config);
      const { config: _, json, ...options } = command.opts<EvalCommandOptions>();
      const graphs = new Map<string, Graph>();
      for (const architecture of architectures) {
        if (graphs.has(architecture)) throw new CliError(`the architecture "${architecture}" is named twice`);
        const graph = await readArchitecture(architecture);
        checkMemory(STATE_COPIES * parameterCount(graph), `the training of ${architecture}`);
        graphs.set(architecture, graph);
      }
      const backend = await useBackend(options.backend);
      const interrupt = listenForInterrupt();
      const { out, init, lr, seeds, epochs, batch, schedule, clip, workers, shard, wait } = options;
      const recipe = {
        optimizer: optimizerOf(options),
        schedule,
        epochs,
        batch,
        ...(clip === undefined ? {} : { gradientClip: clip }),
      };
      const data = dataOf(options);
      const comparison: ComparisonOptions = {
        folder: join(out, 'runs'),
        graphs,
        initializers: init,
        learningRates: lr,
        seeds: Array.from({ length: seeds }, (__, seed) => seed),
        recipe,
        data,
      };
      try {
        if (!options.report) for (const start of init) await checkPredicted(start, graphs.values());
        const filed = await fileRuns(comparison);
        if (!options.report) {
          await follow(
            sweep({
              ...comparison,
              filed,
              ...backendModule(backend),
              workers: workers ?? usualWorkers(backend, availableParallelism()),
              isWaiting: wait,
              signal: interrupt.signal,
              ...(shard === undefined ? {} : { shard }),
            }),
            {
              isText: data.data === 'text',
              starts: init,
              epochs,
              total: filed.length * epochs,
            },
          );
        } else if ((await keptRuns(filed)).length === 0) {
          throw new CliError(
            `${comparison.folder}: no run of this comparison is done; give the options that its jobs have`,
          );
        }
        const by = interrupt.by();
        const lock = await lockReport(out);
        try {
          // Within the lock, so that a report is never replaced by one of fewer runs.
          const runs = await keptRuns(filed);
          const missing = filed.length - runs.length;
          if (runs.length === 0 && by !== undefined) {
            say('Stopped before a run was done. The same command goes on from here.');
            if (json) print(JSON.stringify({ interrupted: by, summaries: [] }));
            return;
          }
          if (missing > 0 && by === undefined && !options.report) {
            say(`No run is free. ${missing} of ${filed.length} are not done; the last job to end writes the report.`);
            return;
          }
          const report: ComparisonReport = {
            command: commandOf(architectures, options),
            metric: data.data === 'text' ? 'perplexity' : 'accuracy',
            configuration: { architectures, initializers: init, learningRates: lr, seeds, recipe, data, backend },
            runs: inOrder(runs, architectures, init),
          };
          await writeReport(out, report);
          const summaries = summarize(report.runs, METRICS[report.metric]);
          if (json) print(JSON.stringify(by === undefined ? summaries : { interrupted: by, summaries }));
          else print(summary(report, out));
          if (by !== undefined) say('Stopped: these are the runs that were done. The same command goes on from here.');
          else if (missing > 0) throw new CliError(`the report is of ${runs.length} runs; ${missing} are not done yet`);
        } finally {
          await lock.release();
        }
      } finally {
        interrupt.release();
      }
    });

/** The value of `--shard`. */
function shardOf(text: string): Shard {
  try {
    return parseShard(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** The report of a folder is written in a moment; one on another machine that dies meanwhile gives no sign so long. */
const REPORT_LEASE = 60_000;

/** Waits until no other job writes the report. */
async function lockReport(out: string): Promise<Lock> {
  for (;;) {
    const taken = await tryLock(join(out, 'report.lock'), { lease: REPORT_LEASE, Raised: CliError });
    if ('release' in taken) return taken;
    await pause(200);
  }
}

const optimizerOf = ({ optimizer, momentum, weightDecay }: EvalCommandOptions): OptimizerConfig =>
  optimizer === 'sgd' ? { type: 'sgd', momentum, weightDecay } : { type: 'adamw', weightDecay };

const dataOf = ({
  data,
  dataDir,
  tokenizer,
  context,
  skipSamples,
  trainSamples,
  testSamples,
}: EvalCommandOptions): DatasetOptions => ({
  data,
  dataDir,
  tokenizer,
  context,
  ...(skipSamples === undefined ? {} : { skipSamples }),
  ...(trainSamples === undefined ? {} : { trainSamples }),
  ...(testSamples === undefined ? {} : { testSamples }),
});

interface FollowOptions {
  readonly isText: boolean;
  /** All that are compared. */
  readonly starts: readonly string[];
  readonly epochs: number;
  /** Epochs of all runs together. */
  readonly total: number;
}

/** Shows the runs as they go, counted in epochs. */
async function follow(
  events: AsyncIterable<SweepEvent>,
  { isText, starts, epochs, total }: FollowOptions,
): Promise<void> {
  const metric = METRICS[isText ? 'perplexity' : 'accuracy'];
  const progress = showProgress(total, 'epochs');
  /** Epochs of the runs under way, with parts of them. */
  const partial = new Map<string, number>();
  let done = 0;
  const nameOf = ({ architecture, initializer, learningRate, seed }: RunKey): string =>
    `${architecture} from ${startName(initializer, starts)}, rate ${learningRate}, seed ${seed}`;
  for await (const event of events) {
    if (event.type === 'note') {
      progress.say(event.text);
      continue;
    }
    if (event.type === 'step') {
      partial.set(nameOf(event.key), (event.step / event.steps) * epochs);
      const current = [...partial.values()].reduce((sum, value) => sum + value, 0);
      progress.update(Math.floor(done + current), nameOf(event.key));
      continue;
    }
    partial.delete(nameOf(event.run));
    done += epochs;
    if (event.made === 'before') {
      progress.skip(done);
    } else {
      const { scores, isDiverged, seconds } = event.run;
      const result = isDiverged
        ? 'diverged'
        : `${metric.name} ${formatMetric(metric.of(scores[scores.length - 1]), metric)}`;
      const where = event.made === 'elsewhere' ? ', by another job' : '';
      progress.say(`${event.done}/${event.total} ${nameOf(event.run)}: ${result} (${Math.round(seconds)} s${where})`);
    }
  }
  progress.stop();
}

/** Runs in the order of the command, however they came. */
function inOrder(
  runs: readonly RunRecord[],
  architectures: readonly string[],
  initializers: readonly string[],
): RunRecord[] {
  const place = (run: RunRecord): number[] => [
    architectures.indexOf(run.architecture),
    initializers.indexOf(run.initializer),
    run.learningRate,
    run.seed,
  ];
  return [...runs].sort((a, b) => {
    const [left, right] = [place(a), place(b)];
    const differing = left.findIndex((value, i) => value !== right[i]);
    return differing < 0 ? 0 : left[differing] - right[differing];
  });
}

async function writeReport(out: string, report: ComparisonReport): Promise<void> {
  const summaries = summarize(report.runs, METRICS[report.metric]);
  const files = {
    'results.json': `${JSON.stringify({ ...report, summaries }, null, 2)}\n`,
    'results.csv': runsToCsv(report.runs),
    'summaries.csv': summariesToCsv(summaries),
    'report.html': comparisonReport(report),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
}

function summary(report: ComparisonReport, out: string): string {
  const metric = METRICS[report.metric];
  const summaries = summarize(report.runs, metric);
  const found = summaries.flatMap((one) => statements(one).map((text) => `${one.architecture}: ${text}`));
  const { header, rows } = summaryTable(summaries, metric);
  return [
    '',
    textTable(header, rows),
    '',
    ...found,
    '',
    `${join(out, 'report.html')}   curves, bars and what each start was like: open it in a browser`,
    `${join(out, 'results.json')}  the same as numbers; ${join(out, 'results.csv')}: every epoch of every run`,
    `${join(out, 'summaries.csv')}  the table`,
  ].join('\n');
}

/** The command that makes the same comparison, whichever job says it. */
function commandOf(
  architectures: readonly string[],
  { shard: _, wait: __, report: ___, workers: ____, ...options }: Omit<EvalCommandOptions, 'config' | 'json'>,
): string {
  const flags = Object.entries(options).map(([name, value]) => `--${kebab(name)} ${value}`);
  return ['logah eval', ...architectures, ...flags].join(' ');
}
