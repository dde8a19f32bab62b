// `logah convert`: a network from one format to another.
import { elementCount, type Graph, graphToJson } from '@logah/graph-ir';
import { graphToOnnx, MOST_INLINE_BYTES } from '@logah/graph-ir/onnx';
import { readSafetensors, writeFileAtomically } from '@logah/safetensors/node';
import { Command } from 'commander';
import { ARCHITECTURE_HELP, readArchitecture, sizeOption } from '../architecture-argument.js';
import { CliError } from '../errors.js';
import { bytes } from '../text-table.js';

interface ConvertOptions {
  readonly parameters?: string;
  readonly size?: Readonly<Record<string, number>>;
}

export const convertCommand = (): Command =>
  new Command('convert')
    .description('writes a network as our own graph (.graph.json) or, with its parameters, as ONNX (.onnx)')
    .argument('<in>', ARCHITECTURE_HELP)
    .argument('<out>', 'a *.graph.json or *.onnx file')
    .option('--parameters <file>', 'the safetensors file that an ONNX model takes its parameters from')
    .addOption(sizeOption())
    .action(async (input: string, output: string, { parameters, size }: ConvertOptions) => {
      const graph = await readArchitecture(input, size);
      if (output.endsWith('.graph.json')) await writeFileAtomically(output, graphToJson(graph));
      else if (!output.endsWith('.onnx')) throw new CliError(`${output}: known are *.graph.json and *.onnx files`);
      else if (parameters === undefined)
        throw new CliError(
          'an ONNX model has parameters: name a safetensors file with --parameters, such as logah predict writes',
        );
      else await writeOnnx(graph, output, parameters);
      console.log(`Wrote ${output}.`);
    });

async function writeOnnx(graph: Graph, output: string, file: string): Promise<void> {
  const size = graph.parameters.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
  if (size > MOST_INLINE_BYTES)
    throw new CliError(`${output}: ${bytes(size)} of parameters are more than one ONNX file holds (2 GiB)`);
  const { tensors } = await readSafetensors(file);
  const values = new Map([...tensors].map(([name, { data }]) => [name, data]));
  await writeFileAtomically(output, graphToOnnx(graph, { values }));
}
