// GPT-2 with Hugging Face's parameter names (transformers.GPT2LMHeadModel).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';
import { type TextHead, textHead } from './head.js';

/** The sizes of a GPT-2. */
export interface Gpt2Config {
  readonly layers: number;
  readonly heads: number;
  /** Features of a token (`n_embd`). */
  readonly hidden: number;
  readonly vocab: number;
  /** The largest number of positions (`n_positions`). */
  readonly context: number;
  /** Whether the head shares the token embedding's table. */
  readonly tied: boolean;
  /** Logits of tokens by default. */
  readonly head?: TextHead;
}

/**
 * The graph of a GPT-2: token ids int32 `[batch, time]` to logits `[batch, time, vocab]`, or what the head gives; without a head names have no "transformer.".
 * Throws {@link GraphError} when the heads do not divide the features.
 */
export function buildGpt2(config: Gpt2Config): Graph {
  const { layers, heads, hidden, vocab, context, tied, head = { type: 'tokens' } } = config;
  const prefix = head.type === 'none' ? '' : 'transformer.';
  if (hidden % heads !== 0) throw new GraphError(`gpt2: ${heads} heads do not divide ${hidden} features`);
  const g = new GraphBuilder('gpt2');
  // Hugging Face's Conv1D keeps its weight as [in, out].
  const conv1d = (x: ValueRef, name: string, out: number): ValueRef => g.linear(x, name, { out, layout: 'in_out' });

  const block = (input: ValueRef, name: string): ValueRef => {
    const qkv = conv1d(g.layerNorm(input, `${name}.ln_1`), `${name}.attn.c_attn`, 3 * hidden);
    const x = g.add(
      conv1d(g.attention(qkv, `${name}.attn`, { heads, causal: true }), `${name}.attn.c_proj`, hidden),
      input,
    );
    const expanded = conv1d(g.layerNorm(x, `${name}.ln_2`), `${name}.mlp.c_fc`, 4 * hidden);
    return g.add(x, conv1d(g.activation(expanded, 'gelu_tanh'), `${name}.mlp.c_proj`, hidden));
  };

  const ids = g.input('ids', ['batch', 'time'], 'int32');
  let x = g.add(
    g.embedding(ids, `${prefix}wte`, vocab, hidden),
    g.embedding(g.positions(ids), `${prefix}wpe`, context, hidden),
  );
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}h.${i}`);
  x = g.layerNorm(x, `${prefix}ln_f`);
  return g.build([textHead(g, x, { head, vocab, ...(tied ? { tiedTo: `${prefix}wte.weight` } : {}) })]);
}
