// DistilBERT with Hugging Face's names (transformers.DistilBertForMaskedLM, DistilBertForSequenceClassification, DistilBertModel).
import { GraphBuilder, type ValueRef } from '../builder.js';
import type { ActivationFunction, Graph } from '../graph.js';
import type { HuggingFaceBertConfig } from './bert.js';

export interface HuggingFaceDistilbertConfig {
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly mlp: number;
  readonly vocab: number;
  readonly context: number;
  readonly activation: ActivationFunction;
  readonly head: HuggingFaceBertConfig['head'];
}

const EPSILON = 1e-12;

/**
 * The graph of a DistilBERT: token ids int32 `[batch, time]` to logits `[batch, time, vocab]` or `[batch, classes]`, or to features; then names have no
 * "distilbert.". No place is padding. Throws GraphError when sizes do not fit each other.
 */
export function buildHuggingFaceDistilbert(config: HuggingFaceDistilbertConfig): Graph {
  const { layers, heads, hidden, mlp, vocab, context, activation, head } = config;
  const g = new GraphBuilder('distilbert');
  const prefix = head.type === 'none' ? '' : 'distilbert.';
  const block = (input: ValueRef, name: string): ValueRef => {
    const project = (role: string): ValueRef => g.linear(input, `${name}.attention.${role}_lin`, { out: hidden });
    const attended = g.groupedAttention([project('q'), project('k'), project('v')], `${name}.attention`, {
      heads,
      keyValueHeads: heads,
      causal: false,
    });
    const mixed = g.linear(attended, `${name}.attention.out_lin`, { out: hidden });
    const x = g.layerNorm(g.add(mixed, input), `${name}.sa_layer_norm`, EPSILON);
    const inner = g.activation(g.linear(x, `${name}.ffn.lin1`, { out: mlp }), activation);
    return g.layerNorm(
      g.add(g.linear(inner, `${name}.ffn.lin2`, { out: hidden }), x),
      `${name}.output_layer_norm`,
      EPSILON,
    );
  };
  const ids = g.input('input_ids', ['batch', 'time'], 'int32');
  const embeddings = `${prefix}embeddings`;
  const placed = g.add(
    g.embedding(ids, `${embeddings}.word_embeddings`, vocab, hidden),
    g.embedding(g.positions(ids), `${embeddings}.position_embeddings`, context, hidden),
  );
  let x = g.layerNorm(placed, `${embeddings}.LayerNorm`, EPSILON);
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}transformer.layer.${i}`);
  switch (head.type) {
    case 'none':
      return g.build([x]);
    case 'classes': {
      const pooled = g.activation(g.linear(g.select(x, 1, 0), 'pre_classifier', { out: hidden }), 'relu');
      return g.build([g.linear(pooled, 'classifier', { out: head.classes })]);
    }
    case 'masked-tokens': {
      const transformed = g.activation(g.linear(x, 'vocab_transform', { out: hidden }), activation);
      const weight = head.isTied ? `${embeddings}.word_embeddings.weight` : 'vocab_projector.weight';
      return g.build([
        g.linear(g.layerNorm(transformed, 'vocab_layer_norm', EPSILON), 'vocab_projector', { out: vocab, weight }),
      ]);
    }
  }
}
