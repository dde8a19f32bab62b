// A model's config.json of Hugging Face's transformers as a graph with the names and shapes of its checkpoint files.
import { buildGpt2 } from '../builders/gpt2.js';
import { buildLlama } from '../builders/llama.js';
import type { ActivationFunction, Graph } from '../graph.js';
import { numbers, type Reader, readJson } from '../json-reader.js';
import { buildHuggingFaceBert } from './bert.js';
import { buildHuggingFaceResnet } from './resnet.js';
import { buildHuggingFaceVit } from './vit.js';

/** transformers' names of activations. */
const ACTIVATIONS: Readonly<Record<string, ActivationFunction>> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
  relu6: 'relu6',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
};

type ModelType = 'gpt2' | 'llama' | 'mistral' | 'vit' | 'bert' | 'resnet';

/** Model types that are known. */
export const MODEL_TYPES: readonly ModelType[] = ['gpt2', 'llama', 'mistral', 'vit', 'bert', 'resnet'];

/**
 * The graph of a `config.json`: GPT2LMHeadModel, LlamaForCausalLM, MistralForCausalLM, ViTForImageClassification, BertForMaskedLM or
 * BertForSequenceClassification, ResNetForImageClassification. Fields that are left out have transformers' defaults.
 * Throws GraphError naming `source` and the field: not JSON, an unknown model type, or a feature that the graph would leave out.
 */
export function graphFromConfig(text: string, source = 'config.json'): Graph {
  const root = readJson(text, source);
  const config = new Fields(root);
  switch (root.field('model_type').literal(...MODEL_TYPES)) {
    case 'gpt2':
      return gpt2(config);
    case 'llama':
    case 'mistral':
      return llama(config);
    case 'vit':
      return vit(config);
    case 'bert':
      return bert(config);
    case 'resnet':
      return resnet(config);
  }
}

/** Fields with defaults; null counts as left out. */
class Fields {
  constructor(readonly root: Reader) {}

  #present(key: string): Reader | undefined {
    const field = this.root.field(key);
    return field.value === undefined || field.value === null ? undefined : field;
  }

  size(key: string, byDefault: number): number {
    const field = this.#present(key);
    const value = field?.number() ?? byDefault;
    return Number.isSafeInteger(value) && value > 0 ? value : this.root.field(key).fail('a positive integer');
  }

  number(key: string, byDefault: number): number {
    return this.#present(key)?.number() ?? byDefault;
  }

  flag(key: string, byDefault: boolean): boolean {
    return this.#present(key)?.boolean() ?? byDefault;
  }

  sizes(key: string, byDefault: readonly number[]): readonly number[] {
    const field = this.#present(key);
    return field ? numbers(field) : byDefault;
  }

  activation(key: string, byDefault: string): ActivationFunction {
    const name = this.#present(key)?.string() ?? byDefault;
    return ACTIVATIONS[name] ?? this.root.field(key).fail(`one of ${Object.keys(ACTIVATIONS).join(', ')}`);
  }

  /** Classes: the entries of id2label, or num_labels. */
  classes(): number {
    const labels = this.#present('id2label');
    return labels ? Object.keys(labels.record()).length : this.size('num_labels', 2);
  }

  /** Refuses a feature that the graph would silently leave out. */
  require(key: string, accepts: (value: unknown) => boolean, wanted: string): void {
    const field = this.#present(key);
    if (field && !accepts(field.value)) field.fail(wanted);
  }

  architecture(): string | undefined {
    return this.#present('architectures')?.list((item) => item.string())[0];
  }
}

function gpt2(config: Fields): Graph {
  const hidden = config.size('n_embd', 768);
  config.require('activation_function', (value) => value === 'gelu_new', '"gelu_new"');
  config.require('n_inner', (value) => value === 4 * hidden, `4 * n_embd = ${4 * hidden}`);
  config.require('layer_norm_epsilon', (value) => value === 1e-5, '1e-5');
  config.require('scale_attn_weights', (value) => value === true, 'true');
  config.require('scale_attn_by_inverse_layer_idx', (value) => value === false, 'false');
  return buildGpt2({
    layers: config.size('n_layer', 12),
    heads: config.size('n_head', 12),
    hidden,
    vocab: config.size('vocab_size', 50257),
    context: config.size('n_positions', 1024),
    tied: config.flag('tie_word_embeddings', true),
  });
}

