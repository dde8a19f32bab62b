// `logah convert`: a network, or parameters, from one format to another.
import { basename, dirname, resolve } from 'node:path';
import { writeFile } from '@logah/files/node';
import { elementCount, type Graph, graphToJson } from '@logah/graph-ir';
import { checkpointValues, withStatisticsOf } from '@logah/graph-ir/huggingface';
import { graphToOnnx, MOST_INLINE_BYTES } from '@logah/graph-ir/onnx';
import { isTensorFileName, openTensorFile } from '@logah/pytorch-files/node';
import { readSafetensorsHeader } from '@logah/safetensors/node';
import { Command } from 'commander';
import {
  ARCHITECTURE_HELP,
  constantOption,
  type OpenedArchitecture,
  openArchitecture,
  refuseNetworkOptions,
  sizeOption,
} from '../architecture-argument.js';
import {
  assumeOption,
  type CheckpointOptions,
  emaOption,
  readingOptions,
  TENSOR_FILE_HELP,
} from '../checkpoint-options.js';
import { convertTensors } from '../convert-tensors.js';
import { CliError } from '../errors.js';
import { print } from '../print.js';
import { bytes } from '../text-table.js';

interface ConvertOptions extends CheckpointOptions {
  readonly parameters?: string;
  readonly external?: true;
  readonly size?: Readonly<Record<string, number>>;
  readonly constant?: Readonly<Record<string, number>>;
}

export const convertCommand = (): Command =>
  new Command('convert')
    .description(
      'writes a network as our own graph (.graph.json) or, with its parameters, as ONNX (.onnx); ' +
        'a file of parameters or a hypernetwork as safetensors',
    )
    .argument('<in>', `a file of parameters (${TENSOR_FILE_HELP}), or ${ARCHITECTURE_HELP}`)
    .argument('<out>', 'a *.graph.json, *.onnx or *.safetensors file')
    .option(
      '--parameters <file>',
      `the file (${TENSOR_FILE_HELP}) that an ONNX model takes its parameters from, not the model's own`,
    )
    .option(
      '--external',
      'leave parameters in that safetensors file, beside the ONNX model; done anyway for more than 2 GiB',
    )
    .addOption(sizeOption())
    .addOption(constantOption())
    .addOption(emaOption())
    .addOption(assumeOption())
    .action(async (input: string, output: string, options: ConvertOptions) => {
      if (isTensorFileName(input)) {
        if (!output.endsWith('.safetensors'))
          throw new CliError(`${output}: parameters are written as *.safetensors, which PyTorch reads, too`);
        refuseNetworkOptions(input, options);
        await convertTensors(input, output, readingOptions(options));
        print(`Wrote ${output}.`);
        return;
      }
      const network = await openArchitecture(input, options.size, options.constant);
      try {
        if (output.endsWith('.graph.json')) await writeFile(output, graphToJson(network.graph));
        else if (output.endsWith('.onnx')) await writeFile(output, await onnxModel(network, output, options));
        else throw new CliError(`${output}: known are *.graph.json and *.onnx files`);
      } finally {
        network.close();
      }
      print(`Wrote ${output}.`);
    });

/** Batch norms have the statistics that the file of their parameters has; where it has none, as what is predicted has, those of the batch. */
async function onnxModel(
  { graph, values }: OpenedArchitecture,
  output: string,
  options: ConvertOptions,
): Promise<Uint8Array> {
  const { parameters, external } = options;
  if (parameters === undefined) {
    if (values === undefined)
      throw new CliError(
        'an ONNX model has parameters: name a safetensors file with --parameters, such as logah predict writes',
      );
    checkSize(graph, output);
    return graphToOnnx(graph, { values: new Map(graph.parameters.map(({ name }) => [name, values(name)])) });
  }
  const { weights, onNote } = readingOptions(options);
  const file = await openTensorFile(parameters, { weights });
  try {
    const network = withStatisticsOf(graph, file.tensors, parameters);
    if (external || sizeOf(network) > MOST_INLINE_BYTES) return await externalModel(network, output, parameters);
    file.notes.forEach(onNote);
    return graphToOnnx(network, { values: await checkpointValues(network, file, parameters) });
  } finally {
    await file.close();
  }
}

/** A model that reads its parameters from the safetensors file itself. */
async function externalModel(graph: Graph, output: string, parameters: string): Promise<Uint8Array> {
  if (!parameters.endsWith('.safetensors'))
    throw new CliError(
      `${parameters}: parameters can be left in a safetensors file only; ` +
        `logah convert ${parameters} FILE.safetensors makes one`,
    );
  if (resolve(dirname(parameters)) !== resolve(dirname(output)))
    throw new CliError(
      `${output}: ONNX models read parameters from their own folder only; put ${parameters} there first`,
    );
  const { dataOffset, tensors } = await readSafetensorsHeader(parameters);
  const offsets = new Map<string, number>();
  for (const { name, shape } of graph.parameters) {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== 'F32' || elementCount(tensor.shape) !== elementCount(shape))
      throw new CliError(
        `${parameters}: "${name}" should be F32 [${shape.join(', ')}], ${tensor ? `got ${tensor.dtype} [${tensor.shape.join(', ')}]` : 'but is missing'}`,
      );
    offsets.set(name, dataOffset + tensor.begin);
  }
  return graphToOnnx(graph, { externalFile: basename(parameters), offsets });
}

const sizeOf = (graph: Graph): number => graph.parameters.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);

function checkSize(graph: Graph, output: string): void {
  const size = sizeOf(graph);
  if (size > MOST_INLINE_BYTES)
    throw new CliError(`${output}: ${bytes(size)} of parameters are more than one ONNX file holds (2 GiB)`);
}
