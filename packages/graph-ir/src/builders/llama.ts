// Llama with Hugging Face's parameter names (transformers.LlamaForCausalLM).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type Graph, GraphError } from '../graph.js';
import { type TextHead, textHead } from './head.js';

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
  /** Features of a head; hidden / heads by default. */
  readonly headSize?: number;
  /** Whether the projections to queries, keys and values have biases, as Qwen2's have; false by default. */
  readonly hasQkvBias?: boolean;
  /** Whether queries and keys are normalised head by head, as Qwen3's are; false by default. */
  readonly normsHeads?: boolean;
  /** Logits of tokens by default. */
  readonly head?: TextHead;
}

const ROTARY_BASE = 10_000;
const EPSILON = 1e-6;

/**
 * The graph of a Llama: token ids int32 `[batch, time]` to logits `[batch, time, vocab]`, or what the head gives; without a head names have no "model.".
 * Throws {@link GraphError} when heads do not divide the features or key heads the heads.
 */
export function buildLlama(config: LlamaConfig): Graph {
  const { layers, heads, kvHeads, hidden, mlp, vocab, tied, rotaryBase = ROTARY_BASE, epsilon = EPSILON } = config;
  const { hasQkvBias = false, normsHeads = false, head = { type: 'tokens' }, headSize = hidden / heads } = config;
  const prefix = head.type === 'none' ? '' : 'model.';
  if (!Number.isInteger(headSize)) throw new GraphError(`llama: ${heads} heads do not divide ${hidden} features`);
  if (heads % kvHeads !== 0) throw new GraphError(`llama: ${kvHeads} key heads do not divide ${heads} heads`);
  const g = new GraphBuilder('llama');
  const keyFeatures = headSize * kvHeads;
  const project = (x: ValueRef, name: string, out: number, hasBias = false): ValueRef =>
    g.linear(x, name, { out, hasBias });
  const rotate = (x: ValueRef, count: number): ValueRef => g.rotaryEmbedding(x, { heads: count, base: rotaryBase });
  const normed = (x: ValueRef, name: string, count: number): ValueRef =>
    normsHeads
      ? g.reshape(g.rmsNorm(g.reshape(x, [0, 0, count, headSize]), name, epsilon), [0, 0, count * headSize])
      : x;

  const block = (input: ValueRef, name: string): ValueRef => {
    const read = g.rmsNorm(input, `${name}.input_layernorm`, epsilon);
    const own = `${name}.self_attn`;
    const queries = project(read, `${own}.q_proj`, heads * headSize, hasQkvBias);
    const keys = project(read, `${own}.k_proj`, keyFeatures, hasQkvBias);
    const values = project(read, `${own}.v_proj`, keyFeatures, hasQkvBias);
    const turned = [
      rotate(normed(queries, `${own}.q_norm`, heads), heads),
      rotate(normed(keys, `${own}.k_norm`, kvHeads), kvHeads),
    ] as const;
    const attended = g.groupedAttention([...turned, values], own, {
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

  let x = g.embedding(g.input('ids', ['batch', 'time'], 'int32'), `${prefix}embed_tokens`, vocab, hidden);
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}layers.${i}`);
  x = g.rmsNorm(x, `${prefix}norm`, epsilon);
  return g.build([textHead(g, x, { head, vocab, ...(tied ? { tiedTo: `${prefix}embed_tokens.weight` } : {}) })]);
}
