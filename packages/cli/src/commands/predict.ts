// `logah predict`: the parameters of a network, streamed to a safetensors file.
import {
  classLayer,
  elementCount,
  type Graph,
  parameterCount,
  type VitNaming,
  withBatchStatistics,
} from '@logah/graph-ir';
import { type PredictedTensor, predict } from '@logah/hypernet';
import { withFreshClassLayer } from '@logah/network';
import { createRandom, type Random } from '@logah/random';
import type { FloatDType } from '@logah/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import { ARCHITECTURE_HELP, type OpenedArchitecture, openArchitecture, sizeOption } from '../architecture-argument.js';
import { type BackendName, backendOption, useBackend } from '../backend.js';
import { assumeOption, emaOption, referenceOption } from '../checkpoint-options.js';
import { type HypernetOptions, hypernetFor, hypernetOptions } from '../hypernet-argument.js';
import { checkMemory } from '../memory.js';
import { integerOption, SEED } from '../options.js';
import {
  dtypeOption,
  namesOption,
  outFile,
  secondsSince,
  strictOption,
  withProgress,
  writeParameters,
} from '../parameter-file.js';
import { print, say } from '../print.js';
import { textTable } from '../text-table.js';

interface PredictCommandOptions extends HypernetOptions {
  readonly out?: string;
  readonly dtype: FloatDType;
  readonly strict?: true;
  readonly names: VitNaming;
  readonly dryRun?: true;
  readonly json?: true;
  readonly backend?: BackendName;
  readonly size?: Readonly<Record<string, number>>;
}

export function predictCommand(): Command {
  const command = new Command('predict')
    .description(
      'predicts the parameters of an architecture and writes them as safetensors; those that are not predicted keep the values of a model file',
    )
    .argument('<arch>', ARCHITECTURE_HELP)
    .addOption(integerOption('--seed <integer>', 'of what is drawn rather than predicted', SEED, 0))
    .addOption(emaOption())
    .addOption(assumeOption())
    .option('--out <file>', 'where the parameters go, as safetensors', outFile)
    .addOption(dtypeOption())
    .addOption(strictOption())
    .addOption(namesOption())
    .option('--dry-run', 'write nothing: print statistics of every tensor')
    .option('--json', 'the result as JSON')
    .addOption(sizeOption())
    .addOption(referenceOption())
    .addOption(backendOption())
    .action(async (architecture: string, options: PredictCommandOptions, command: Command) => {
      if (options.out === undefined && options.dryRun === undefined) {
        command.error('error: either --out FILE or --dry-run is needed', { exitCode: 2 });
      }
      if (options.out !== undefined && options.dryRun !== undefined) {
        command.error('error: --dry-run writes nothing: leave it or --out out', { exitCode: 2 });
      }
      const opened = await openArchitecture(architecture, options.size);
      try {
        await predictAndWrite(architecture, opened, options);
      } finally {
        opened.close();
      }
    });
  for (const option of hypernetOptions()) command.addOption(option);
  return command;
}

async function predictAndWrite(
  architecture: string,
  opened: OpenedArchitecture,
  options: PredictCommandOptions,
): Promise<void> {
  const graph = withBatchStatistics(opened.graph);
  checkMemory(largestParameter(graph), `the largest tensor of ${architecture}`);
  const backend = await useBackend(options.backend);
  const { hypernet, hasNewHead, origin, remarks } = await hypernetFor(graph, options);
  for (const remark of remarks) say(`Note: ${remark}.`);
  const random = createRandom(options.seed);
  const predicted = predict(hypernet, graph, {
    reference: options.reference === true,
    random,
    ...(opened.values ? { unpredicted: opened.values } : {}),
    reuseMemory: true,
  });
  const tensors = hasNewHead ? withNewHead(predicted, graph, random) : predicted;
  if (options.out === undefined) {
    const started = performance.now();
    const statistics = [];
    for await (const tensor of withProgress(tensors, graph)) statistics.push(tensorStatistics(tensor));
    print(
      options.json
        ? JSON.stringify({
            architecture,
            parameters: parameterCount(graph),
            backend,
            seconds: secondsSince(started),
            tensors: statistics,
          })
        : statisticsTable(statistics),
    );
    return;
  }
  const { out, dtype, strict, names, json } = options;
  await writeParameters(tensors, { architecture, graph, backend, origin, out, dtype, strict, names, json });
}

const largestParameter = ({ parameters }: Graph): number =>
  parameters.reduce((most, { shape }) => Math.max(most, elementCount(shape)), 0);

/** The same tensors, but those of the last layer drawn anew. */
async function* withNewHead(
  tensors: AsyncIterable<PredictedTensor>,
  graph: Graph,
  random: Random,
): AsyncGenerator<PredictedTensor> {
  const ofHead = new Set(Object.values(classLayer(graph)?.parameters ?? {}));
  for await (const tensor of tensors) {
    if (!ofHead.has(tensor.name)) {
      yield tensor;
      continue;
    }
    const { name, shape } = tensor;
    const drawn = tf.tidy(() => withFreshClassLayer(graph, { [name]: tf.zeros([...shape]) }, random)[name]);
    const data = Float32Array.from(await drawn.data());
    drawn.dispose();
    yield { name, shape, data };
  }
}

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
