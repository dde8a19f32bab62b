import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { graphFromConfig } from '../src/huggingface.js';
import { buildArchitecture, type Graph, parameterPlaces, parameterRoles, parseArchitecture } from '../src/index.js';
import { graphFromOnnx } from '../src/onnx.js';

const network = (text: string): Graph => buildArchitecture(parseArchitecture(text));
const bert = (): Graph =>
  graphFromConfig(
    JSON.stringify({
      model_type: 'bert',
      architectures: ['BertForMaskedLM'],
      num_hidden_layers: 2,
      num_attention_heads: 2,
      hidden_size: 8,
      intermediate_size: 32,
      vocab_size: 11,
      max_position_embeddings: 6,
    }),
  );

/** Every role and surrounding of a graph, with the number of its parameters, sorted. */
const summary = (graph: Graph): string[] =>
  [
    ...new Set([...parameterPlaces(graph).values()].map(({ role, around, count }) => `${role} ${around} ${count}`)),
  ].sort();

const pytorch = (name: string): Graph =>
  graphFromOnnx(new Uint8Array(readFileSync(new URL(`./fixtures/${name}-pytorch.onnx`, import.meta.url))), name).graph;

describe('parameterPlaces', () => {
  it('tells the parts of a ViT', () => {
    expect(summary(network('vit:layers=3,heads=4,hidden=16,mlp=64'))).toEqual([
      'attention_out attention_out 3',
      'attention_qkv attention_qkv 3',
      'bias attention_out 3',
      'bias attention_qkv 3',
      'bias head 1',
      'bias mlp_in 3',
      'bias mlp_out 3',
      'bias patch_embedding 1',
      'class_token class_token 1',
      'head head 1',
      'mlp_in mlp_in 3',
      'mlp_out mlp_out 3',
      'norm_bias attention 3',
      'norm_bias head 1',
      'norm_bias mlp 3',
      'norm_gain attention 3',
      'norm_gain head 1',
      'norm_gain mlp 3',
      'patch_embedding patch_embedding 1',
      'position position 1',
    ]);
  });

  it('tells a Llama’s queries, keys, values and gate', () => {
    const roles = parameterRoles(
      network('llama:layers=2,heads=4,kvHeads=2,hidden=16,mlp=40,vocab=9,context=8,tied=false'),
    );
    expect(Object.fromEntries([...roles].filter(([name]) => /layers\.1|embed|head|norm/.test(name)))).toMatchObject({
      'model.embed_tokens.weight': 'token_embedding',
      'model.layers.1.self_attn.q_proj.weight': 'attention_query',
      'model.layers.1.self_attn.k_proj.weight': 'attention_key',
      'model.layers.1.self_attn.v_proj.weight': 'attention_value',
      'model.layers.1.self_attn.o_proj.weight': 'attention_out',
      'model.layers.1.mlp.gate_proj.weight': 'mlp_gate',
      'model.layers.1.mlp.up_proj.weight': 'mlp_in',
      'model.layers.1.mlp.down_proj.weight': 'mlp_out',
      'lm_head.weight': 'head',
    });
  });

  it('tells the parts of a BERT, whose norms lie behind the residual sums', () => {
    expect(summary(bert())).toEqual(
      expect.arrayContaining(['attention_query attention_query 2', 'mlp_in mlp_in 2', 'mlp_out mlp_out 2']),
    );
    const places = parameterPlaces(bert());
    expect(places.get('bert.encoder.layer.0.attention.output.LayerNorm.weight')?.around).toBe('mlp');
    expect(places.get('bert.encoder.layer.0.output.LayerNorm.weight')?.around).toBe('attention');
    expect(places.get('bert.embeddings.word_embeddings.weight')?.role).toBe('token_embedding');
    expect(places.get('bert.embeddings.token_type_embeddings.weight')?.role).toBe('other');
    expect(places.get('bert.embeddings.position_embeddings.weight')?.role).toBe('position');
  });

  it('tells kernels by what they are, and an MLP within a convolutional network', () => {
    const ofNext = parameterRoles(network('convnext_tiny'));
    expect(ofNext.get('features.0.0.weight')).toBe('patch_embedding');
    expect(ofNext.get('features.1.0.block.0.weight')).toBe('depthwise_kernel');
    expect(ofNext.get('features.1.0.block.3.weight')).toBe('mlp_in');
    expect(ofNext.get('features.1.0.block.5.weight')).toBe('mlp_out');
    const ofResnet = parameterRoles(network('resnet50'));
    expect(ofResnet.get('conv1.weight')).toBe('kernel');
    expect(ofResnet.get('layer1.0.conv1.weight')).toBe('pointwise_kernel');
    expect(ofResnet.get('fc.weight')).toBe('head');
    expect(parameterRoles(network('vgg16')).get('classifier.0.weight')).toBe('linear');
  });

  it('counts layers in the order of the forward pass', () => {
    const places = parameterPlaces(network('gpt2:layers=4,heads=2,hidden=8,vocab=9,context=8,tied=true'));
    expect([0, 1, 2, 3].map((i) => places.get(`transformer.h.${i}.mlp.c_fc.weight`)?.index)).toEqual([0, 1, 2, 3]);
    expect(places.get('transformer.wte.weight')).toEqual({
      role: 'token_embedding',
      around: 'token_embedding',
      index: 0,
      count: 1,
    });
  });

  it('tells the norm before a head of its own from that before a tied one', () => {
    const around = (tied: boolean) =>
      parameterPlaces(network(`gpt2:layers=1,heads=2,hidden=8,vocab=9,context=8,tied=${tied}`)).get(
        'transformer.ln_f.bias',
      )?.around;
    expect([around(false), around(true)]).toEqual(['head', 'tied_head']);
  });

  it.each(['vit', 'llama'])(
    'tells the same of a %s that PyTorch exported, whatever its parameters are called',
    (name) => {
      const found = new Set(parameterRoles(pytorch(name)).values());
      const wanted = {
        vit: ['patch_embedding', 'position', 'class_token', 'attention_out', 'mlp_in', 'mlp_out', 'head', 'norm_gain'],
        llama: [
          'token_embedding',
          'attention_query',
          'attention_key',
          'attention_value',
          'attention_out',
          'mlp_gate',
          'head',
        ],
      }[name];
      expect([...found]).toEqual(expect.arrayContaining(wanted ?? []));
    },
  );
});
