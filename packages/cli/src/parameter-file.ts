// A network's parameters on their way to a safetensors file: progress, the file, and what is said in the end.
import { type Graph, parameterCount } from '@logah/graph-ir';
import type { FloatDType, FloatTensor } from '@logah/safetensors';
import { streamSafetensors } from '@logah/safetensors/node';
import { Option } from 'commander';
import type { BackendName } from './backend.js';
import { showProgress } from './progress.js';
import { bytes, thousands } from './text-table.js';

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
  /** Whether the result is said as JSON. */
  readonly json: true | undefined;
}

/** The option `--dtype` of a command that writes parameters. */
export const dtypeOption = (): Option =>
  new Option('--dtype <type>', 'how they are stored').choices(['F32', 'F16', 'BF16']).default('F32');

/**
 * Writes the parameters of a graph as they come, in the graph's order, and says what was written. The file appears
 * under its name when it is complete. Throws SafetensorsError for a tensor that is missing, misplaced or of another
 * shape.
 */
export async function writeParameters(
  tensors: AsyncIterable<NamedTensor>,
  { architecture, graph, backend, origin, out, dtype, json }: ParameterFile,
): Promise<void> {
  const started = performance.now();
  const metadata = { format: 'pt', architecture, ...origin };
  const size = await streamSafetensors(out, graph.parameters, withProgress(tensors, graph), { dtype, metadata });
  const seconds = secondsSince(started);
  const parameters = parameterCount(graph);
  const count = graph.parameters.length;
  console.log(
    json
      ? JSON.stringify({ architecture, parameters, backend, seconds, out, dtype, bytes: size, tensors: count })
      : `${out}: ${thousands(parameters)} parameters in ${count} tensors, ${bytes(size)}, ` +
          `${seconds.toFixed(1)} s on ${backend}`,
  );
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
