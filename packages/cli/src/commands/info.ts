// `logah info`: what is in a file.
import { elementCount, graphFromJson, parameterCount } from '@logah/graph-ir';
import { readSafetensorsHeader } from '@logah/safetensors/node';
import { Command } from 'commander';
import { CliError } from '../errors.js';
import { readTextFile } from '../text-file.js';
import { textTable, thousands } from '../text-table.js';

export const infoCommand = (): Command =>
  new Command('info')
    .description('what is in a file: a hypernetwork or parameters (.safetensors), or a graph (.graph.json)')
    .argument('<file>')
    .option('--json', 'as JSON')
    .action(async (file: string, { json }: { json?: true }) => {
      if (file.endsWith('.safetensors')) await printSafetensors(file, json === true);
      else if (file.endsWith('.json')) await printGraph(file, json === true);
      else throw new CliError(`${file}: known are *.safetensors and *.graph.json files`);
    });

async function printSafetensors(file: string, isJson: boolean): Promise<void> {
  const { metadata, tensors } = await readSafetensorsHeader(file);
  const list = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const values = list.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  if (isJson) {
    console.log(JSON.stringify({ file, values, metadata, tensors: list }));
    return;
  }
  console.log(`${file}: ${thousands(values)} values in ${list.length} tensors`);
  for (const [key, value] of Object.entries(metadata)) console.log(`${key}: ${value}`);
  console.log(
    `\n${textTable(
      ['tensor', 'type', 'shape'],
      list.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`]),
    )}`,
  );
}

async function printGraph(file: string, isJson: boolean): Promise<void> {
  const text = await readTextFile(file);
  const graph = graphFromJson(text, file);
  const operators: Record<string, number> = {};
  for (const { type } of graph.operators) operators[type] = (operators[type] ?? 0) + 1;
  const values = (names: readonly string[]) => names.map((name) => ({ name, ...graph.values[name] }));
  const inputs = values(graph.inputs);
  const outputs = values(graph.outputs);
  if (isJson) {
    console.log(
      JSON.stringify({ file, name: graph.name, inputs, outputs, parameters: parameterCount(graph), operators }),
    );
    return;
  }
  console.log(
    `${file}: ${graph.name}, ${thousands(parameterCount(graph))} parameters in ${graph.parameters.length} tensors`,
  );
  for (const { name, dtype, shape } of inputs) console.log(`input ${name}: ${dtype} [${shape.join(', ')}]`);
  for (const { name, dtype, shape } of outputs) console.log(`output ${name}: ${dtype} [${shape.join(', ')}]`);
  console.log(
    `\n${textTable(
      ['operator', 'count'],
      Object.entries(operators).map(([type, count]) => [type, String(count)]),
    )}`,
  );
}
