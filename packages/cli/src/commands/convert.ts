// `logah convert`: a network from one format to another.
import { basename, dirname, resolve } from 'node:path';
import { elementCount, type Graph, graphToJson, withBatchStatistics } from '@logah/graph-ir';
import { graphToOnnx, MOST_INLINE_BYTES } from '@logah/graph-ir/onnx';
import { readSafetensors, readSafetensorsHeader, writeFileAtomically } from '@logah/safetensors/node';
import { Command } from 'commander';
import { ARCHITECTURE_HELP, type OpenedArchitecture, openArchitecture, sizeOption } from '../architecture-argument.js';
import { CliError } from '../errors.js';
import { bytes } from '../text-table.js';

interface ConvertOptions {
  readonly parameters?: string;
  readonly external?: true;
  readonly size?: Readonly<Record<string, number>>;
}

export const convertCommand = (): Command =>
  new Command('convert')
    .description('writes a network as our own graph (.graph.json) or, with its parameters, as ONNX (.onnx)')
    .argument('<in>', ARCHITECTURE_HELP)
    .argument('<out>', 'a *.graph.json or *.onnx file')
    .option(
      '--parameters <file>',
      "the safetensors file that an ONNX model takes its parameters from, not the model's own",
    )
    .option('--external', 'leave parameters in that file, beside the ONNX model; done anyway for more than 2 GiB')
    .addOption(sizeOption())
    .action(async (input: string, output: string, options: ConvertOptions) => {
      const network = await openArchitecture(input, options.size);
      try {
        if (output.endsWith('.graph.json')) await writeFileAtomically(output, graphToJson(network.graph));
        else if (output.endsWith('.onnx')) await writeFileAtomically(output, await onnxModel(network, output, options));
        else throw new CliError(`${output}: known are *.graph.json and *.onnx files`);
      } finally {
        network.close();
      }
      console.log(`Wrote ${output}.`);
    });

/** Statistics that batch norms have gathered belong to parameters of the same file: with others they are left out. */
async function onnxModel(
  { graph, values }: OpenedArchitecture,
  output: string,
  { parameters, external }: ConvertOptions,
): Promise<Uint8Array> {
  if (parameters === undefined) {
    if (values === undefined)
      throw new CliError(
        'an ONNX model has parameters: name a safetensors file with --parameters, such as logah predict writes',
      );
    checkSize(graph, output);
    return graphToOnnx(graph, { values: new Map(graph.parameters.map(({ name }) => [name, values(name)])) });
  }
  const network = withBatchStatistics(graph);
  if (external || sizeOf(network) > MOST_INLINE_BYTES) return externalModel(network, output, parameters);
  const { tensors } = await readSafetensors(parameters);
  return graphToOnnx(network, { values: new Map([...tensors].map(([name, { data }]) => [name, data])) });
}

/** A model that reads its parameters from the safetensors file itself. */
async function externalModel(graph: Graph, output: string, parameters: string): Promise<Uint8Array> {
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
