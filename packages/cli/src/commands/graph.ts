// `logah graph`: an architecture's graph, as the hypernetwork reads it.

import { writeFile } from '@logah/files/node';
import {
  ARCHITECTURE_PRESETS,
  buildArchitecture,
  type ComputationalGraph,
  formatArchitecture,
  type Graph,
  type NodeType,
  parameterCount,
  summarizeComputationalGraph,
  toComputationalGraph,
} from '@logah/graph-ir';
import { drawComputationalGraph, drawGraph, fold, heatMap, toDot, toMermaid, toSvg } from '@logah/graph-ir/draw';
import { Command } from 'commander';
import { ARCHITECTURE_HELP, readArchitecture, sizeOption } from '../architecture-argument.js';
import { referenceOption } from '../checkpoint-options.js';
import { print, say } from '../print.js';
import { textTable, thousands } from '../text-table.js';

interface GraphOptions {
  readonly list?: true;
  readonly json?: true;
  readonly svg?: string;
  readonly dot?: string;
  readonly mermaid?: string;
  readonly heatmap?: string;
  readonly full?: true;
  readonly reference?: true;
  readonly size?: Readonly<Record<string, number>>;
}

export const graphCommand = (): Command =>
  new Command('graph')
    .description('the computational graph of an architecture: what a hypernetwork reads of it')
    .argument('[arch]', ARCHITECTURE_HELP)
    .option('--list', 'all presets with their sizes instead')
    .option('--json', 'nodes, edges and a summary of all distances as JSON')
    .option('--svg <file>', 'draw it, repeated blocks once')
    .option('--dot <file>', 'the same for Graphviz')
    .option('--mermaid <file>', 'the same for Markdown')
    .option('--heatmap <file>', 'draw the matrix of distances as SVG')
    .option('--full', 'draw the network with all its operators instead')
    .addOption(referenceOption())
    .addOption(sizeOption())
    .action(async (architecture: string | undefined, options: GraphOptions, command: Command) => {
      if (options.list) {
        print(options.json ? JSON.stringify(ARCHITECTURE_PRESETS) : presetTable());
        return;
      }
      if (architecture === undefined) command.error("error: missing required argument 'arch'");
      const graph = await readArchitecture(architecture, options.size);
      const computational = toComputationalGraph(graph, { reference: options.reference === true });
      await draw(graph, computational, options);
      const summary = summarizeComputationalGraph(computational);
      if (options.json) {
        print(JSON.stringify(summary));
        return;
      }
      const counts = new Map<NodeType, number>();
      for (const { op } of summary.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
      print(
        [
          `${graph.name}: ${thousands(parameterCount(graph))} parameters in ${graph.parameters.length} tensors`,
          `computational graph: ${summary.nodes.length} nodes, ${summary.edges.length} edges, ${thousands(summary.virtualEdges)} virtual edges, longest path ${summary.maxDistance}`,
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

/** Writes the pictures that were asked for. */
async function draw(graph: Graph, computational: ComputationalGraph, options: GraphOptions): Promise<void> {
  const drawing = fold(options.full ? drawGraph(graph) : drawComputationalGraph(computational, graph.name));
  for (const [file, write] of [
    [options.svg, () => toSvg(drawing)],
    [options.dot, () => toDot(drawing)],
    [options.mermaid, () => toMermaid(drawing)],
    [options.heatmap, () => heatMap(computational, graph.name)],
  ] as const) {
    if (file === undefined) continue;
    await writeFile(file, write());
    say(`Wrote ${file}.`);
  }
}
