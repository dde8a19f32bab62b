// What `<arch>` means everywhere: a preset, a preset with changes, or a file.
import { buildArchitecture, type Graph, graphFromJson, parseArchitecture } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { readTextFile } from './text-file.js';

/** How `<arch>` is explained in every command's help. */
export const ARCHITECTURE_HELP =
  "a preset (vit-s, resnet50, gpt2-large, …), one with changes (vit:layers=5,heads=3,hidden=288,mlp=1152), a *.graph.json file or a transformers model's config.json";

/** The graph that an `<arch>` argument names. Throws CliError or GraphError for what cannot be read or built. */
export async function readArchitecture(argument: string): Promise<Graph> {
  if (!argument.endsWith('.json')) return buildArchitecture(parseArchitecture(argument));
  const text = await readTextFile(argument);
  return /"model_type"\s*:/.test(text) ? graphFromConfig(text, argument) : graphFromJson(text, argument);
}
