// `logah info`: what is in a file, or what an architecture is like.
import { existsSync } from 'node:fs';
import { CARDS, cardOf, isShipped } from '@logah/checkpoints/catalog';
import { counted, recordOf } from '@logah/files';
import {
  ARCHITECTURE_PRESETS,
  didYouMean,
  elementCount,
  estimateCost,
  type Graph,
  GraphError,
  parameterCount,
  type TensorType,
  withBatchStatistics,
} from '@logah/graph-ir';
import { type CheckpointDifference, checkCheckpoint, checkCheckpointValues } from '@logah/graph-ir/huggingface';
import { isTensorFileName, openTensorFile, type TensorFile } from '@logah/pytorch-files/node';
import { Command } from 'commander';
import {
  ARCHITECTURE_HELP,
  constantOption,
  openArchitecture,
  refuseNetworkOptions,
  sizeOption,
} from '../architecture-argument.js';
import { cardText } from '../card-text.js';
import { type CheckpointOptions, emaOption, readingOptions, TENSOR_FILE_HELP } from '../checkpoint-options.js';
import { CliError } from '../errors.js';
import { COUNT, integerOption } from '../options.js';
import { print } from '../print.js';
import { textTable } from '../text-table.js';

interface InfoOptions extends Pick<CheckpointOptions, 'ema'> {
  readonly checkpoint?: string;
  readonly batch: number;
  readonly time: number;
  readonly size?: Readonly<Record<string, number>>;
  readonly constant?: Readonly<Record<string, number>>;
  readonly json?: true;
}

export const infoCommand = (): Command =>
  new Command('info')
    .description('what is in a hypernetwork or another file of parameters, or what a network is like')
    .argument(
      '<in>',
      `a checkpoint that ships (${CARDS.map(({ name }) => name).join(', ')}), a file of parameters (${TENSOR_FILE_HELP}), or ${ARCHITECTURE_HELP}`,
    )
    .option('--checkpoint <file>', `check that a file of parameters (${TENSOR_FILE_HELP}) holds what the network wants`)
    .addOption(emaOption())
    .addOption(integerOption('--batch <count>', 'samples that costs are estimated for', COUNT, 1))
    .addOption(integerOption('--time <tokens>', 'length of a text that costs are estimated for', COUNT, 1024))
    .addOption(sizeOption())
    .addOption(constantOption())
    .option('--json', 'as JSON')
    .action(async (input: string, options: InfoOptions) => {
      if (isShipped(input) || isTensorFileName(input)) refuseNetworkOptions(input, options);
      if (options.checkpoint !== undefined && (isShipped(input) || isTensorFileName(input)))
        throw new CliError(`${input}: --checkpoint is compared with a network, and this is none`);
      if (options.ema && isShipped(input))
        throw new CliError(`--ema has no effect here: ${input} ships with one set of parameters`);
      if (isShipped(input)) print(options.json ? JSON.stringify(cardOf(input)) : cardText(cardOf(input)));
      else if (isTensorFileName(input)) await printTensors(input, options);
      else await printNetwork(input, options);
    });

