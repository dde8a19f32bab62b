// What `<arch>` means everywhere: a preset, a preset with changes, or a file.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isShipped } from '@logah/checkpoints/catalog';
import {
  buildArchitecture,
  didYouMean,
  type Graph,
  graphFromJson,
  parseArchitecture,
  withBatchStatistics,
} from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { type OpenedModel, openModel } from '@logah/graph-ir/node';
import { isTensorFileName } from '@logah/pytorch-files/node';
import { InvalidArgumentError, Option } from 'commander';
import { CliError } from './errors.js';
import { integerIn } from './options.js';
import { readTextFile } from './text-file.js';

/** How `<arch>` is explained in every command's help. */
export const ARCHITECTURE_HELP =
  "a preset (vit-s, resnet50, gpt2-large, …; vit-s, -b and -l are for CIFAR: 32 pixels, patches of 2, 10 classes; `logah graph --list` has all), one with changes (vit-s:patch=4 or vit:layers=5,heads=3,hidden=288,mlp=1152), an ONNX model (*.onnx), a TensorFlow.js model's model.json, a *.graph.json file, a transformers model's config.json or the folder that has it";

/** A network as a file or a preset describes it. */
export interface OpenedArchitecture {
  readonly graph: Graph;
  /** The values that a file has for a parameter; undefined where the network is only described. */
  readonly values?: (parameter: string) => Float32Array;
  /** Closes the file. */
  readonly close: () => void;
}

/**
 * The network that an `<arch>` argument names. `sizes` are numbers for sizes to which a model of another format gives names, `constants` those of inputs that
 * never change.
 * Throws CliError or GraphError for what cannot be read or built.
 */
export async function openArchitecture(
  argument: string,
  sizes: Readonly<Record<string, number>> = {},
  constants: Readonly<Record<string, number>> = {},
): Promise<OpenedArchitecture> {
  if (argument.endsWith('.onnx')) return openSized(argument, sizes, constants);
  const close = (): void => {};
  const found = await stat(argument).catch(() => undefined);
  // A folder as a model has on Hugging Face's hub.
  if (found?.isDirectory()) return openArchitecture(join(argument, 'config.json'), sizes, constants);
  if (!argument.endsWith('.json')) {
    if (isShipped(argument))
      throw new CliError(
        `"${argument}" is a hypernetwork that ships, and a network is wanted; logah predict ARCH --checkpoint ${argument} fills one`,
      );
    if (isTensorFileName(argument))
      throw new CliError(
        `${argument}: values of parameters are no network; its name, or a file that describes it, is wanted ` +
          `(logah info ${argument} lists what is in it)`,
      );
    if (found !== undefined)
      throw new CliError(`${argument}: not a network; known are *.onnx, model.json, *.graph.json and config.json`);
    refuseSizes(argument, sizes, [], 'changes of a preset are written behind it, such as vit-s:patch=4');
    refuseConstants(argument, constants, 'a preset has no input that never changes');
    return { graph: buildArchitecture(parseArchitecture(argument)), close };
  }
  const text = await readTextFile(argument);
  if (/"modelTopology"\s*:/.test(text)) return openSized(argument, sizes, constants);
  refuseSizes(argument, sizes, [], 'the file has all its sizes');
  refuseConstants(argument, constants, 'inputs of ONNX and TensorFlow.js models alone can be constants');
  const graph = /"model_type"\s*:/.test(text) ? graphFromConfig(text, argument) : graphFromJson(text, argument);
  return { graph, close };
}

/** A model file with numbers for its named sizes. Throws CliError for a name that none of its inputs has. */
function openSized(
  path: string,
  sizes: Readonly<Record<string, number>>,
  constants: Readonly<Record<string, number>>,
): OpenedModel {
  if (Object.keys(sizes).length > 0) {
    const { graph, close } = openModel(path, { constants });
    close();
    const named = graph.inputs.flatMap((input) => graph.values[input].shape.filter((size) => typeof size === 'string'));
    refuseSizes(path, sizes, named, `its inputs have ${named.length === 0 ? 'no sizes with names' : named.join(', ')}`);
  }
  return openModel(path, { dimensions: sizes, constants });
}

function refuseSizes(
  argument: string,
  sizes: Readonly<Record<string, number>>,
  named: readonly string[],
  instead: string,
): void {
  const unknown = Object.keys(sizes).find((name) => !named.includes(name));
  if (unknown === undefined) return;
  throw new CliError(`${argument}: --size ${unknown}=… names no size of it; ${instead}${didYouMean(unknown, named)}`);
}

/** Refuses what only a network can have of a file that has parameters alone. Throws CliError. */
export function refuseNetworkOptions(
  file: string,
  {
    size = {},
    constant = {},
  }: { readonly size?: Readonly<Record<string, number>>; readonly constant?: Readonly<Record<string, number>> },
): void {
  const why = 'it has parameters alone, no network with inputs';
  refuseSizes(file, size, [], why);
  refuseConstants(file, constant, why);
}

function refuseConstants(argument: string, constants: Readonly<Record<string, number>>, why: string): void {
  const [name] = Object.keys(constants);
  if (name !== undefined)
    throw new CliError(`${argument}: --constant ${name}=${constants[name]} is for none of its inputs; ${why}`);
}

/** The graph of {@link openArchitecture} as it is trained: with batch norms over the batch. */
export async function readArchitecture(
  argument: string,
  sizes: Readonly<Record<string, number>> = {},
  constants: Readonly<Record<string, number>> = {},
): Promise<Graph> {
  const { graph, close } = await openArchitecture(argument, sizes, constants);
  close();
  return withBatchStatistics(graph);
}

/** `--size height=64`, as often as there are sizes with names. */
export const sizeOption = (): Option =>
  new Option(
    '--size <name=number>',
    'a number for a size to which an ONNX or TensorFlow.js model gives a name, such as height=64 (1 to 2147483647); may be repeated',
  ).argParser((text: string, sizes: Readonly<Record<string, number>> = {}) => {
    const place = text.lastIndexOf('=');
    if (place < 1) throw new InvalidArgumentError('A name and a number were wanted, such as height=64.');
    return { ...sizes, [text.slice(0, place)]: integerIn()(text.slice(place + 1)) };
  });

/** `--constant sr=16000`, as often as there are inputs that never change. */
export const constantOption = (): Option =>
  new Option(
    '--constant <name=number>',
    'the number of an input that is the same in every run, such as sr=16000; it is an input no more; may be repeated',
  ).argParser((text: string, constants: Readonly<Record<string, number>> = {}) => {
    const place = text.lastIndexOf('=');
    const value = Number(text.slice(place + 1));
    if (place < 1 || text.slice(place + 1).trim() === '' || !Number.isFinite(value))
      throw new InvalidArgumentError('A name and a number were wanted, such as sr=16000.');
    return { ...constants, [text.slice(0, place)]: value };
  });
