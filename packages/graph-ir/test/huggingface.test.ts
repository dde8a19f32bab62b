// Errors and edges; tensors and logits of whole models are checked against transformers in @logah/network.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkCheckpoint,
  checkpointValues,
  graphFromConfig,
  MODEL_TYPES,
  withStatisticsOf,
} from '../src/huggingface.js';
import { buildArchitecture, GraphError, parseArchitecture } from '../src/index.js';

const fromConfig = (config: object) => graphFromConfig(JSON.stringify(config), 'model/config.json');

describe('graphFromConfig', () => {
  it('has transformers’ defaults for what is left out', () => {
    expect(fromConfig({ model_type: 'gpt2' }).parameters).toEqual(
      buildArchitecture(parseArchitecture('gpt2')).parameters,
    );
  });

  it.each<readonly [object, string]>([
    [{}, 'model_type should be "gpt2" or "llama" or "mistral" or "qwen2" or '],
    [{ model_type: 't5' }, 'model_type should be "gpt2" or '],
    [{ model_type: 'gpt2', n_layer: -1 }, 'n_layer should be a positive integer, got -1'],
    [{ model_type: 'gpt2', activation_function: 'relu' }, 'activation_function should be "gelu_new", got "relu"'],
    [{ model_type: 'vit', hidden_act: 'mish' }, 'hidden_act should be one of gelu, gelu_new, '],
    [
      { model_type: 'llama', rope_scaling: { rope_type: 'llama3' } },
      'rope_scaling.rope_type should be "default": scaled rotary embeddings are not known, got "llama3"',
    ],
    [
      { model_type: 'qwen2', rope_parameters: { type: 'linear', factor: 4 } },
      'rope_parameters.type should be "default"',
    ],
    [
      { model_type: 'qwen3', rope_parameters: { rope_type: 'default', type: 'yarn' } },
      'rope_parameters.type should be "default"',
    ],
    [{ model_type: 'llama', rope_parameters: { factor: 4 } }, 'rope_parameters.factor should be 1: scaled rotary'],
    [{ model_type: 'mistral', rope_scaling: { factor: 2 } }, 'rope_scaling.factor should be 1: scaled rotary'],
    [
      { model_type: 'gemma', rope_parameters: { full_attention: { rope_type: 'linear', factor: 4 } } },
      'rope_parameters.full_attention should be left out: this field of rotary embeddings is not known',
    ],
    [
      { model_type: 'llama', rope_parameters: { rope_type: 'default', attention_factor: 2 } },
      'rope_parameters.attention_factor should be left out',
    ],
    [
      { model_type: 'llama', rope_scaling: { rope_theta: 77 }, rope_parameters: { rope_theta: 78 } },
      'rope_parameters.rope_theta should be 77, which is rope_scaling.rope_theta, got 78',
    ],
    [{ model_type: 'llama', rope_theta: 0 }, 'rope_theta should be a number from 1 to 3.4e+38, got 0'],
    [
      { model_type: 'vit', architectures: ['ViTForImageClassification'], id2label: {} },
      'id2label should be the labels of one class at least, or left out, got {}',
    ],
    [{ model_type: 'mistral', sliding_window: 4096 }, 'sliding_window should be null: attention of a window'],
    [
      { model_type: 'bert', architectures: ['BertForTokenClassification'] },
      'architectures should be ["BertForMaskedLM"] or ',
    ],
    [{ model_type: 'bert', is_decoder: true }, 'is_decoder should be false: a decoder looks back only'],
    [{ model_type: 'gpt2', add_cross_attention: true }, 'add_cross_attention should be false'],
    [{ model_type: 'gpt2', n_embd: 64, hidden_size: 32 }, 'hidden_size should be n_embd, which is 64, got 32'],
    [{ model_type: 'vit', architectures: ['ViTForMaskedImageModeling'] }, 'architectures should be ["ViTForImage'],
    [{ model_type: 'gemma', hidden_act: 'relu' }, 'hidden_act should be "gelu_pytorch_tanh", got "relu"'],
    [
      { model_type: 'gemma', use_bidirectional_attention: true },
      'use_bidirectional_attention should be false, got true',
    ],
    [{ model_type: 'phi3', partial_rotary_factor: 0.75 }, 'partial_rotary_factor should be 1: heads that are turned'],
    [{ model_type: 'phi3', sliding_window: 2047 }, 'sliding_window should be null'],
    [
      { model_type: 'phi3', rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
      'rope_parameters.partial_rotary_factor should be 1',
    ],
    [{ model_type: 'qwen2', layer_types: ['sliding_attention'] }, 'layer_types should be of "full_attention"'],
    [{ model_type: 'roberta', is_decoder: true }, 'is_decoder should be false'],
    [{ model_type: 'roberta', pad_token_id: -1 }, 'pad_token_id should be a token, got -1'],
    [{ model_type: 'roberta', pad_token_id: null }, 'pad_token_id should be a token from 0 to 510: places begin'],
    [{ model_type: 'roberta', pad_token_id: 511 }, 'pad_token_id should be a token from 0 to 510: places begin'],
    [
      { model_type: 'roberta', max_position_embeddings: 64, vocab_size: 10, pad_token_id: 10 },
      'pad_token_id should be a token from 0 to 9',
    ],
    ...(['llama', 'mistral', 'qwen2', 'qwen3', 'gemma', 'phi3'] as const).flatMap((model_type) => [
      [{ model_type, rms_norm_eps: -5 }, 'rms_norm_eps should be a number from 0 to 1, got -5'] as const,
      [{ model_type, rope_theta: 0 }, 'rope_theta should be a number from 1 to 3.4e+38, got 0'] as const,
      [{ model_type, rope_theta: -3 }, 'rope_theta should be a number from 1 to 3.4e+38, got -3'] as const,
    ]),
    ...(['vit', 'deit', 'bert', 'roberta'] as const).flatMap((model_type) => [
      [{ model_type, layer_norm_eps: -1 }, 'layer_norm_eps should be a number from 0 to 1, got -1'] as const,
      [{ model_type, layer_norm_eps: '1' }, 'layer_norm_eps should be a number, got "1"'] as const,
      [{ model_type, pruned_heads: { 0: [1, 2] } }, 'pruned_heads should be {}: layers without some'] as const,
    ]),
    [{ model_type: 'deit', architectures: ['DeiTForMaskedImageModeling'] }, 'architectures should be ["DeiTForImage'],
    ...(['bert', 'roberta', 'vit', 'deit'] as const).flatMap((model_type) => [
      [
        { model_type, hidden_size: 64 },
        'num_attention_heads should be a divisor of hidden_size, 64, such as 8 or 16, got nothing, which is 12 by default',
      ] as const,
      [
        { model_type, hidden_size: 64, num_attention_heads: 1000 },
        'num_attention_heads should be a divisor of hidden_size, 64, such as 64, got 1000',
      ] as const,
      [
        { model_type, num_attention_heads: 5 },
        'num_attention_heads should be a divisor of hidden_size by default, 768, such as 4 or 6, got 5',
      ] as const,
    ]),
    [{ model_type: 'distilbert', dim: 64 }, 'n_heads should be a divisor of dim, 64, such as 8 or 16, got nothing'],
    [
      { model_type: 'distilbert', hidden_size: 64, num_attention_heads: 7 },
      'num_attention_heads should be a divisor of hidden_size, 64, such as 4 or 8, got 7',
    ],
    [{ model_type: 'gpt2', n_embd: 64 }, 'n_head should be a divisor of n_embd, 64, such as 8 or 16, got nothing'],
    [{ model_type: 'gpt2', hidden_size: 64 }, 'n_head should be a divisor of hidden_size, 64, such as 8 or 16, got'],
    ...(['llama', 'mistral', 'qwen2', 'phi3'] as const).map(
      (model_type) =>
        [
          { model_type, hidden_size: 48, num_attention_heads: 16 },
          'num_attention_heads should be a divisor of hidden_size, 48, that leaves an even size for each, such as 12 or 24, got 16',
        ] as const,
    ),
    [
      { model_type: 'mistral', num_attention_heads: 4 },
      'num_key_value_heads should be a divisor of num_attention_heads, 4, such as 4, got nothing, which is 8 by default',
    ],
    [
      { model_type: 'gemma', num_key_value_heads: 3 },
      'num_key_value_heads should be a divisor of num_attention_heads by default, 16, such as 2 or 4, got 3',
    ],
    [{ model_type: 'qwen3', head_dim: 7 }, 'head_dim should be even: rotary embeddings turn pairs, got 7'],
    [{ model_type: 'resnet', depths: [1] }, 'depths should be 4 numbers, as hidden_sizes has, got [1]'],
  ])('refuses %j', (config, message) => {
    expect(() => fromConfig(config)).toThrow(`model/config.json: ${message}`);
  });

  it.each([
    ['llama', 'rms_norm_eps'],
    ['llama', 'rope_theta'],
    ['vit', 'layer_norm_eps'],
    ['bert', 'hidden_size'],
  ])('refuses a number of %s beyond all: %s', (model_type, field) => {
    const config = `{ "model_type": "${model_type}", "${field}": 1e999 }`;
    expect(() => graphFromConfig(config, 'model/config.json')).toThrow(
      `model/config.json: ${field} should be a number up to 1.7976931348623157e+308, got a larger one`,
    );
  });

  it('takes heads that nobody pruned', () => {
    expect(fromConfig({ model_type: 'bert', pruned_heads: {} }).parameters.length).toBeGreaterThan(0);
  });

  it.each(MODEL_TYPES)('refuses quantised weights of %s by name', (model_type) => {
    const config = { model_type, quantization_config: { bits: 4 } };
    expect(() => fromConfig(config)).toThrow('quantization_config should be null: weights of few bits');
  });

  it('fails with a GraphError, whatever the fields are', () => {
    const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom(0, -1, 1e300, 'x', null));
    const keys = ['hidden_size', 'num_attention_heads', 'num_hidden_layers', 'image_size', 'patch_size', 'id2label'];
    fc.assert(
      fc.property(
        fc.constantFrom(...MODEL_TYPES),
        fc.dictionary(fc.constantFrom(...keys, 'n_embd', 'hidden_sizes', 'depths', 'architectures'), value),
        (model_type, fields) => {
          const small = { num_hidden_layers: 1, n_layer: 1, hidden_sizes: [8], depths: [1] };
          try {
            fromConfig({ ...small, ...fields, model_type });
          } catch (error) {
            expect(error).toBeInstanceOf(GraphError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the names and shapes of a configuration', () => {
  const shapesOf = (config: object) => new Map(fromConfig(config).parameters.map(({ name, shape }) => [name, shape]));
  const text = { n_layer: 1, n_embd: 8, n_head: 2, vocab_size: 10, n_positions: 4 };

  it('are those of the architecture that is named', () => {
    const base = shapesOf({ model_type: 'gpt2', ...text, architectures: ['GPT2Model'] });
    expect(base.get('wte.weight')).toEqual([10, 8]);
    const classes = { architectures: ['GPT2ForSequenceClassification'], id2label: { 0: 'a', 1: 'b', 2: 'c' } };
    expect(shapesOf({ model_type: 'gpt2', ...text, ...classes }).get('score.weight')).toEqual([3, 8]);
    const vit = { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, image_size: 8, patch_size: 4 };
    expect(shapesOf({ model_type: 'vit', ...vit, architectures: ['ViTModel'] }).get('pooler.dense.weight')).toEqual([
      8, 8,
    ]);
  });

  it('have transformers’ defaults of the model type, and take its common names', () => {
    const mistral = shapesOf({ model_type: 'mistral', num_hidden_layers: 1 });
    expect(mistral.get('model.layers.0.self_attn.k_proj.weight')).toEqual([1024, 4096]);
    expect(mistral.get('model.layers.0.mlp.up_proj.weight')).toEqual([14336, 4096]);
    const gemma = shapesOf({ model_type: 'gemma', num_hidden_layers: 1 });
    expect(gemma.get('model.layers.0.self_attn.q_proj.weight')).toEqual([4096, 3072]);
    expect([gemma.get('model.embed_tokens.weight'), gemma.has('lm_head.weight')]).toEqual([[256000, 3072], false]);
    const phi3 = shapesOf({ model_type: 'phi3', num_hidden_layers: 1 });
    expect(phi3.get('model.layers.0.self_attn.qkv_proj.weight')).toEqual([9216, 3072]);
    expect(phi3.get('model.layers.0.mlp.gate_up_proj.weight')).toEqual([16384, 3072]);
    expect(shapesOf({ model_type: 'roberta' }).get('roberta.embeddings.word_embeddings.weight')).toEqual([50265, 768]);
    expect(shapesOf({ model_type: 'deit' }).get('deit.embeddings.position_embeddings')).toEqual([1, 198, 768]);
    const everyHead = { model_type: 'mistral', num_hidden_layers: 1, num_key_value_heads: null };
    expect(shapesOf(everyHead).get('model.layers.0.self_attn.k_proj.weight')).toEqual([4096, 4096]);
    const mapped = { num_hidden_layers: 1, hidden_size: 8, num_attention_heads: 2, vocab_size: 10 };
    expect(shapesOf({ model_type: 'gpt2', ...mapped, max_position_embeddings: 4 })).toEqual(
      shapesOf({ model_type: 'gpt2', ...text }),
    );
  });

  it('have what families differ in', () => {
    const llama = {
      num_hidden_layers: 1,
      hidden_size: 8,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      vocab_size: 10,
    };
    const own = 'model.layers.0.self_attn';
    expect(shapesOf({ model_type: 'qwen2', ...llama }).get(`${own}.q_proj.bias`)).toEqual([8]);
    const qwen3 = shapesOf({ model_type: 'qwen3', ...llama, head_dim: 6 });
    expect([qwen3.get(`${own}.q_norm.weight`), qwen3.get(`${own}.k_proj.weight`)]).toEqual([[6], [6, 8]]);
    const untied = { ...llama, intermediate_size: 8, max_position_embeddings: 4, tie_word_embeddings: false };
    expect(shapesOf({ model_type: 'bert', ...untied }).get('cls.predictions.decoder.weight')).toEqual([10, 8]);
    const resnet = { hidden_sizes: [16], depths: [1], embedding_size: 4 };
    expect(
      shapesOf({ model_type: 'resnet', ...resnet }).get('resnet.embedder.embedder.normalization.running_mean'),
    ).toEqual([4]);
  });

  it.each([
    { rope_parameters: { rope_theta: 5000 } },
    { rope_scaling: { rope_type: 'default', rope_theta: 5000 } },
    { rope_scaling: null, rope_parameters: { type: 'default', factor: 1, rope_theta: 5000 }, rope_theta: 3 },
    { rope_theta: 5000 },
  ])('take a rotary base from %j', (fields) => {
    const graph = fromConfig({ model_type: 'llama', num_hidden_layers: 1, ...fields });
    expect(graph.operators.find(({ type }) => type === 'rotary_embedding')?.attributes).toMatchObject({ base: 5000 });
  });
});

describe('withStatisticsOf', () => {
  const graph = fromConfig({ model_type: 'resnet', hidden_sizes: [16], depths: [1], embedding_size: 4 });
  const whole = new Map(graph.parameters.map(({ name, shape }) => [name, { shape }]));

  it('takes all statistics of a file, or none where it has none', () => {
    expect(
      withStatisticsOf(graph, whole, 'f')
        .parameters.map(({ name }) => name)
        .sort(),
    ).toEqual([...whole.keys()].sort());
    const without = new Map([...whole].filter(([name]) => !name.includes('running')));
    expect(withStatisticsOf(graph, without, 'f').parameters.map(({ name }) => name)).toEqual([...without.keys()]);
    expect(withStatisticsOf(withStatisticsOf(graph, without, 'f'), whole, 'f').parameters.length).toBe(whole.size);
  });

  it('refuses a file that has some', () => {
    const some = new Map(whole);
    some.delete('resnet.embedder.embedder.normalization.running_mean');
    expect(() => withStatisticsOf(graph, some, 'f')).toThrow(
      'f: has statistics of batch norms, but none of "resnet.emb',
    );
  });
});

describe('checkCheckpoint', () => {
  const graph = fromConfig({ model_type: 'gpt2', n_layer: 1, n_embd: 8, n_head: 2, vocab_size: 10, n_positions: 4 });
  const whole = new Map(graph.parameters.map(({ name, shape }) => [name, { shape }]));

  it('finds nothing in a file that fits, with or without the model’s prefix, buffers aside', () => {
    expect(checkCheckpoint(graph, whole)).toEqual([]);
    const base = new Map([...whole].map(([name, info]) => [name.replace('transformer.', ''), info]));
    base.set('h.0.attn.bias', { shape: [1, 1, 4, 4] });
    expect(checkCheckpoint(graph, base)).toEqual([]);
  });

  it('takes a tied head under the second name that PyTorch saves it by', () => {
    expect(checkCheckpoint(graph, new Map(whole).set('lm_head.weight', { shape: [10, 8] }))).toEqual([]);
    const untied = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=8,vocab=10,tied=false'));
    const tensors = new Map(untied.parameters.map(({ name, shape }) => [name, { shape }]));
    expect(checkCheckpoint(untied, tensors)).toEqual([]);
    tensors.delete('lm_head.weight');
    expect(checkCheckpoint(untied, tensors)).toEqual([{ kind: 'missing', name: 'lm_head.weight', wanted: [10, 8] }]);
  });

  it('lists what is missing, of another shape, or unexpected', () => {
    const other = new Map(whole);
    other.delete('transformer.ln_f.bias');
    other.set('transformer.wpe.weight', { shape: [8, 8] });
    other.set('extra', { shape: [1] });
    expect(checkCheckpoint(graph, other)).toEqual([
      { kind: 'shape', name: 'transformer.wpe.weight', wanted: [4, 8], found: [8, 8] },
      { kind: 'missing', name: 'transformer.ln_f.bias', wanted: [8] },
      { kind: 'unexpected', name: 'extra', found: [1] },
    ]);
  });
});

describe('checkpointValues', () => {
  const graph = fromConfig({ model_type: 'gpt2', n_layer: 1, n_embd: 8, n_head: 2, vocab_size: 10, n_positions: 4 });
  const base = new Map(graph.parameters.map(({ name, shape }) => [name.replace('transformer.', ''), { shape }]));

  it('gives every parameter by its own name, whatever prefix the file lacks', async () => {
    const read = async (name: string) => ({ data: Float32Array.of(name.length) });
    const values = await checkpointValues(graph, { tensors: base, read }, 'net.bin');
    expect([...values.keys()]).toEqual(graph.parameters.map(({ name }) => name));
    expect(values.get('transformer.wte.weight')).toEqual(Float32Array.of('wte.weight'.length));
  });

  it('refuses a head of other values than the embedding that the network has it share', async () => {
    const tensors = new Map(base).set('lm_head.weight', { shape: [10, 8] });
    const withHead = (value: number) => async (name: string) => ({
      data: new Float32Array(80).fill(name === 'lm_head.weight' ? value : 1),
    });
    await expect(checkpointValues(graph, { tensors, read: withHead(1) }, 'net.bin')).resolves.toBeDefined();
    await expect(checkpointValues(graph, { tensors, read: withHead(3) }, 'net.bin')).rejects.toThrow(
      'net.bin: "lm_head.weight" has other values than "transformer.wte.weight", but the network shares them',
    );
  });

  it('names a tensor of another shape before it reads any', async () => {
    const tensors = new Map(base).set('ln_f.bias', { shape: [9] });
    const read = (): never => expect.unreachable('nothing should be read');
    await expect(checkpointValues(graph, { tensors, read }, 'net.bin')).rejects.toThrow(
      'net.bin: the tensor "transformer.ln_f.bias" should be [8], got [9]',
    );
  });
});
