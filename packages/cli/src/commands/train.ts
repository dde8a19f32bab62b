// `logah train`: meta-trains a hypernetwork in a folder, from where it stands there.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { datasetToJsonLines, type LanguageHeads } from '@logah/arch-datasets';
import { standalone } from '@logah/charts';
import { dataNotes } from '@logah/checkpoints/catalog';
import { DATASET_NAMES, type Dataset, type DatasetName, datasetContent, readDataset } from '@logah/data/node';
import { counted } from '@logah/files';
import { writeFile } from '@logah/files/node';
import {
  type ArchitectureSource,
  checkRunnable,
  initTrainer,
  localGradients,
  shareGradients,
  TEMPLATE_TRAINER_DEFAULTS,
  TRAINER_DEFAULTS,
  type TrainerConfig,
  totalSteps,
} from '@logah/ghn-trainer';
import { createWorkerPool, type RunEvent, run, type WorkerPool } from '@logah/ghn-trainer/node';
import { type Architecture, buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import {
  createHypernet,
  HYPERNET_VARIANTS,
  type HypernetConfig,
  type HypernetVariant,
  hypernetParameterCount,
  hypernetPreset,
  isTemplateVariant,
} from '@logah/hypernet';
import { classification, languageModelling, misfitOf } from '@logah/network';
import { createRandom } from '@logah/random';
import { Command, Option } from 'commander';
import { ARCHITECTURE_SETS, checkArchitectureSet, checkHeads, readArchitectureSet } from '../architecture-set.js';
import { type BackendName, backendModule, backendOption, limitThreads, useBackend, usualWorkers } from '../backend.js';
import { referenceOption } from '../checkpoint-options.js';
import { applyConfigFile } from '../config-file.js';
import { type Curve, curvesOf, lossChart, scoreChart } from '../curves.js';
import { CliError } from '../errors.js';
import { listenForInterrupt } from '../interrupt.js';
import { checkMemory } from '../memory.js';
import {
  COUNT,
  COUNT_FROM_ZERO,
  EPOCHS,
  integerOption,
  kebab,
  NORM,
  numberOption,
  RATE,
  type Range,
  SEED,
  SHARE,
  STEPS,
  WEIGHT,
  WORKERS,
} from '../options.js';
import { print, say } from '../print.js';
import { type Progress, showProgress } from '../progress.js';
import { joinRanks, ownCores } from '../ranks.js';
import { thousands } from '../text-table.js';

interface TrainCommandOptions {
  readonly dataset?: string;
  readonly data: DatasetName;
  readonly dataDir: string;
  readonly out: string;
  readonly variant: HypernetVariant;
  readonly metaBatch: number;
  readonly batch: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  readonly lr?: number;
  readonly weightDecay: number;
  readonly clip?: number;
  readonly gamma?: number;
  readonly warmupEpochs?: number;
  readonly ema?: number;
  readonly innerSteps?: number;
  readonly innerLr?: number;
  readonly maxWidth?: number;
  readonly rank?: number;
  readonly templates?: number;
  readonly lowRank?: number;
  readonly mixture?: 'embedding' | 'place';
  readonly widthStep?: number;
  readonly heads: LanguageHeads;
  readonly skipSamples?: number;
  readonly trainSamples?: number;
  readonly reference?: true;
  readonly seed: number;
  readonly patch: number;
  readonly tokenizer: 'bytes' | 'gpt2';
  readonly context: number;
  readonly workers?: number;
  readonly saveEvery: number;
  readonly keep: number;
  readonly evalEvery: number;
  readonly evalArchitectures: number;
  readonly evalSamples: number;
  readonly config?: string;
  readonly json?: true;
  readonly backend?: BackendName;
}

const META_BATCH: Range = { from: 1, to: 10_000 };
const WARMUP_EPOCHS: Range = { from: 0, to: EPOCHS.to };
/** Features of a network, and templates of a kind, beyond which no hypernetwork fits into memory. */
const WIDTH: Range = { from: 1, to: 65_536 };
const RANK: Range = { from: 0, to: 65_536 };
const TEMPLATES: Range = { from: 1, to: 1024 };
const PATCH: Range = { from: 1, to: 4096 };
/** What divides the paper's step. */
const STEP: Range = { from: 1, to: 32 };
const KEPT: Range = { from: 1, to: 1_000_000 };

export const trainCommand = (): Command =>
  new Command('train')
    .description('meta-trains a hypernetwork; run again with the same options, it goes on from its last state')
    .option(
      '--dataset <name>',
      `the architectures: ${ARCHITECTURE_SETS.join(', ')} or a *.jsonl file; vits-1k by default, gpts-1k for text`,
    )
    .addOption(
      new Option(
        '--data <name>',
        'the data: CIFAR, IDX files, train/ and test/ folders of pictures, or train.txt and test.txt',
      )
        .choices(DATASET_NAMES)
        .default('cifar10'),
    )
    .option('--data-dir <folder>', 'where the data lies', '.')
    .addOption(
      integerOption('--skip-samples <count>', 'training samples to leave out, the first ones', COUNT_FROM_ZERO),
    )
    .addOption(integerOption('--train-samples <count>', 'to train on, the first ones after those; all by default'))
    .option('--out <folder>', "the run's folder", 'run')
    .addOption(
      new Option('--variant <name>', 'the size of the hypernetwork').choices(HYPERNET_VARIANTS).default('tiny'),
    )
    .addOption(
      integerOption('--max-width <features>', 'of templates: the widest network they fill without repeating', WIDTH),
    )
    .addOption(integerOption('--rank <count>', "of templates, or of LoGAH's matrices; 0 writes templates out", RANK))
    .addOption(integerOption('--templates <count>', 'of each kind of layer', TEMPLATES))
    .addOption(
      integerOption(
        '--low-rank <count>',
        "of templates: the rank of a product of LoGAH's decoder that every matrix adds; by default none",
        { ...RANK, from: 1 },
      ),
    )
    .addOption(
      new Option('--mixture <source>', 'what tells how much of each template a layer takes').choices([
        'embedding',
        'place',
      ]),
    )
    .addOption(integerOption('--meta-batch <count>', 'networks in a step', META_BATCH, TRAINER_DEFAULTS.metaBatch))
    .addOption(integerOption('--batch <count>', 'samples in a mini-batch', COUNT, TRAINER_DEFAULTS.batch))
    .addOption(integerOption('--epochs <count>', `epochs of the schedule; ${defaultsOf('epochs')}`, EPOCHS))
    .addOption(
      integerOption(
        '--steps-per-epoch <count>',
        'steps that count as an epoch; by default one pass over the data',
        STEPS,
      ),
    )
    .addOption(numberOption('--lr <rate>', `the learning rate after warm-up; ${defaultsOf('learningRate')}`, RATE))
    .addOption(numberOption('--weight-decay <rate>', 'of AdamW', WEIGHT, TRAINER_DEFAULTS.weightDecay))
    .addOption(
      numberOption('--clip <norm>', `the largest global norm of gradients; ${defaultsOf('gradientClip')}`, NORM),
    )
    .addOption(
      numberOption(
        '--gamma <weight>',
        `the weight of the predicted tensors' norms in the loss; ${defaultsOf('predictedParameterRegularization')}`,
        WEIGHT,
      ),
    )
    .addOption(
      integerOption('--warmup-epochs <count>', `epochs of warm-up; ${defaultsOf('warmupEpochs')}`, WARMUP_EPOCHS),
    )
    .addOption(
      numberOption(
        '--ema <decay>',
        "keeps a moving average of the hypernetwork, such as 0.999, as the run's result",
        SHARE,
      ),
    )
    .addOption(
      integerOption(
        '--inner-steps <count>',
        'steps that each predicted network is trained before its loss is taken, so that starts are learned that train ' +
          'well; each takes its part of the mini-batch',
        COUNT,
      ),
    )
    .addOption(numberOption('--inner-lr <rate>', 'of those steps of AdamW; 0.001 by default', RATE))
    .addOption(referenceOption())
    .addOption(integerOption('--seed <integer>', 'of everything that is drawn', SEED, 0))
    .addOption(integerOption('--patch <pixels>', 'of the ViTs', PATCH, 2))
    .addOption(
      integerOption('--width-step <features>', 'between the widths of vits-1k; by default 32, as in the paper', STEP),
    )
    .addOption(
      new Option(
        '--heads <kind>',
        'of language models: own, as in the paper, tied (the token embedding, as GPT-2’s) or by chance both',
      )
        .choices(['own', 'tied', 'both'])
        .default('own'),
    )
    .addOption(new Option('--tokenizer <name>', 'of text').choices(['bytes', 'gpt2']).default('gpt2'))
    .addOption(integerOption('--context <tokens>', 'of a block of text, and of the language models', COUNT, 1024))
    .addOption(
      integerOption(
        '--workers <count>',
        "threads that share a meta-batch, or a process's part of it; by default one a core, or one for a GPU; at most one a network",
        WORKERS,
      ),
    )
    .addOption(integerOption('--save-every <steps>', 'between states on disk', STEPS, 200))
    .addOption(integerOption('--keep <count>', 'states that are kept', KEPT, 3))
    .addOption(
      integerOption('--eval-every <steps>', 'between evaluations on architectures that were held out', STEPS, 200),
    )
    .addOption(integerOption('--eval-architectures <count>', 'how many of them', COUNT, 4))
    .addOption(integerOption('--eval-samples <count>', 'samples they are evaluated on', COUNT, 1000))
    .option('--config <file>', 'these options as JSON; the command line goes before')
    .option('--json', 'every event as a line of JSON')
    .addOption(backendOption())
    .action(async (given: TrainCommandOptions, command: Command) => {
      if (given.config !== undefined) await applyConfigFile(command, given.config);
      const { config: _, json, ...options } = command.opts<TrainCommandOptions>();
      // What costs nothing to know is said before anything is read.
      checkArchitectureSet(architectureSetOf(options));
      checkHeads(architectureSetOf(options), options.heads);
      const ranks = await joinRanks();
      const isFirst = ranks === undefined || ranks.rank === 0;
      const backend = await useBackend(options.backend);
      if (ranks !== undefined) await limitThreads(backend, ownCores());
      if (options.innerSteps !== undefined && ranks !== undefined && ranks.size > options.metaBatch) {
        throw new CliError(
          `--inner-steps divides each mini-batch itself, so ${ranks.size} processes want --meta-batch ${ranks.size} ` +
            `or more, got ${options.metaBatch}`,
        );
      }
      const data = await readDataset({ ...options, testSamples: options.evalSamples });
      const hypernet = hypernetFor(data, options);
      const config = recipe(options, hypernet);
      checkRunnable(config, data.train);
      checkMemory(STATE_COPIES * hypernetParameterCount(hypernet).learned, 'the training of this hypernetwork');
      const workers = workersOf(options, backend, ranks?.size ?? 1);
      const pool = await openPool(hypernet, data, workers, backend, config);
      const interrupt = listenForInterrupt();
      try {
        const { source, heldOut, content: contentOfArchitectures } = await architecturesFor(data, options);
        const isQuiet = json === true || !isFirst;
        const tell = isQuiet ? (): void => {} : say;
        const task = data.kind === 'images' ? classification : languageModelling;
        const own = pool?.gradients ?? localGradients(task, config);
        const shared =
          ranks === undefined
            ? { ...(pool ? { gradients: own } : {}), signal: interrupt.signal }
            : { ...shareGradients(ranks, own, () => interrupt.signal.aborted), ranks };
        tell(
          `Meta-training ${DECODER_NAMES[hypernet.decoder]} of ${thousands(hypernetParameterCount(hypernet).learned)} parameters in ${options.out}: ${counted(data.train.length, 'sample')}, ` +
            `${counted(options.metaBatch, 'network')} a step, backend ${backend}, ${ranks ? `${counted(ranks.size, 'process', 'processes')} (${ranks.library}), ` : ''}${pool ? counted(workers, 'worker') : 'one thread'} (Ctrl-C stops and keeps the state).`,
        );
        if (heldOut.length === 0)
          tell(`${architectureSetOf(options)} has no architectures of the part "test", so none are evaluated.`);
        const { backend: _backend, workers: _workers, out: _out, dataDir: _dataDir, ...lasting } = options;
        // The first process alone keeps the configuration.
        const contentOfData = isFirst ? await datasetContent(options) : undefined;
        const dataset = architectureSetOf(options);
        const events = run({
          folder: options.out,
          configuration: {
            ...lasting,
            dataset,
            contentOfData,
            contentOfArchitectures,
            ...resolved(config),
            hypernet,
          },
          notes: notesOf(data, options),
          config,
          hypernet,
          start: () => initTrainer(createHypernet(hypernet, createRandom(options.seed)), config),
          architectures: source,
          data: data.train,
          task,
          ...shared,
          saveEvery: options.saveEvery,
          keep: options.keep,
          ...(heldOut.length === 0
            ? {}
            : {
                evaluation: {
                  every: options.evalEvery,
                  architectures: heldOut,
                  data: data.test,
                  batch: options.batch,
                },
              }),
        });
        const progress = isQuiet ? undefined : showProgress(totalSteps(config, data.train), 'steps');
        const isText = data.kind === 'text';
        await follow(events, { out: options.out, isText, progress, isJson: json === true && isFirst });
        if (shared.signal.aborted) {
          tell('Stopped. The same command goes on from here.');
          if (json && isFirst) print(JSON.stringify({ type: 'interrupted', signal: interrupt.by() }));
        }
        await ranks?.finalize();
      } finally {
        interrupt.release();
        await pool?.close();
      }
    });

/** A hypernetwork under training: its parameters, two moments and gradients. */
const STATE_COPIES = 4;

const DECODER_NAMES = { lowrank: 'a LoGAH', conv: 'a GHN-3', template: 'templates' } as const;

/** What the help says of a number whose default depends on the decoder. */
function defaultsOf(
  field: 'epochs' | 'learningRate' | 'gradientClip' | 'predictedParameterRegularization' | 'warmupEpochs',
): string {
  return `by default ${TRAINER_DEFAULTS[field]}, of templates ${TEMPLATE_TRAINER_DEFAULTS[field]}`;
}

function recipe(options: TrainCommandOptions, { decoder }: HypernetConfig): TrainerConfig {
  const defaults = decoder === 'template' ? TEMPLATE_TRAINER_DEFAULTS : TRAINER_DEFAULTS;
  const { stepsPerEpoch, ema, innerSteps, innerLr = INNER_RATE } = options;
  if (innerSteps === undefined && options.innerLr !== undefined)
    throw new CliError('--inner-lr is the rate of --inner-steps, of which there are none');
  return {
    seed: options.seed,
    metaBatch: options.metaBatch,
    batch: options.batch,
    epochs: options.epochs ?? defaults.epochs,
    ...(stepsPerEpoch === undefined ? {} : { stepsPerEpoch }),
    learningRate: options.lr ?? defaults.learningRate,
    warmupEpochs: options.warmupEpochs ?? defaults.warmupEpochs,
    warmupFrom: defaults.warmupFrom,
    weightDecay: options.weightDecay,
    gradientClip: options.clip ?? defaults.gradientClip,
    predictedParameterRegularization: options.gamma ?? defaults.predictedParameterRegularization,
    ...(ema === undefined ? {} : { averageDecay: ema }),
    ...(innerSteps === undefined ? {} : { innerLoop: { steps: innerSteps, learningRate: innerLr } }),
  };
}

/** What most networks train at with AdamW. */
const INNER_RATE = 1e-3;

/** The options whose defaults depend on the decoder, as a run's configuration keeps them. */
const resolved = (config: TrainerConfig) => ({
  epochs: config.epochs,
  lr: config.learningRate,
  clip: config.gradientClip,
  gamma: config.predictedParameterRegularization,
  warmupEpochs: config.warmupEpochs,
});

/** The configuration for the data: what it is to answer, and for templates the patches or tokens that a network sees. */
function hypernetFor(data: Dataset, options: TrainCommandOptions): HypernetConfig {
  const { variant, maxWidth, rank, templates, lowRank, mixture, patch } = options;
  const ofData =
    data.kind === 'images'
      ? { domain: 'vision' as const, classes: data.classes }
      : { domain: 'language' as const, classes: data.vocab };
  if (!isTemplateVariant(variant)) {
    for (const [name, value] of Object.entries({ maxWidth, templates, lowRank, mixture })) {
      if (value !== undefined) throw new CliError(`--${kebab(name)} is for templates; ${variant} has none`);
    }
    return hypernetPreset(variant, { ...ofData, ...(rank === undefined ? {} : { rank }) });
  }
  return hypernetPreset(variant, {
    ...ofData,
    ...(data.kind === 'images' ? { patch, tokens: (data.image / patch) ** 2 + 1 } : { tokens: data.context }),
    ...(maxWidth === undefined ? {} : { maxChannels: maxWidth }),
    ...(rank === undefined ? {} : { rank }),
    ...(templates === undefined ? {} : { templates }),
    ...(lowRank === undefined ? {} : { lowRank }),
    ...(mixture === undefined ? {} : { mixture }),
  });
}

/** Threads of each of so many processes. Rows of the reference reach across a meta-batch, so one thread has all of it. */
const workersOf = (
  { workers, metaBatch, reference }: TrainCommandOptions,
  backend: BackendName,
  processes: number,
): number => (reference ? 1 : Math.min(workers ?? usualWorkers(backend, ownCores()), Math.ceil(metaBatch / processes)));

async function openPool(
  hypernet: HypernetConfig,
  data: Dataset,
  workers: number,
  backend: BackendName,
  { predictedParameterRegularization, innerLoop }: TrainerConfig,
): Promise<WorkerPool | undefined> {
  if (workers < 2) return undefined;
  return createWorkerPool({
    workers,
    ...backendModule(backend),
    hypernet,
    task: data.kind === 'images' ? 'classification' : 'languageModelling',
    predictedParameterRegularization,
    ...(innerLoop === undefined ? {} : { innerLoop }),
  });
}

/** The architectures that were asked for, or those that go with the data. */
const architectureSetOf = ({ dataset, data }: TrainCommandOptions): string =>
  dataset ?? (data === 'text' ? 'gpts-1k' : 'vits-1k');

interface Architectures {
  readonly source: ArchitectureSource;
  /** Only evaluated. */
  readonly heldOut: string[];
  /** A SHA-256 of all that the data set holds. */
  readonly content: string;
}

/** Architectures to train on, drawn as often as the data set has them, and some that are only evaluated. */
async function architecturesFor(data: Dataset, options: TrainCommandOptions): Promise<Architectures> {
  const { seed, patch, widthStep, heads, evalArchitectures } = options;
  const dataset = architectureSetOf(options);
  const sizes =
    data.kind === 'images'
      ? { patch, classes: data.classes, image: data.image, ...(widthStep === undefined ? {} : { widthStep }) }
      : { vocab: data.vocab, context: data.context, heads };
  const entries = await readArchitectureSet(dataset, { seed, ...sizes });
  const part = (split: string): string[] =>
    entries.filter((entry) => entry.split === split).map(({ architecture }) => architecture);
  const train = part('train').map(parseArchitecture);
  if (train.length === 0) throw new CliError(`${dataset}: no architectures to train on`);
  const isWanted = ({ family }: Architecture): boolean => isLanguage(family) === (data.kind === 'text');
  if (!train.every(isWanted))
    throw new CliError(
      `${dataset} has ${data.kind === 'text' ? 'vision' : 'language'} models, but --data ${options.data} is ${data.kind === 'text' ? 'text' : 'images'}`,
    );
  const heldOut = [...new Set(part('test'))].slice(0, evalArchitectures);
  for (const architecture of new Set([...part('train'), ...heldOut])) {
    const misfit = misfitOf(buildArchitecture(parseArchitecture(architecture)), data);
    if (misfit !== undefined) throw new CliError(`${dataset}: ${architecture}: ${misfit}`);
  }
  return {
    source: (random) => random.choose(train),
    heldOut,
    content: createHash('sha256').update(datasetToJsonLines(entries)).digest('hex'),
  };
}

/** What the hypernetwork's file says of its data. */
const notesOf = (data: Dataset, options: TrainCommandOptions): Record<string, string> =>
  dataNotes(
    `${options.data}, ${data.train.length} training samples from number ${(options.skipSamples ?? 0) + 1}`,
    data.kind === 'text' ? { ...data, tokenizer: options.tokenizer } : data,
  );

const isLanguage = (family: Architecture['family']): boolean => family === 'gpt2' || family === 'llama';

interface FollowOptions {
  readonly out: string;
  readonly isText: boolean;
  readonly progress: Progress | undefined;
  readonly isJson: boolean;
}

/** Shows a run as it goes, and draws its curves at every evaluation. */
async function follow(
  events: AsyncIterable<RunEvent>,
  { out, isText, progress, isJson }: FollowOptions,
): Promise<void> {
  const score = (loss: number, accuracy: number): string =>
    isText ? `perplexity ${Math.exp(loss).toFixed(1)}` : `accuracy ${(100 * accuracy).toFixed(1)} %`;
  let recent: Array<{ loss: number; accuracy: number }> = [];
  let done = 0;
  for await (const event of events) {
    if (isJson) print(JSON.stringify(event));
    switch (event.type) {
      case 'damaged':
        progress?.say(`A state cannot be read, so the run goes on from one before it (${event.reason}).`);
        break;
      case 'resumed':
        progress?.skip(event.step);
        progress?.say(`Going on from step ${event.step} (${event.path}).`);
        // Those of a run that was killed between its last state and its curves.
        await drawCurves(out, isText);
        break;
      case 'step': {
        recent = [...recent.slice(-49), { loss: event.taskLoss, accuracy: event.accuracy }];
        const mean = (pick: (point: { loss: number; accuracy: number }) => number): number =>
          recent.reduce((sum, point) => sum + pick(point), 0) / recent.length;
        done = event.step;
        progress?.update(
          done,
          `loss ${mean(({ loss }) => loss).toFixed(3)}, ${score(
            mean(({ loss }) => loss),
            mean(({ accuracy }) => accuracy),
          )}`,
        );
        break;
      }
      case 'evaluation':
        progress?.say(
          `step ${event.step}: on architectures never trained, loss ${event.loss.toFixed(3)}, ${score(event.loss, event.accuracy)}`,
        );
        break;
      case 'saved':
        await drawCurves(out, isText);
        break;
    }
  }
  progress?.stop();
}

async function drawCurves(out: string, isText: boolean): Promise<void> {
  const curve: Curve = await curvesOf(join(out, 'metrics.jsonl'));
  for (const [name, svg] of [
    ['loss.svg', lossChart(curve)],
    ['heldout.svg', scoreChart(curve, isText)],
  ] as const) {
    await writeFile(join(out, name), standalone(svg));
  }
}