async function printTensors(file: string, options: InfoOptions): Promise<void> {
  const { metadata, tensors } = await readHeaderOf(file, options);
  const list = [...tensors].map(([name, { type, shape }]) => ({ name, dtype: type, shape }));
  const values = list.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (options.json) {
    print(JSON.stringify({ file, values, metadata: Object.fromEntries(metadata), tensors: list }));
    return;
  }
  print(`${file}: ${counted(values, 'value')} in ${counted(list.length, 'tensor')}`);
  for (const [key, value] of metadata) print(`${key}: ${value}`);
  print(
    `\n${textTable(
      ['tensor', 'type', 'shape'],
      list.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`]),
    )}`,
  );
}

/** What is in a file of parameters, but for their values; how they were found is printed beside the result. */
async function readHeaderOf(path: string, options: InfoOptions): Promise<Pick<TensorFile, 'metadata' | 'tensors'>> {
  const { weights, onNote } = readingOptions(options);
  const { metadata, tensors, notes, close } = await openTensorFile(path, { weights });
  await close();
  notes.forEach(onNote);
  return { metadata, tensors };
}

/** What is known of a network without running it. */
interface NetworkInfo {
  readonly name: string;
  readonly inputs: ReadonlyArray<TensorType & { readonly name: string }>;
  readonly outputs: NetworkInfo['inputs'];
  readonly parameters: number;
  readonly tensors: number;
  /** Left out where it depends on sizes that nobody gave; `unknownCost` says which. */
  readonly flops?: number;
  readonly activations?: number;
  readonly unknownCost?: string;
  readonly operators: Readonly<Record<string, number>>;
  readonly differences?: readonly CheckpointDifference[];
}

async function printNetwork(input: string, options: InfoOptions): Promise<void> {
  const { checkpoint, batch, time, size, constant, json } = options;
  checkName(input);
  const { graph, close } = await openArchitecture(input, size, constant);
  close();
  const differences = checkpoint === undefined ? undefined : await differencesOf(graph, checkpoint, options);
  const info = infoOf(withBatchStatistics(graph), { batch, time }, differences);
  print(json ? JSON.stringify(info) : describe(info, { batch, time }));
  if (differences !== undefined && differences.length > 0) process.exitCode = 1;
}

/** Throws CliError for a word that is no file, preset or checkpoint, with the one that was probably meant. */
function checkName(input: string): void {
  const presets = Object.keys(ARCHITECTURE_PRESETS);
  if (/[:./\\]/.test(input) || presets.includes(input) || existsSync(input)) return;
  const checkpoints = CARDS.map(({ name }) => name);
  throw new CliError(
    `"${input}" is neither a file nor a known architecture (${presets.join(', ')}) nor a checkpoint that ships ` +
      `(${checkpoints.join(', ')})${didYouMean(input, [...presets, ...checkpoints])}`,
  );
}

/** What stands between a network and a file of parameters: names, shapes, types and values. */
async function differencesOf(graph: Graph, path: string, options: InfoOptions): Promise<CheckpointDifference[]> {
  const { weights, onNote } = readingOptions(options);
  const file = await openTensorFile(path, { weights });
  try {
    file.notes.forEach(onNote);
    return [...checkCheckpoint(graph, file.tensors), ...(await checkCheckpointValues(graph, file))];
  } finally {
    await file.close();
  }
}

function infoOf(
  graph: Graph,
  sizes: { readonly batch: number; readonly time: number },
  differences: NetworkInfo['differences'],
): NetworkInfo {
  const operators = recordOf<number>();
  for (const operator of graph.operators) {
    const name = operator.type === 'onnx' ? `ONNX ${operator.attributes.operator}` : operator.type;
    operators[name] = (operators[name] ?? 0) + 1;
  }
  const values = (names: readonly string[]) => names.map((name) => ({ name, ...graph.values[name] }));
  return {
    name: graph.name,
    inputs: values(graph.inputs),
    outputs: values(graph.outputs),
    parameters: parameterCount(graph),
    tensors: graph.parameters.length,
    ...costOf(graph, sizes),
    operators,
    ...(differences === undefined ? {} : { differences }),
  };
}

function costOf(
  graph: Graph,
  sizes: Readonly<Record<string, number>>,
): Pick<NetworkInfo, 'flops' | 'activations' | 'unknownCost'> {
  try {
    return estimateCost(graph, sizes);
  } catch (error) {
    if (error instanceof GraphError) return { unknownCost: error.message };
    throw error;
  }
}

function describe(info: NetworkInfo, { batch, time }: { readonly batch: number; readonly time: number }): string {
  const values = (kind: string, of: NetworkInfo['inputs']): string[] =>
    of.map(({ name, dtype, shape }) => `${kind} ${name}: ${dtype} [${shape.join(', ')}]`);
  const isText = info.inputs.some(({ shape }) => shape.includes('time'));
  const sample = isText ? `${batch} × ${counted(time, 'token')}` : counted(batch, 'image');
  return [
    `${info.name}: ${counted(info.parameters, 'parameter')} in ${counted(info.tensors, 'tensor')}`,
    ...values('input', info.inputs),
    ...values('output', info.outputs),
    info.flops === undefined || info.activations === undefined
      ? `${info.unknownCost} (--size name=number)`
      : `forward pass of ${sample}: ${scaled(info.flops)} floating-point operations, ${scaled(info.activations)} activations`,
    '',
    textTable(
      ['operator', 'count'],
      Object.entries(info.operators).map(([type, count]) => [type, String(count)]),
    ),
    ...(info.differences === undefined ? [] : ['', ...differenceLines(info.differences)]),
  ].join('\n');
}

function differenceLines(differences: readonly CheckpointDifference[]): string[] {
  if (differences.length === 0) return ['The checkpoint holds every parameter in its shape.'];
  const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
  return [
    'The checkpoint differs:',
    ...differences.map((difference) => {
      switch (difference.kind) {
        case 'missing':
          return `  ${difference.name} ${show(difference.wanted)} is missing`;
        case 'shape':
          return `  ${difference.name} is ${show(difference.found)}, wanted ${show(difference.wanted)}`;
        case 'type':
          return `  ${difference.name} holds ${difference.type}, wanted floating-point numbers`;
        case 'values':
          return `  ${difference.name} holds NaN or infinite values`;
        case 'unexpected':
          return `  ${difference.name} ${show(difference.found)} belongs to no parameter`;
      }
    }),
  ];
}

/** 4580000000 as "4.58 G". */
function scaled(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T', ' P'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)}${units[power]}`;
}
