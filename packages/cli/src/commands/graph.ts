// `logah graph`: an architecture's graph, as the hypernetwork reads it.

import { counted } from '@logah/files';
import { writeFile } from '@logah/files/node';
import {
  ARCHITECTURE_PRESETS,
  buildArchitecture,
  formatArchitecture,
  type Graph,
  type NodeType,
  parameterCount,
  summarizeComputationalGraph,
  toComputationalGraph,
  withBatchStatistics,
} from '@logah/graph-ir';
import {
  drawComputationalGraph,
  drawGraph,
  type FoldedDrawing,
  fold,
  heatMap,
  toDot,
  toMermaid,
  toModelExplorer,
  toSvg,
} from '@logah/graph-ir/draw';
import { graphPage, type ValueStatistics, valueStatistics } from '@logah/graph-ir/page';
import { Command, Option } from 'commander';
import { ARCHITECTURE_HELP, constantOption, sizeOption } from '../architecture-argument.js';
import { emaOption, referenceOption, TENSOR_FILE_HELP } from '../checkpoint-options.js';
import { CliError } from '../errors.js';
import { fileOf } from '../named-file.js';
import { type NetworkOptions, type OpenedNetwork, openNetwork } from '../parameter-values.js';
import { print, say } from '../print.js';
import { textTable, thousands } from '../text-table.js';

interface GraphOptions extends NetworkOptions {
  readonly list?: true;
  readonly json?: true;
  readonly svg?: string;
  readonly dot?: string;
  readonly mermaid?: string;
  readonly heatmap?: string;
  readonly full?: true;
  readonly reference?: true;
  readonly out?: string;
  readonly modelExplorer?: string;
  readonly parameters?: string;
}

export const graphCommand = (): Command =>
  new Command('graph')
    .description('the computational graph of an architecture: what a hypernetwork reads of it')
    .argument('[arch]', ARCHITECTURE_HELP)
    .option('--list', 'all presets with their sizes instead')
    .option('--json', 'nodes, edges and a summary of all distances as JSON')
    .addOption(new Option('--svg <file>', 'draw it, repeated blocks once').argParser(fileOf(['.svg'])))
    .addOption(new Option('--dot <file>', 'the same for Graphviz').argParser(fileOf(['.dot', '.gv'])))
    .addOption(new Option('--mermaid <file>', 'the same for Markdown').argParser(fileOf(['.mmd', '.mermaid', '.md'])))
    .addOption(new Option('--heatmap <file>', 'draw the matrix of distances as SVG').argParser(fileOf(['.svg'])))
    .option('--full', 'draw the network with all its operators instead')
    .addOption(
      new Option(
        '--out <file>',
        'a page (*.html) that shows the network with all its operators: searched, zoomed, opened block by block',
      ).argParser(fileOf(['.html'], { '.svg': '--svg draws a picture' })),
    )
    .addOption(
      new Option(
        '--model-explorer <file>',
        "the network with all its operators as JSON for Google's Model Explorer",
      ).argParser(fileOf(['.json'])),
    )
    .option(
      '--parameters <file>',
      `a file of parameters (${TENSOR_FILE_HELP}) whose statistics the page shows, not the model's own`,
    )
    .addOption(referenceOption())
    .addOption(sizeOption())
    .addOption(constantOption())
    .addOption(emaOption())
    .action(async (architecture: string | undefined, options: GraphOptions, command: Command) => {
      if (options.list) {
        print(options.json ? JSON.stringify(ARCHITECTURE_PRESETS) : presetTable());
        return;
      }
      if (architecture === undefined) command.error("error: missing required argument 'arch'");
      if (options.parameters !== undefined && options.out === undefined)
        throw new CliError('--parameters is for the page of --out FILE.html');
      const network = await openNetwork(architecture, options.parameters, options);
      const { graph: opened } = network;
      const graph = withBatchStatistics(opened);
      try {
        await drawNetwork(network, options);
      } finally {
        await network.close();
      }
      const { full, out, modelExplorer, json, heatmap } = options;
      if ((full || out || modelExplorer) && !json && heatmap === undefined) {
        if (full) await draw(fold(drawGraph(graph)), options);
        print(`${networkText(graph)}, ${counted(graph.operators.length, 'operator')}`);
        return;
      }
      const computational = toComputationalGraph(graph, { reference: options.reference === true });
      await draw(fold(full ? drawGraph(graph) : drawComputationalGraph(computational, graph.name)), options);
      if (heatmap !== undefined) await write(heatmap, heatMap(computational, graph.name));
      const summary = summarizeComputationalGraph(computational);
      if (json) {
        print(JSON.stringify(summary));
        return;
      }
      const counts = new Map<NodeType, number>();
      for (const { op } of summary.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
      print(
        [
          networkText(graph),
          `computational graph: ${counted(summary.nodes.length, 'node')}, ${counted(summary.edges.length, 'edge')}, ${counted(summary.virtualEdges, 'virtual edge')} (paths of 2 to ${computational.cutoff} edges), largest distance between two nodes ${summary.maxDistance}`,
          '',
          textTable(
            ['node type', 'nodes'],
            [...counts].sort(([, a], [, b]) => b - a).map(([type, count]) => [type, String(count)]),
          ),
        ].join('\n'),
      );
    });

/** Every preset: what it is short for, and its parameters. */
const presetTable = (): string =>
  textTable(
    ['preset', 'sizes', 'parameters'],
    Object.entries(ARCHITECTURE_PRESETS).map(([name, architecture]) => [
      name,
      formatArchitecture(architecture),
      thousands(parameterCount(buildArchitecture(architecture))),
    ]),
  );

const networkText = (graph: Graph): string =>
  `${graph.name}: ${counted(parameterCount(graph), 'parameter')} in ${counted(graph.parameters.length, 'tensor')}`;

/** Writes the pictures that were asked for. */
async function draw(drawing: FoldedDrawing, { svg, dot, mermaid }: GraphOptions): Promise<void> {
  if (svg !== undefined) await write(svg, toSvg(drawing));
  if (dot !== undefined) await write(dot, toDot(drawing));
  if (mermaid !== undefined) await write(mermaid, toMermaid(drawing));
}

/** Writes what shows the network with all its operators: the page and the JSON for Model Explorer. */
async function drawNetwork(network: OpenedNetwork, { out, modelExplorer }: GraphOptions): Promise<void> {
  if (out !== undefined)
    await write(out, graphPage(drawGraph(network.graph), { statistics: await statisticsOf(network) }));
  if (modelExplorer !== undefined) await write(modelExplorer, toModelExplorer(network.graph));
}

/** Of every parameter's values, where there are values. */
async function statisticsOf({ graph, values }: OpenedNetwork): Promise<Map<string, ValueStatistics>> {
  const statistics = new Map<string, ValueStatistics>();
  if (values !== undefined)
    for (const parameter of graph.parameters) statistics.set(parameter.name, valueStatistics(await values(parameter)));
  return statistics;
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  say(`Wrote ${file}.`);
}
