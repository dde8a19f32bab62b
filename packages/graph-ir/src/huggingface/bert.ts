// BERT with Hugging Face's names (transformers.BertForMaskedLM, BertForSequenceClassification).

import { GraphBuilder, type ValueRef } from '../builder.js';
import type { ActivationFunction, Graph } from '../graph.js';

export interface HuggingFaceBertConfig {
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly mlp: number;
  readonly vocab: number;
  readonly context: number;
  readonly types: number;
  readonly activation: ActivationFunction;
  readonly epsilon: number;
  /** Tokens for masked places, classes of the whole text, or features and those of the whole text; then names have no "bert.". */
  readonly head:
    | { readonly type: 'masked-tokens'; readonly isTied: boolean }
    | { readonly type: 'classes'; readonly classes: number }
    | { readonly type: 'none' };
}

/**
 * The graph of a BERT: token ids and token types, int32 `[batch, time]`, to logits `[batch, time, vocab]` or `[batch, classes]`. No place is padding.
 * Throws GraphError when sizes do not fit each other.
 */
export function buildHuggingFaceBert(config: HuggingFaceBertConfig): Graph {
  const { hidden, vocab, activation, epsilon, head } = config;
  const g = new GraphBuilder('bert');
  const prefix = head.type === 'none' ? '' : 'bert.';
  const x = bertEncoder(g, config, prefix);
  if (head.type === 'masked-tokens') {
    const transform = 'cls.predictions.transform';
    const transformed = g.activation(g.linear(x, `${transform}.dense`, { out: hidden }), activation);
    const weight = head.isTied ? `${prefix}embeddings.word_embeddings.weight` : 'cls.predictions.decoder.weight';
    const options = { out: vocab, weight, bias: 'cls.predictions.bias' };
    return g.build([
      g.linear(g.layerNorm(transformed, `${transform}.LayerNorm`, epsilon), 'cls.predictions.decoder', options),
    ]);
  }
  const pooled = bertPooler(g, x, prefix);
  if (head.type === 'none') return g.build([x, pooled]);
  return g.build([g.linear(pooled, 'classifier', { out: head.classes })]);
}

/** Features of a whole text `[batch, hidden]`, from those of its first token. */
export function bertPooler(g: GraphBuilder, x: ValueRef, prefix: string): ValueRef {
  return g.activation(g.linear(g.select(x, 1, 0), `${prefix}pooler.dense`, { out: Number(x.shape[2]) }), 'tanh');
}

/** Features `[batch, time, hidden]` of token ids and token types; the first place has the row `firstPosition` of the positions' table. */
export function bertEncoder(
  g: GraphBuilder,
  config: Omit<HuggingFaceBertConfig, 'head'>,
  prefix: string,
  firstPosition = 0,
): ValueRef {
  const { layers, heads, hidden, mlp, vocab, context, types, activation, epsilon } = config;
  const block = (input: ValueRef, name: string): ValueRef => {
    const project = (role: string): ValueRef => g.linear(input, `${name}.attention.self.${role}`, { out: hidden });
    const attended = g.groupedAttention(
      [project('query'), project('key'), project('value')],
      `${name}.attention.self`,
      {
        heads,
        keyValueHeads: heads,
        causal: false,
      },
    );
    const x = g.layerNorm(
      g.add(g.linear(attended, `${name}.attention.output.dense`, { out: hidden }), input),
      `${name}.attention.output.LayerNorm`,
      epsilon,
    );
    const inner = g.activation(g.linear(x, `${name}.intermediate.dense`, { out: mlp }), activation);
    return g.layerNorm(
      g.add(g.linear(inner, `${name}.output.dense`, { out: hidden }), x),
      `${name}.output.LayerNorm`,
      epsilon,
    );
  };

  const ids = g.input('input_ids', ['batch', 'time'], 'int32');
  const typeIds = g.input('token_type_ids', ['batch', 'time'], 'int32');
  const embeddings = `${prefix}embeddings`;
  const words = g.embedding(ids, `${embeddings}.word_embeddings`, vocab, hidden);
  const typed = g.add(words, g.embedding(typeIds, `${embeddings}.token_type_embeddings`, types, hidden));
  const places = firstPosition === 0 ? g.positions(ids) : g.plus(g.positions(ids), firstPosition);
  const placed = g.add(typed, g.embedding(places, `${embeddings}.position_embeddings`, context, hidden));
  let x = g.layerNorm(placed, `${embeddings}.LayerNorm`, epsilon);
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}encoder.layer.${i}`);
  return x;
}
