// `logah graph`: an architecture's graph, as the hypernetwork reads it.
import { type NodeType, parameterCount, summarizeComputationalGraph, toComputationalGraph } from '@logah/graph-ir';
import { Command, Option } from 'commander';
import { ARCHITECTURE_HELP, readArchitecture } from '../architecture-argument.js';
import { textTable, thousands } from '../text-table.js';

interface GraphOptions {
  readonly json?: true;
  readonly head: 'after-norm' | 'on-input';
}

/** Where a language model's head hangs; for checkpoints of LoGAH's authors. */
export const headOption = (): Option =>
  new Option('--head <wiring>', "an untied language-model head: right, or as LoGAH's authors wired it")
    .choices(['after-norm', 'on-input'])
    .default('after-norm');

export const graphCommand = (): Command =>
  new Command('graph')
    .description('the computational graph of an architecture')
    .argument('<arch>', ARCHITECTURE_HELP)
    .option('--json', 'nodes, edges and a summary of all distances as JSON')
    .addOption(headOption())
    .action(async (architecture: string, { json, head }: GraphOptions) => {
      const graph = await readArchitecture(architecture);
      const summary = summarizeComputationalGraph(toComputationalGraph(graph, { languageModelHead: head }));
      if (json) {
        console.log(JSON.stringify(summary));
        return;
      }
      const counts = new Map<NodeType, number>();
      for (const { op } of summary.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
      console.log(
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
