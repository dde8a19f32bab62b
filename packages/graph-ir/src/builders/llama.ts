// Llama with Hugging Face's parameter names (transformers.LlamaForCausalLM).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';

/** The sizes of a Llama. */
export interface LlamaConfig {
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; divides `heads`. */
  readonly kvHeads: number;
  /** Features of a token. */
  readonly hidden: number;
  /** Features of the gated MLP's hidden layer. */
  readonly mlp: number;
  readonly vocab: number;
  /** The largest number of positions. */
  readonly context: number;
  /** Whether the head shares the token embedding's table. */
  readonly tied: boolean;
  /** Of the rotary embedding's frequencies (`rope_theta`); 10,000 by default. */
  readonly rotaryBase?: number;
  /** Of the norms; 1e-6 by default. */
  readonly epsilon?: number;
}

const ROTARY_BASE = 10_000;
const EPSILON = 1e-6;

/**
 * The graph of a Llama: token ids int32 `[batch, time]` to logits `[batch, time, vocab]`.
 * Throws {@link GraphError} when heads do not divide the features or key heads the heads.
 */
export function buildLlama(config: LlamaConfig): Graph {
  const { layers, heads, kvHeads, hidden, mlp, vocab, tied, rotaryBase = ROTARY_BASE, epsilon = EPSILON } = config;
  if (hidden % heads !== 0) throw new GraphError(`llama: ${heads} heads do not divide ${hidden} features`);
  if (heads % kvHeads !== 0) throw new GraphError(`llama: ${kvHeads} key heads do not divide ${heads} heads`);
  const g = new GraphBuilder('llama');
  const keyFeatures = (hidden / heads) * kvHeads;
  const project = (x: ValueRef, name: string, out: number): ValueRef => g.linear(x, name, { out, hasBias: false });
  const rotate = (x: ValueRef, count: number): ValueRef => g.rotaryEmbedding(x, { heads: count, base: rotaryBase });

  const block = (input: ValueRef, name: string): ValueRef => {
    const normed = g.rmsNorm(input, `${name}.input_layernorm`, epsilon);
    const queries = rotate(project(normed, `${name}.self_attn.q_proj`, hidden), heads);
    const keys = rotate(project(normed, `${name}.self_attn.k_proj`, keyFeatures), kvHeads);
    const values = project(normed, `${name}.self_attn.v_proj`, keyFeatures);
    const attended = g.groupedAttention([queries, keys, values], `${name}.self_attn`, {
      heads,
      keyValueHeads: kvHeads,
      causal: true,
    });
    const x = g.add(input, project(attended, `${name}.self_attn.o_proj`, hidden));
    const inner = g.rmsNorm(x, `${name}.post_attention_layernorm`, epsilon);
    const gate = g.activation(project(inner, `${name}.mlp.gate_proj`, mlp), 'silu');
    const gated = g.multiply(gate, project(inner, `${name}.mlp.up_proj`, mlp));
    return g.add(x, project(gated, `${name}.mlp.down_proj`, hidden));
  };

  let x = g.embedding(g.input('ids', ['batch', 'time'], 'int32'), 'model.embed_tokens', vocab, hidden);
  for (let i = 0; i < layers; i++) x = block(x, `model.layers.${i}`);
  x = g.rmsNorm(x, 'model.norm', epsilon);
  const weight = tied ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return g.build([g.linear(x, 'lm_head', { out: vocab, hasBias: false, weight })]);
}
