import { describe, expect, it } from 'vitest';
import { graphFromConfig } from '../src/huggingface.js';
import { buildArchitecture, parameterRoles, parseArchitecture } from '../src/index.js';

const rolesOf = (architecture: string): Record<string, string> =>
  Object.fromEntries(parameterRoles(buildArchitecture(parseArchitecture(architecture))));

describe('parameterRoles', () => {
  it('of a ViT', () => {
    expect(rolesOf('vit:layers=1,heads=2,hidden=16,mlp=32,patch=8')).toEqual({
      'conv_proj.weight': 'patch_embedding',
      'conv_proj.bias': 'bias',
      class_token: 'class_token',
      'encoder.pos_embedding': 'position',
      'encoder.layers.encoder_layer_0.ln_1.weight': 'norm_gain',
      'encoder.layers.encoder_layer_0.ln_1.bias': 'norm_bias',
      'encoder.layers.encoder_layer_0.self_attention.in_proj_weight': 'attention_qkv',
      'encoder.layers.encoder_layer_0.self_attention.in_proj_bias': 'bias',
      'encoder.layers.encoder_layer_0.self_attention.out_proj.weight': 'attention_out',
      'encoder.layers.encoder_layer_0.self_attention.out_proj.bias': 'bias',
      'encoder.layers.encoder_layer_0.ln_2.weight': 'norm_gain',
      'encoder.layers.encoder_layer_0.ln_2.bias': 'norm_bias',
      'encoder.layers.encoder_layer_0.mlp.0.weight': 'mlp_in',
      'encoder.layers.encoder_layer_0.mlp.0.bias': 'bias',
      'encoder.layers.encoder_layer_0.mlp.3.weight': 'mlp_out',
      'encoder.layers.encoder_layer_0.mlp.3.bias': 'bias',
      'encoder.ln.weight': 'norm_gain',
      'encoder.ln.bias': 'norm_bias',
      'heads.head.weight': 'head',
      'heads.head.bias': 'bias',
    });
  });

  it('of a GPT-2 whose head shares the embedding, and of one whose does not', () => {
    const tied = rolesOf('gpt2:layers=1,heads=2,hidden=16,vocab=11,context=8');
    expect(tied).toMatchObject({
      'transformer.wte.weight': 'token_embedding',
      'transformer.wpe.weight': 'position',
      'transformer.h.0.attn.c_attn.weight': 'attention_qkv',
      'transformer.h.0.attn.c_proj.weight': 'attention_out',
      'transformer.h.0.mlp.c_fc.weight': 'mlp_in',
      'transformer.h.0.mlp.c_proj.weight': 'mlp_out',
    });
    expect(Object.values(tied)).not.toContain('head');
    expect(rolesOf('gpt2:layers=1,heads=2,hidden=16,vocab=11,context=8,tied=false')).toMatchObject({
      'lm_head.weight': 'head',
    });
  });

  it('of a Llama', () => {
    const block = 'model.layers.0';
    expect(rolesOf('llama:layers=1,heads=2,kvHeads=1,hidden=16,mlp=32,vocab=11,context=8,tied=false')).toMatchObject({
      [`${block}.self_attn.q_proj.weight`]: 'attention_query',
      [`${block}.self_attn.k_proj.weight`]: 'attention_key',
      [`${block}.self_attn.v_proj.weight`]: 'attention_value',
      [`${block}.self_attn.o_proj.weight`]: 'attention_out',
      [`${block}.mlp.gate_proj.weight`]: 'mlp_gate',
      [`${block}.mlp.up_proj.weight`]: 'mlp_in',
      [`${block}.mlp.down_proj.weight`]: 'mlp_out',
    });
  });

  it('of a BERT that classifies: its pooler is a linear layer, not half an MLP', () => {
    const config = {
      model_type: 'bert',
      architectures: ['BertForSequenceClassification'],
      num_hidden_layers: 1,
      num_attention_heads: 2,
      hidden_size: 16,
      intermediate_size: 32,
      vocab_size: 11,
      max_position_embeddings: 8,
      type_vocab_size: 2,
      num_labels: 3,
    };
    const roles = Object.fromEntries(parameterRoles(graphFromConfig(JSON.stringify(config), 'config.json')));
    expect(roles).toMatchObject({
      'bert.encoder.layer.0.attention.self.value.weight': 'attention_value',
      'bert.encoder.layer.0.intermediate.dense.weight': 'mlp_in',
      'bert.encoder.layer.0.output.dense.weight': 'mlp_out',
      'bert.pooler.dense.weight': 'linear',
      'classifier.weight': 'head',
    });
  });

  it('of convolutional networks: kernels by size and groups', () => {
    const roles = rolesOf('mobilenet_v2');
    expect(new Set(Object.values(roles))).toEqual(
      new Set(['kernel', 'depthwise_kernel', 'pointwise_kernel', 'norm_gain', 'norm_bias', 'head', 'bias']),
    );
    expect(rolesOf('resnet50')['conv1.weight']).toBe('kernel');
  });
});
