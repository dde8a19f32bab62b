// What `<arch>` means everywhere: a preset, a preset with changes, or a file.
import { buildArchitecture, type Graph, graphFromJson, parseArchitecture, withBatchStatistics } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { graphFromOnnx } from '@logah/graph-ir/onnx';
import { InvalidArgumentError, Option } from 'commander';
import { count } from './options.js';
import { readBytes, readTextFile } from './text-file.js';

/** How `<arch>` is explained in every command's help. */
export const ARCHITECTURE_HELP =
  "a preset (vit-s, resnet50, gpt2-large, …), one with changes (vit:layers=5,heads=3,hidden=288,mlp=1152), an ONNX model (*.onnx), a *.graph.json file or a transformers model's config.json";

/**
 * The graph that an `<arch>` argument names; an ONNX model's as it is trained, with batch norms over the batch. `sizes` are numbers for sizes to which such a
 * model gives names. Throws CliError or GraphError for what cannot be read or built.
 */
export async function readArchitecture(argument: string, sizes: Readonly<Record<string, number>> = {}): Promise<Graph> {
  if (argument.endsWith('.onnx')) {
    return withBatchStatistics(graphFromOnnx(await readBytes(argument), argument, { dimensions: sizes }).graph);
  }
  if (!argument.endsWith('.json')) return buildArchitecture(parseArchitecture(argument));
  const text = await readTextFile(argument);
  return /"model_type"\s*:/.test(text) ? graphFromConfig(text, argument) : graphFromJson(text, argument);
}

/** `--size height=64`, as often as there are sizes with names. */
export const sizeOption = (): Option =>
  new Option(
    '--size <name=number>',
    'a number for a size to which an ONNX model gives a name, such as height=64; may be repeated',
  ).argParser((text: string, sizes: Readonly<Record<string, number>> = {}) => {
    const place = text.lastIndexOf('=');
    if (place < 1) throw new InvalidArgumentError('A name and a number were wanted, such as height=64.');
    return { ...sizes, [text.slice(0, place)]: count(text.slice(place + 1)) };
  });
