// Llama and its kind with Hugging Face's parameter names (transformers.LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM,
// GemmaForCausalLM, Phi3ForCausalLM).
import { GraphBuilder, type ValueRef } from '../builder.js';
import { type ActivationFunction, type Graph, GraphError } from '../graph.js';
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
  /** Of the MLP's gate; silu by default. */
  readonly activation?: ActivationFunction;
  /** What a norm's weight is added to, 1 in Gemma; 0 by default. */
  readonly normOffset?: number;
  /** What embeddings are multiplied by, √hidden in Gemma; 1 by default. */
  readonly embeddingScale?: number;
  /** Whether queries, keys and values have one weight, and gate and MLP another, as Phi-3's have; false by default. */
  readonly hasFusedWeights?: boolean;
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
  const { activation = 'silu', normOffset = 0, embeddingScale = 1, hasFusedWeights = false } = config;
  const prefix = head.type === 'none' ? '' : 'model.';
  if (!Number.isInteger(headSize)) throw new GraphError(`llama: ${heads} heads do not divide ${hidden} features`);
  if (heads % kvHeads !== 0) throw new GraphError(`llama: ${kvHeads} key heads do not divide ${heads} heads`);
  const g = new GraphBuilder('llama');
  const keyFeatures = headSize * kvHeads;
  const project = (x: ValueRef, name: string, out: number, hasBias = false): ValueRef =>
    g.linear(x, name, { out, hasBias });
  const rotate = (x: ValueRef, count: number): ValueRef => g.rotaryEmbedding(x, { heads: count, base: rotaryBase });
  const norm = (x: ValueRef, name: string): ValueRef => g.rmsNorm(x, name, epsilon, { offset: normOffset });
  const normed = (x: ValueRef, name: string, count: number): ValueRef =>
    normsHeads ? g.reshape(norm(g.reshape(x, [0, 0, count, headSize]), name), [0, 0, count * headSize]) : x;
  /** Layers of these names and sizes, or parts of one layer that has the name of them all. */
  const projections = (
    x: ValueRef,
    layers: ReadonlyArray<readonly [name: string, size: number]>,
    fused: string,
    hasBias = false,
  ): readonly ValueRef[] => {
    if (!hasFusedWeights) return layers.map(([name, size]) => project(x, name, size, hasBias));
    const ends = layers.map((_, i) => layers.slice(0, i + 1).reduce((sum, [, size]) => sum + size, 0));
    const all = project(x, fused, ends.at(-1) ?? 0, hasBias);
    return layers.map(([, size], i) => g.slice(all, ends[i] - size, ends[i]));
  };

  const block = (input: ValueRef, name: string): ValueRef => {
    const own = `${name}.self_attn`;
    const [queries, keys, values] = projections(
      norm(input, `${name}.input_layernorm`),
      [
        [`${own}.q_proj`, heads * headSize],
        [`${own}.k_proj`, keyFeatures],
        [`${own}.v_proj`, keyFeatures],
      ],
      `${own}.qkv_proj`,
      hasQkvBias,
    );
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
    const [gate, up] = projections(
      norm(x, `${name}.post_attention_layernorm`),
      [
        [`${name}.mlp.gate_proj`, mlp],
        [`${name}.mlp.up_proj`, mlp],
      ],
      `${name}.mlp.gate_up_proj`,
    );
    const gated = g.multiply(g.activation(gate, activation), up);
    return g.add(x, project(gated, `${name}.mlp.down_proj`, hidden));
  };

  const embedded = g.embedding(g.input('ids', ['batch', 'time'], 'int32'), `${prefix}embed_tokens`, vocab, hidden);
  let x = embeddingScale === 1 ? embedded : g.times(embedded, embeddingScale);
  for (let i = 0; i < layers; i++) x = block(x, `${prefix}layers.${i}`);
  x = norm(x, `${prefix}norm`);
  return g.build([textHead(g, x, { head, vocab, ...(tied ? { tiedTo: `${prefix}embed_tokens.weight` } : {}) })]);
}
