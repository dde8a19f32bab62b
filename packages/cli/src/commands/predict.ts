// `logah predict`: the parameters of a network, streamed to a safetensors file.
import { type Graph, parameterCount, withBatchStatistics } from '@logah/graph-ir';
import {
  createHypernet,
  HYPERNET_VARIANTS,
  type Hypernet,
  type HypernetVariant,
  hypernetPreset,
  type PredictedTensor,
  predict,
} from '@logah/hypernet';
import { readHypernet } from '@logah/hypernet/node';
import { createRandom } from '@logah/random';
import type { FloatDType } from '@logah/safetensors';
import { streamSafetensors } from '@logah/safetensors/node';
import { Command, Option } from 'commander';
import { ARCHITECTURE_HELP, type OpenedArchitecture, openArchitecture, sizeOption } from '../architecture-argument.js';
import { type BackendName, backendOption, useBackend } from '../backend.js';
import {
  assumeOption,
  type CheckpointOptions,
  emaOption,
  readingOptions,
  referenceOption,
  TENSOR_FILE_HELP,
} from '../checkpoint-options.js';
import { integer } from '../options.js';
import { showProgress } from '../progress.js';
import { bytes, textTable, thousands } from '../text-table.js';

interface PredictCommandOptions extends CheckpointOptions {
  readonly checkpoint?: string;
  readonly variant: HypernetVariant;
  readonly seed: number;
  readonly out?: string;
  readonly dtype: FloatDType;
  readonly dryRun?: true;
  readonly json?: true;
  readonly reference?: true;
  readonly backend?: BackendName;
  readonly size?: Readonly<Record<string, number>>;
}

export const predictCommand = (): Command =>
  new Command('predict')
    .description(
      'predicts the parameters of an architecture and writes them as safetensors; those that are not predicted keep the values of a model file',
    )
    .argument('<arch>', ARCHITECTURE_HELP)
    .option(
      '--checkpoint <file>',
      `the hypernetwork (${TENSOR_FILE_HELP}); without it a fresh, untrained one of --variant and --seed`,
    )
    .addOption(emaOption())
    .addOption(assumeOption())
    .addOption(
      new Option('--variant <name>', 'the size of a fresh hypernetwork').choices(HYPERNET_VARIANTS).default('tiny'),
    )
    .option('--seed <integer>', 'of a fresh hypernetwork, and of what is drawn rather than predicted', integer, 0)
    .option('--out <file>', 'where the parameters go')
    .addOption(new Option('--dtype <type>', 'how they are stored').choices(['F32', 'F16', 'BF16']).default('F32'))
    .option('--dry-run', 'write nothing: print statistics of every tensor')
    .option('--json', 'the result as JSON')
    .addOption(sizeOption())
    .addOption(referenceOption())
    .addOption(backendOption())
    .action(async (architecture: string, options: PredictCommandOptions, command: Command) => {
      if ((options.out === undefined) === (options.dryRun === undefined)) {
        command.error('error: either --out FILE or --dry-run is needed', { exitCode: 2 });
      }
      const opened = await openArchitecture(architecture, options.size);
      try {
        await predictAndWrite(architecture, opened, options);
      } finally {
        opened.close();
      }
    });

async function predictAndWrite(
  architecture: string,
  opened: OpenedArchitecture,
  options: PredictCommandOptions,
): Promise<void> {
  const graph = withBatchStatistics(opened.graph);
  const backend = await useBackend(options.backend);
  const hypernet = await openHypernet(graph, options);
  const tensors = withProgress(
    predict(hypernet, graph, {
      reference: options.reference === true,
      random: createRandom(options.seed),
      ...(opened.values ? { unpredicted: opened.values } : {}),
      reuseMemory: true,
    }),
    graph,
  );
  const started = performance.now();
  const common = { architecture, parameters: parameterCount(graph), backend };
  if (options.out === undefined) {
    const statistics = [];
    for await (const tensor of tensors) statistics.push(tensorStatistics(tensor));
    console.log(
      options.json
        ? JSON.stringify({ ...common, seconds: secondsSince(started), tensors: statistics })
        : statisticsTable(statistics),
    );
    return;
  }
  const metadata = {
    format: 'pt',
    architecture,
    predicted_by: options.checkpoint ?? `fresh ${options.variant}, seed ${options.seed}`,
  };
  const size = await streamSafetensors(options.out, graph.parameters, tensors, { dtype: options.dtype, metadata });
  const seconds = secondsSince(started);
  console.log(
    options.json
      ? JSON.stringify({
          ...common,
          seconds,
          out: options.out,
          dtype: options.dtype,
          bytes: size,
          tensors: graph.parameters.length,
        })
      : `${options.out}: ${thousands(common.parameters)} parameters in ${graph.parameters.length} tensors, ${bytes(size)}, ${seconds.toFixed(1)} s on ${backend}`,
  );
}

async function openHypernet(graph: Graph, options: PredictCommandOptions): Promise<Hypernet> {
  const { checkpoint, variant, seed } = options;
  if (checkpoint !== undefined) return readHypernet(checkpoint, readingOptions(options));
  const isLanguage = graph.operators.some(({ type }) => type === 'embedding');
  return createHypernet(hypernetPreset(variant, { domain: isLanguage ? 'language' : 'vision' }), createRandom(seed));
}

async function* withProgress(tensors: AsyncIterable<PredictedTensor>, graph: Graph): AsyncGenerator<PredictedTensor> {
  const progress = showProgress(graph.parameters.length, 'tensors');
  let done = 0;
  try {
    for await (const tensor of tensors) {
      yield tensor;
      progress.update(++done, tensor.name);
    }
  } finally {
    progress.stop();
  }
}

const secondsSince = (started: number): number => (performance.now() - started) / 1000;

interface TensorStatistics {
  readonly name: string;
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

function tensorStatistics({ name, shape, data }: PredictedTensor): TensorStatistics {
  let sum = 0;
  let squares = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    sum += value;
    squares += value * value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / data.length;
  return { name, shape, mean, std: Math.sqrt(Math.max(0, squares / data.length - mean ** 2)), min, max };
}

function statisticsTable(statistics: readonly TensorStatistics[]): string {
  const number = (value: number): string => value.toExponential(3);
  return textTable(
    ['tensor', 'shape', 'mean', 'std', 'min', 'max'],
    statistics.map(({ name, shape, mean, std, min, max }) => [
      name,
      `[${shape.join(', ')}]`,
      ...[mean, std, min, max].map(number),
    ]),
  );
}
