// The values of a network's parameters, from the network's own file or from one of parameters, each read when it is asked for.
import type { Graph, Parameter } from '@logah/graph-ir';
import { checkpointValues, withStatisticsOf } from '@logah/graph-ir/huggingface';
import { openTensorFile } from '@logah/pytorch-files/node';
import { openArchitecture } from './architecture-argument.js';
import { type CheckpointOptions, readingOptions } from './checkpoint-options.js';

export interface OpenedNetwork {
  readonly graph: Graph;
  /** Undefined where the network is only described. */
  readonly values: ((parameter: Parameter) => Promise<Float32Array>) | undefined;
  readonly close: () => Promise<void>;
}

export interface NetworkOptions extends Pick<CheckpointOptions, 'ema'> {
  readonly size?: Readonly<Record<string, number>>;
  readonly constant?: Readonly<Record<string, number>>;
}

/**
 * The network of an `<arch>` argument and the values of its parameters: those of the file `parameters`, else its own.
 * Throws CliError, GraphError, SafetensorsError or PytorchFileError for what cannot be read.
 */
export async function openNetwork(
  architecture: string,
  parameters: string | undefined,
  options: NetworkOptions,
): Promise<OpenedNetwork> {
  const { graph, values: own, close } = await openArchitecture(architecture, options.size, options.constant);
  if (parameters === undefined)
    return { graph, values: own && (async ({ name }) => own(name)), close: async () => close() };
  close();
  const { weights, onNote } = readingOptions(options);
  const file = await openTensorFile(parameters, { weights });
  file.notes.forEach(onNote);
  try {
    const network = withStatisticsOf(graph, file.tensors, parameters);
    return {
      graph: network,
      // One parameter of a network is a network to this, and one tensor is in memory at a time.
      values: async (parameter) => {
        const alone = { ...network, operators: [], parameters: [parameter] };
        return (await checkpointValues(alone, file, parameters)).get(parameter.name) ?? new Float32Array();
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
