// The JSON for Model Explorer: a graph collection whose edges lead somewhere, with every operator in its layer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toModelExplorer } from '../src/draw.js';
import { buildArchitecture, parseArchitecture } from '../src/index.js';
import { anyGraph } from './random-graph.js';

interface Node {
  id: string;
  label: string;
  namespace: string;
  attrs: Array<{ key: string; value: string }>;
  incomingEdges: Array<{ sourceNodeId: string; sourceNodeOutputId: string; targetNodeInputId: string }>;
  inputsMetadata: Array<{ id: string; attrs: Array<{ key: string; value: string }> }>;
  outputsMetadata: Node['inputsMetadata'];
}

interface Collection {
  label: string;
  graphs: Array<{ id: string; nodes: Node[] }>;
}

describe('Model Explorer gets', () => {
  it('nodes with ids of their own, and edges from results that are there, of any graph', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const { label, graphs }: Collection = JSON.parse(toModelExplorer(graph));
        expect([label, graphs.length]).toEqual(['any', 1]);
        const [{ nodes }] = graphs;
        const byId = new Map(nodes.map((node) => [node.id, node]));
        expect(byId.size).toBe(graph.operators.length + graph.inputs.length + graph.outputs.length);
        const reads = graph.operators.reduce((sum, { inputs }) => sum + inputs.length, graph.outputs.length);
        expect(nodes.reduce((sum, { incomingEdges }) => sum + incomingEdges.length, 0)).toBe(reads);
        for (const { incomingEdges, inputsMetadata } of nodes)
          for (const edge of incomingEdges) {
            const source = byId
              .get(edge.sourceNodeId)
              ?.outputsMetadata.find(({ id }) => id === edge.sourceNodeOutputId);
            const target = inputsMetadata.find(({ id }) => id === edge.targetNodeInputId);
            // Both ends call the tensor the same.
            expect(source?.attrs).toEqual(target?.attrs);
          }
      }),
    );
  });

  it('layers as namespaces, also of operators whose names have none', () => {
    const graph = buildArchitecture(parseArchitecture('vit:layers=2,heads=2,hidden=16,mlp=32,patch=8'));
    const { graphs }: Collection = JSON.parse(toModelExplorer(graph));
    const [{ nodes }] = graphs;
    const head = nodes.find(({ id }) => id === 'heads.head');
    expect(head).toMatchObject({
      label: 'linear',
      namespace: 'heads',
      attrs: [
        { key: 'layout', value: 'out_in' },
        { key: 'weight', value: 'heads.head.weight float32[10,16]' },
        { key: 'bias', value: 'heads.head.bias float32[10]' },
      ],
      outputsMetadata: [
        {
          id: '0',
          attrs: [
            { key: '__tensor_tag', value: 'heads.head' },
            { key: 'tensor_shape', value: 'float32[batch,10]' },
          ],
        },
      ],
    });
    const gelus = nodes.filter(({ label }) => label === 'gelu').map(({ namespace }) => namespace);
    expect(gelus).toEqual([0, 1].map((layer) => `encoder/layers/encoder_layer_${layer}/mlp`));
  });
});
