// A network from what the page was given: an architecture as text, or files that were dropped on it.
import { buildArchitecture, graphFromJson, parseArchitecture, withBatchStatistics } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { decodeTensor, graphFromOnnx, type ImportedModel } from '@logah/graph-ir/onnx';
import { graphFromTfjs } from '@logah/graph-ir/tfjs';
import { readHeader } from '@logah/safetensors';
import { DroppedFolder } from './dropped-folder.js';
import type { OpenedNetwork } from './facts.js';
import { modelAmong, roleOf } from './model-among.js';
import type { DroppedFile, NetworkSource } from './protocol.js';
import { architectureOf } from './safetensors-architecture.js';

/** Opens a network. Throws GraphError or SafetensorsError naming the file and what is wrong with it, Error for files of no known kind. */
export async function openNetwork(source: NetworkSource): Promise<OpenedNetwork> {
  const opened = source.kind === 'architecture' ? fromText(source.text) : await fromFiles(source.files);
  return { ...opened, graph: withBatchStatistics(opened.graph) };
}

const fromText = (text: string): OpenedNetwork => ({
  graph: buildArchitecture(parseArchitecture(text)),
  name: text,
  assumed: [],
});

async function fromFiles(files: readonly DroppedFile[]): Promise<OpenedNetwork> {
  const { model, beside } = await describing(files);
  const opened = await fromFile(model, files);
  // Nothing that was dropped is passed over without a word.
  const belonging =
    beside.length === 0
      ? []
      : [`${model.path} is the network; ${beside.join(', ')} beside it belongs to it and was not read`];
  return { ...opened, assumed: [...opened.assumed, ...belonging] };
}

async function fromFile(model: DroppedFile, files: readonly DroppedFile[]): Promise<OpenedNetwork> {
  const folder = new DroppedFolder(model.path, files);
  const { path: name } = model;
  if (name.endsWith('.onnx')) {
    const bytes = new Uint8Array(await model.file.arrayBuffer());
    return fromModel(graphFromOnnx(bytes, name, { readPlace: folder.read }), name, folder);
  }
  if (name.endsWith('.safetensors')) {
    const read = async (offset: number, length: number): Promise<Uint8Array> =>
      new Uint8Array(await model.file.slice(offset, offset + length).arrayBuffer());
    const { text, assumed } = architectureOf(await readHeader(read, model.file.size, name), name);
    return { ...fromText(text), assumed };
  }
  const text = await model.file.text();
  if (/"modelTopology"\s*:/.test(text)) {
    return fromModel(graphFromTfjs(text, name, { readPlace: folder.read, shardLength: folder.length }), name, folder);
  }
  const graph = /"model_type"\s*:/.test(text) ? graphFromConfig(text, name) : graphFromJson(text, name);
  return { graph, name, assumed: [] };
}

const fromModel = ({ graph, tensors }: ImportedModel, name: string, folder: DroppedFolder): OpenedNetwork => ({
  graph,
  name,
  assumed: [],
  values: (parameter) => {
    const stored = tensors.get(parameter);
    return stored === undefined ? undefined : decodeTensor(parameter, stored, folder.bytesAt(stored.place));
  },
});

/** The file that describes a network. Throws Error where there is none, or more than one. */
async function describing(
  files: readonly DroppedFile[],
): Promise<{ readonly model: DroppedFile; readonly beside: readonly string[] }> {
  const withRoles = await Promise.all(
    files.map(async ({ path, file }) => ({
      path,
      file,
      role: roleOf(path, path.endsWith('.json') ? await file.text() : undefined),
    })),
  );
  const { path, beside } = modelAmong(withRoles);
  const model = files.find((file) => file.path === path);
  if (model === undefined) throw new TypeError(`${path} was not dropped`);
  return { model, beside };
}
