// What `<arch>` means everywhere: a preset, a preset with changes, or a file.
import { buildArchitecture, type Graph, graphFromJson, parseArchitecture, withBatchStatistics } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { openModel } from '@logah/graph-ir/node';
import { InvalidArgumentError, Option } from 'commander';
import { count } from './options.js';
import { readTextFile } from './text-file.js';

/** How `<arch>` is explained in every command's help. */
export const ARCHITECTURE_HELP =
  "a preset (vit-s, resnet50, gpt2-large, …), one with changes (vit:layers=5,heads=3,hidden=288,mlp=1152), an ONNX model (*.onnx), a TensorFlow.js model's model.json, a *.graph.json file or a transformers model's config.json";

/** A network as a file or a preset describes it. */
export interface OpenedArchitecture {
  readonly graph: Graph;
  /** The values that a file has for a parameter; undefined where the network is only described. */
  readonly values?: (parameter: string) => Float32Array;
  /** Closes the file. */
  readonly close: () => void;
}

/**
 * The network that an `<arch>` argument names. `sizes` are numbers for sizes to which a model of another format gives names.
 * Throws CliError or GraphError for what cannot be read or built.
 */
export async function openArchitecture(
  argument: string,
  sizes: Readonly<Record<string, number>> = {},
): Promise<OpenedArchitecture> {
  if (argument.endsWith('.onnx')) return openModel(argument, { dimensions: sizes });
  const close = (): void => {};
  if (!argument.endsWith('.json')) return { graph: buildArchitecture(parseArchitecture(argument)), close };
  const text = await readTextFile(argument);
  if (/"modelTopology"\s*:/.test(text)) return openModel(argument, { dimensions: sizes });
  const graph = /"model_type"\s*:/.test(text) ? graphFromConfig(text, argument) : graphFromJson(text, argument);
  return { graph, close };
}

/** The graph of {@link openArchitecture} as it is trained: with batch norms over the batch. */
export async function readArchitecture(argument: string, sizes: Readonly<Record<string, number>> = {}): Promise<Graph> {
  const { graph, close } = await openArchitecture(argument, sizes);
  close();
  return withBatchStatistics(graph);
}

/** `--size height=64`, as often as there are sizes with names. */
export const sizeOption = (): Option =>
  new Option(
    '--size <name=number>',
    'a number for a size to which an ONNX or TensorFlow.js model gives a name, such as height=64; may be repeated',
  ).argParser((text: string, sizes: Readonly<Record<string, number>> = {}) => {
    const place = text.lastIndexOf('=');
    if (place < 1) throw new InvalidArgumentError('A name and a number were wanted, such as height=64.');
    return { ...sizes, [text.slice(0, place)]: count(text.slice(place + 1)) };
  });
