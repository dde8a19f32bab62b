import { describe, expect, it } from 'vitest';
import {
  buildArchitecture,
  buildLlama,
  graphFromJson,
  graphToJson,
  parameterCount,
  parseArchitecture,
  toComputationalGraph,
} from '../src/index.js';

const SIZES = { layers: 1, heads: 4, kvHeads: 2, hidden: 16, mlp: 24, vocab: 30, context: 8, tied: false };

describe('buildLlama', () => {
  it.each([
    // As published.
    ['llama2-7b', 6_738_415_616],
    ['llama3-8b', 8_030_261_248],
  ])('%s has %i parameters', (name, count) => {
    expect(parameterCount(buildArchitecture(parseArchitecture(name)))).toBe(count);
  });

  it('has Hugging Face’s names', () => {
    expect(buildLlama(SIZES).parameters.map(({ name }) => name)).toEqual([
      'model.embed_tokens.weight',
      'model.layers.0.input_layernorm.weight',
      'model.layers.0.self_attn.q_proj.weight',
      'model.layers.0.self_attn.k_proj.weight',
      'model.layers.0.self_attn.v_proj.weight',
      'model.layers.0.self_attn.o_proj.weight',
      'model.layers.0.post_attention_layernorm.weight',
      'model.layers.0.mlp.gate_proj.weight',
      'model.layers.0.mlp.up_proj.weight',
      'model.layers.0.mlp.down_proj.weight',
      'model.norm.weight',
      'lm_head.weight',
    ]);
  });

  it('lowers to RMS norms, rotary embeddings and gates', () => {
    const { nodes } = toComputationalGraph(buildLlama(SIZES));
    const counts: Record<string, number> = {};
    for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
    expect(counts).toEqual({ input: 1, pos_enc: 1, rmsnorm: 3, conv: 8, rot_emb: 2, msa: 1, sum: 2, gate: 1 });
  });

  it('survives JSON', () => {
    const graph = buildLlama(SIZES);
    expect(graphFromJson(graphToJson(graph))).toEqual(graph);
  });

  it('refuses heads that do not divide', () => {
    expect(() => buildLlama({ ...SIZES, heads: 3 })).toThrow('llama: 3 heads do not divide 16 features');
    expect(() => buildLlama({ ...SIZES, kvHeads: 3 })).toThrow('llama: 3 key heads do not divide 4 heads');
  });
});