function llama(config: Fields): Graph {
  const [hidden, heads] = [config.size('hidden_size', 4096), config.size('num_attention_heads', 32)];
  config.require('hidden_act', (value) => value === 'silu', '"silu"');
  config.require('attention_bias', (value) => value === false, 'false');
  config.require('mlp_bias', (value) => value === false, 'false');
  config.require(
    'head_dim',
    (value) => value === hidden / heads,
    `hidden_size / num_attention_heads = ${hidden / heads}`,
  );
  config.require('sliding_window', (value) => value === null, 'null: attention of a window is not known');
  const scaling = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && 'rope_type' in value && value.rope_type === 'default';
  config.require('rope_scaling', scaling, 'null: scaled rotary embeddings are not known');
  config.require('rope_parameters', scaling, 'of rope_type "default": scaled rotary embeddings are not known');
  const parameters = new Fields(config.root.field('rope_parameters'));
  const hasParameters = config.root.field('rope_parameters').value !== undefined;
  return buildLlama({
    layers: config.size('num_hidden_layers', 32),
    heads,
    kvHeads: config.size('num_key_value_heads', heads),
    hidden,
    mlp: config.size('intermediate_size', 11008),
    vocab: config.size('vocab_size', 32000),
    context: config.size('max_position_embeddings', 2048),
    tied: config.flag('tie_word_embeddings', false),
    rotaryBase: hasParameters ? parameters.number('rope_theta', 10_000) : config.number('rope_theta', 10_000),
    epsilon: config.number('rms_norm_eps', 1e-6),
  });
}

function vit(config: Fields): Graph {
  return buildHuggingFaceVit({
    layers: config.size('num_hidden_layers', 12),
    heads: config.size('num_attention_heads', 12),
    hidden: config.size('hidden_size', 768),
    mlp: config.size('intermediate_size', 3072),
    patch: config.size('patch_size', 16),
    image: config.size('image_size', 224),
    channels: config.size('num_channels', 3),
    classes: config.classes(),
    activation: config.activation('hidden_act', 'gelu'),
    epsilon: config.number('layer_norm_eps', 1e-12),
    hasQkvBias: config.flag('qkv_bias', true),
  });
}

function bert(config: Fields): Graph {
  const architecture = config.architecture() ?? 'BertForMaskedLM';
  config.require('position_embedding_type', (value) => value === 'absolute', '"absolute"');
  if (architecture !== 'BertForMaskedLM' && architecture !== 'BertForSequenceClassification')
    config.root.field('architectures').fail('["BertForMaskedLM"] or ["BertForSequenceClassification"]');
  return buildHuggingFaceBert({
    layers: config.size('num_hidden_layers', 12),
    heads: config.size('num_attention_heads', 12),
    hidden: config.size('hidden_size', 768),
    mlp: config.size('intermediate_size', 3072),
    vocab: config.size('vocab_size', 30522),
    context: config.size('max_position_embeddings', 512),
    types: config.size('type_vocab_size', 2),
    activation: config.activation('hidden_act', 'gelu'),
    epsilon: config.number('layer_norm_eps', 1e-12),
    head:
      architecture === 'BertForMaskedLM' ? { type: 'masked-tokens' } : { type: 'classes', classes: config.classes() },
  });
}

function resnet(config: Fields): Graph {
  config.require('layer_type', (value) => value === 'basic' || value === 'bottleneck', '"basic" or "bottleneck"');
  const hidden = config.sizes('hidden_sizes', [256, 512, 1024, 2048]);
  const depths = config.sizes('depths', [3, 4, 6, 3]);
  if (hidden.length !== depths.length)
    config.root.field('depths').fail(`${hidden.length} numbers, as hidden_sizes has`);
  return buildHuggingFaceResnet({
    embedding: config.size('embedding_size', 64),
    hidden,
    depths,
    isBottleneck: config.root.field('layer_type').value !== 'basic',
    downsampleInFirstStage: config.flag('downsample_in_first_stage', false),
    downsampleInBottleneck: config.flag('downsample_in_bottleneck', false),
    channels: config.size('num_channels', 3),
    image: config.size('image_size', 224),
    classes: config.classes(),
    activation: config.activation('hidden_act', 'relu'),
  });
}
