// `logah diff`: what differs between two networks.
import { writeFile } from '@logah/files/node';
import type { Parameter } from '@logah/graph-ir';
import {
  diffGraphs,
  drawDifference,
  type GraphDifference,
  isEmptyDifference,
  valueDifference,
} from '@logah/graph-ir/diff';
import { fold, toSvg } from '@logah/graph-ir/draw';
import { graphPage } from '@logah/graph-ir/page';
import { isTensorFileName, openTensorFile } from '@logah/pytorch-files/node';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ARCHITECTURE_HELP, constantOption, refuseNetworkOptions, sizeOption } from '../architecture-argument.js';
import { emaOption, readingOptions, TENSOR_FILE_HELP } from '../checkpoint-options.js';
import { differenceText, type ParameterValues } from '../difference-text.js';
import { CliError } from '../errors.js';
import { numberOption } from '../options.js';
import { type NetworkOptions, type OpenedNetwork, openNetwork } from '../parameter-values.js';
import { print, say } from '../print.js';

interface DiffOptions extends NetworkOptions {
  readonly parametersA?: string;
  readonly parametersB?: string;
  readonly tolerance: number;
  readonly out?: string;
  readonly json?: true;
}

/** As `diff` has it, so that scripts can tell a difference from a failure. */
const EXIT_CODES = { same: 0, different: 1, failed: 2 };

export const diffCommand = (): Command =>
  new Command('diff')
    .description(
      'what differs between two networks: operators, shapes, parameters, and values where both have them. ' +
        'Ends with 0 where nothing differs, 1 where something does, 2 where they cannot be compared',
    )
    .argument('<a>', `two files of parameters (${TENSOR_FILE_HELP}), or twice ${ARCHITECTURE_HELP}`)
    .argument('<b>', 'the other one')
    .option('--parameters-a <file>', `a file of parameters (${TENSOR_FILE_HELP}) that has A's values`)
    .option('--parameters-b <file>', "one that has B's")
    .addOption(numberOption('--tolerance <number>', 'differences of values up to it are none', { from: 0, to: 1e9 }, 0))
    .addOption(new Option('--out <file>', 'draw B with what differs in colours').argParser(pictureFile))
    .addOption(sizeOption())
    .addOption(constantOption())
    .addOption(emaOption())
    .option('--json', 'as JSON')
    .action(async (a: string, b: string, options: DiffOptions) => {
      // What is thrown from here on ends with this code.
      process.exitCode = EXIT_CODES.failed;
      const isSame = await diff(a, b, options);
      process.exitCode = isSame ? EXIT_CODES.same : EXIT_CODES.different;
    });

function pictureFile(path: string): string {
  if (/\.(svg|html)$/.test(path)) return path;
  throw new InvalidArgumentError('A *.svg or *.html file was wanted.');
}

async function diff(nameA: string, nameB: string, options: DiffOptions): Promise<boolean> {
  const [isTensorsA, isTensorsB] = [nameA, nameB].map(isTensorFileName);
  if (isTensorsA !== isTensorsB) {
    const [file, network] = isTensorsA ? [nameA, nameB] : [nameB, nameA];
    throw new CliError(
      `${file} has parameters and ${network} is a network: \`logah info ${network} --checkpoint ${file}\` compares those`,
    );
  }
  const a = isTensorsA ? await openTensors(nameA, options) : await openNetwork(nameA, options.parametersA, options);
  try {
    const b = isTensorsB ? await openTensors(nameB, options) : await openNetwork(nameB, options.parametersB, options);
    try {
      return await report(a, b, options);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

/** Parameters alone, as a network without operators. */
async function openTensors(path: string, options: DiffOptions): Promise<OpenedNetwork> {
  if (options.parametersA !== undefined || options.parametersB !== undefined)
    throw new CliError(`${path}: it has its own values; --parameters-a and --parameters-b are for networks`);
  refuseNetworkOptions(path, options);
  const { weights, onNote } = readingOptions(options);
  const file = await openTensorFile(path, { weights });
  file.notes.forEach(onNote);
  const parameters = [...file.tensors].map(([name, { shape }]): Parameter => ({ name, shape, layout: 'as_it_is' }));
  return {
    graph: { name: path, inputs: [], outputs: [], operators: [], values: {}, parameters },
    values: async ({ name }) => (await file.read(name)).data,
    close: () => file.close(),
  };
}

async function report(a: OpenedNetwork, b: OpenedNetwork, { tolerance, out, json }: DiffOptions): Promise<boolean> {
  const difference = diffGraphs(a.graph, b.graph);
  const values = await differentValues(a, b, difference, tolerance);
  if (out !== undefined) {
    const others = new Set(values?.map(({ name, inB = name }) => inB));
    const drawing = drawDifference(a.graph, b.graph, difference, (name) => others.has(name));
    await writeFile(out, out.endsWith('.html') ? graphPage(drawing) : toSvg(fold(drawing)));
    say(`Wrote ${out}.`);
  }
  const isSame = isEmptyDifference(difference) && (values ?? []).length === 0;
  print(
    json
      ? JSON.stringify(
          { a: a.graph.name, b: b.graph.name, same: isSame, ...difference, values: values ?? null },
          spelled,
        )
      : differenceText(a.graph, b.graph, difference, values),
  );
  return isSame;
}

/** JSON has no words for numbers that are not finite. */
const spelled = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/** The parameters of both whose values differ; undefined where one of the networks has no values. */
async function differentValues(
  a: OpenedNetwork,
  b: OpenedNetwork,
  { parameters }: GraphDifference,
  tolerance: number,
): Promise<ParameterValues[] | undefined> {
  if (a.values === undefined || b.values === undefined) return undefined;
  const different: ParameterValues[] = [];
  for (const pair of [...parameters.same, ...parameters.renamed]) {
    const found = valueDifference(await a.values(pair.a), await b.values(pair.b));
    if (found.maxAbsolute <= tolerance) continue;
    different.push({ name: pair.a.name, ...(pair.a.name === pair.b.name ? {} : { inB: pair.b.name }), ...found });
  }
  return different;
}
