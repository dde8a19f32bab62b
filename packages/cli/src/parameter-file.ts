// A network's parameters on their way to a safetensors file: progress, the file, and what is said in the end.

import { counted } from '@logah/files';
import {
  type ExtraState,
  elementCount,
  extraStates,
  type Graph,
  type NamedPart,
  parameterCount,
  VIT_NAMINGS,
  type VitNaming,
  vitTensors,
} from '@logah/graph-ir';
import type { FloatDType, FloatTensor } from '@logah/safetensors';
import { streamSafetensors } from '@logah/safetensors/node';
import { Option } from 'commander';
import type { BackendName } from './backend.js';
import { fileOf } from './named-file.js';
import { print, say } from './print.js';
import { showProgress } from './progress.js';
import { bytes } from './text-table.js';

/** A parameter's values under its name. */
export type NamedTensor = FloatTensor & { readonly name: string };

/** What is written, and where. */
export interface ParameterFile {
  /** As the command line names it. */
  readonly architecture: string;
  readonly graph: Graph;
  readonly backend: BackendName;
  /** Where the values are from: goes into the file's metadata. */
  readonly origin: Readonly<Record<string, string>>;
  readonly out: string;
  readonly dtype: FloatDType;
  /** Also writes what PyTorch's strict loading wants beside the parameters. */
  readonly strict?: true | undefined;
  /** Whose names a vision transformer's tensors have. */
  readonly names: VitNaming;
  /** Whether the result is said as JSON. */
  readonly json: true | undefined;
}

/** What other suffixes would promise, and what makes it. */
const OTHER_FORMATS: Readonly<Record<string, string>> = {
  '.pt': 'PyTorch reads safetensors (safetensors.torch.load_file)',
  '.pth': 'PyTorch reads safetensors (safetensors.torch.load_file)',
  '.bin': 'transformers reads safetensors (model.safetensors)',
  '.ckpt': 'PyTorch reads safetensors (safetensors.torch.load_file)',
  '.onnx': 'write safetensors, then `logah convert ARCH FILE.onnx --parameters FILE.safetensors`',
  '.npz': 'NumPy reads safetensors (safetensors.numpy.load_file)',
  '.h5': 'Keras needs another format',
};

/** The value of `--out`: a safetensors file. Throws InvalidArgumentError for a name that promises something else, or a folder. */
export const outFile = fileOf(['.safetensors'], OTHER_FORMATS);

/** The option `--dtype` of a command that writes parameters. */
export const dtypeOption = (): Option =>
  new Option('--dtype <type>', 'how they are stored').choices(['F32', 'F16', 'BF16']).default('F32');

/** The option `--names` of a command that writes parameters. */
export const namesOption = (): Option =>
  new Option('--names <library>', "whose names a vision transformer's tensors have")
    .choices([...VIT_NAMINGS])
    .default('torchvision');

/** Of a hypernetwork that has no card: its name, and the seed of a last layer that was drawn anew. */
export const originOf = (name: string, headSeed?: number): Record<string, string> => ({
  predicted_by: name,
  ...(headSeed === undefined ? {} : { head: `drawn, seed ${headSeed}` }),
});

/** The metadata of a file of parameters: PyTorch's format, the architecture as it is written, and where the values are from. */
export const parameterMetadata = (
  architecture: string,
  origin: Readonly<Record<string, string>>,
): Record<string, string> => ({ format: 'pt', architecture, ...origin });

/**
 * Writes the parameters of a graph as they come, in the graph's order, and says what was written. The file appears
 * under its name when it is complete. Throws SafetensorsError for a tensor that is missing, misplaced or of another
 * shape.
 */
export async function writeParameters(
  tensors: AsyncIterable<NamedTensor>,
  { architecture, graph, backend, origin, out, dtype, strict, names, json }: ParameterFile,
): Promise<void> {
  const started = performance.now();
  const metadata = parameterMetadata(architecture, origin);
  const extras = extraStates(graph);
  const parts = vitTensors(graph, names);
  const own = graph.parameters.flatMap(({ name }) => parts.get(name) ?? []);
  const written = strict ? [...own, ...extras] : own;
  const shown = inParts(withProgress(tensors, graph), parts);
  const all = strict ? withExtras(shown, extras) : shown;
  const size = await streamSafetensors(out, written, all, { dtype, metadata });
  const seconds = secondsSince(started);
  const parameters = parameterCount(graph);
  const count = written.length;
  if (!strict && extras.length > 0) say(`Note: ${strictNote(extras)}`);
  print(
    json
      ? JSON.stringify({ architecture, parameters, backend, seconds, out, dtype, bytes: size, tensors: count })
      : `${out}: ${counted(parameters, 'parameter')} in ${counted(count, 'tensor')}, ${bytes(size)}, ` +
          `${seconds.toFixed(1)} s on ${backend}`,
  );
}

/** The same values as tensors of other names. */
async function* inParts(
  tensors: AsyncIterable<NamedTensor>,
  parts: ReadonlyMap<string, readonly NamedPart[]>,
): AsyncGenerator<NamedTensor> {
  for await (const tensor of tensors) {
    const own = parts.get(tensor.name);
    // A tensor that the graph has not is for the writer to refuse.
    if (own === undefined) yield tensor;
    else for (const { name, shape, start, end } of own) yield { name, shape, data: tensor.data.subarray(start, end) };
  }
}

/** The option `--strict` of a command that writes parameters. */
export const strictOption = (): Option =>
  new Option(
    '--strict',
    "also writes what PyTorch's strict loading wants beside the parameters: tied heads, running statistics as they start",
  );

/** The same tensors, and those of a state dictionary that are no parameters. */
async function* withExtras(
  tensors: AsyncIterable<NamedTensor>,
  extras: readonly ExtraState[],
): AsyncGenerator<NamedTensor> {
  const tied = new Set(extras.flatMap((extra) => (extra.kind === 'tied' ? [extra.parameter] : [])));
  const kept = new Map<string, Float32Array>();
  for await (const tensor of tensors) {
    // The next tensor may be written into the same memory.
    if (tied.has(tensor.name)) kept.set(tensor.name, tensor.data.slice());
    yield tensor;
  }
  for (const extra of extras) {
    const { name, shape } = extra;
    const data =
      extra.kind === 'tied'
        ? (kept.get(extra.parameter) ?? new Float32Array())
        : new Float32Array(elementCount(shape)).fill(extra.value);
    yield { name, shape, data };
  }
}

function strictNote(extras: readonly ExtraState[]): string {
  const [first] = extras;
  const buffers = extras.filter(({ kind }) => kind === 'buffer').length;
  const what = [
    ...extras.flatMap((extra) => (extra.kind === 'tied' ? [`${extra.name} (tied to ${extra.parameter})`] : [])),
    ...(buffers > 0
      ? [`${counted(buffers, 'running statistic')} such as ${extras.find(({ kind }) => kind === 'buffer')?.name}`]
      : []),
  ].join(' and ');
  return `PyTorch's strict loading also wants ${what}; load with strict=False, or write ${first === undefined || extras.length === 1 ? 'it' : 'them'} with --strict.`;
}

/** The same tensors, counted on standard error. */
export async function* withProgress<T extends NamedTensor>(tensors: AsyncIterable<T>, graph: Graph): AsyncGenerator<T> {
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

/** Seconds since a time of `performance.now()`. */
export const secondsSince = (started: number): number => (performance.now() - started) / 1000;
