// A model's config.json of Hugging Face's transformers as a graph with the names and shapes of its checkpoint files.
import { own, shortJson } from '@logah/files';
import { buildGpt2 } from '../builders/gpt2.js';
import type { TextHead } from '../builders/head.js';
import { buildLlama } from '../builders/llama.js';
import type { ActivationFunction, Graph } from '../graph.js';
import { numbers, type Reader, readJson } from '../json-reader.js';
import { buildHuggingFaceBert, type HuggingFaceBertConfig } from './bert.js';
import { buildHuggingFaceDistilbert } from './distilbert.js';
import { buildHuggingFaceResnet } from './resnet.js';
import { buildHuggingFaceRoberta } from './roberta.js';
import { buildHuggingFaceVit, type HuggingFaceVitConfig } from './vit.js';

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

/** Model types that are known. */
export const MODEL_TYPES = [
  ...(['gpt2', 'llama', 'mistral', 'qwen2', 'qwen3', 'gemma', 'phi3'] as const),
  ...(['vit', 'deit', 'bert', 'roberta', 'distilbert', 'resnet'] as const),
] as const;

/**
 * The graph of a `config.json` for what its `architectures` names first: a model alone, one that classifies, or one that gives tokens. Fields that are left
 * out have transformers' defaults for the model type. Texts have no padding.
 * Throws GraphError naming `source` and the field: not JSON, an unknown model type or architecture, or a feature that the graph would leave out.
 */
export function graphFromConfig(text: string, source = 'config.json'): Graph {
  const root = readJson(text, source);
  const config = new Fields(root);
  const type = root.field('model_type').literal(...MODEL_TYPES);
  config.require('quantization_config', () => false, 'null: weights of few bits are not known');
  config.require(
    'pruned_heads',
    (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
    '{}: layers without some of their heads are not known',
  );
  config.require('add_cross_attention', (value) => value === false, 'false');
  switch (type) {
    case 'gpt2':
      return gpt2(config);
    case 'llama':
    case 'mistral':
    case 'qwen2':
    case 'qwen3':
    case 'gemma':
    case 'phi3':
      return llama(config, LLAMAS[type]);
    case 'vit':
      return vit(config);
    case 'deit':
      return deit(config);
    case 'bert':
      return bert(config);
    case 'roberta':
      return roberta(config);
    case 'distilbert':
      return distilbert(config);
    case 'resnet':
      return resnet(config);
  }
}

/** No tensor of any backend has a larger axis. */
const LARGEST_SIZE = 2 ** 31 - 1;

/** A layer has ten operators at least, and a graph 100,000 at most. */
const MOST_LAYERS = 10_000;

/** The largest number of float32, rounded down. */
const LARGEST_FLOAT = 3.4e38;

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value > 0 && value <= LARGEST_SIZE;

/** The number of a field. Throws GraphError for one that is not from `least` to `most`. */
function within(field: Reader, least: number, most: number): number {
  const value = field.number();
  return value >= least && value <= most ? value : field.fail(`a number from ${least} to ${most}`);
}

/** A field of a size: its name, what it is where it is left out, and the name that all model types share for it. */
interface SizeField {
  readonly key: string;
  readonly byDefault: number;
  readonly alias?: string;
}

/** The largest number below another that fits. */
function nearestBelow(number: number, fits: (number: number) => boolean): number | undefined {
  for (let below = number - 1; below > 0 && number - below < MOST_TRIED; below--) if (fits(below)) return below;
  return undefined;
}

/** The smallest number above another, up to a last one, that fits. */
function nearestAbove(number: number, last: number, fits: (number: number) => boolean): number | undefined {
  for (let above = number + 1; above <= last && above - number < MOST_TRIED; above++) if (fits(above)) return above;
  return undefined;
}

/** A file of nonsense is not worth a longer search. */
const MOST_TRIED = 10_000;

/** Fields with defaults; null counts as left out. */
class Fields {
  constructor(readonly root: Reader) {}

  #present(key: string): Reader | undefined {
    const field = this.root.field(key);
    return field.value === undefined || field.value === null ? undefined : field;
  }

  isNull(key: string): boolean {
    return this.root.field(key).value === null;
  }

  /** A positive integer; `alias` is the name that all model types share for it. */
  size(key: string, byDefault: number, alias = key): number {
    return this.#size({ key, byDefault, alias }).value;
  }

  /**
   * How many parts of one size a whole has, such as heads a width. Throws GraphError for a number that does not divide
   * it, given or by default, or, where `areEven`, leaves an odd size for each part; the message
   * names the nearest that do.
   */
  parts(part: SizeField, whole: SizeField, { areEven = false } = {}): number {
    const [{ field, value: count }, { field: holder, value: total }] = [this.#size(part), this.#size(whole)];
    const fits = (number: number): boolean => total % number === 0 && !(areEven && (total / number) % 2 !== 0);
    if (fits(count)) return count;
    const near = [nearestBelow(Math.min(count, total + 1), fits), nearestAbove(count, total, fits)].filter(
      (number) => number !== undefined,
    );
    return (field ?? this.root.field(part.key)).fail(
      `a divisor of ${holder?.path ?? `${whole.key} by default`}, ${total},` +
        `${areEven ? ' that leaves an even size for each,' : ''}${near.length > 0 ? ` such as ${near.join(' or ')}` : ''}`,
      field === undefined ? `nothing, which is ${count} by default` : String(count),
    );
  }

  #size({ key, byDefault, alias = key }: SizeField): { readonly field: Reader | undefined; readonly value: number } {
    const [named, shared] = [this.#present(key), this.#present(alias)];
    if (named && shared && named.value !== shared.value) shared.fail(`${key}, which is ${shortJson(named.value)}`);
    const field = named ?? shared;
    const value = field?.number() ?? byDefault;
    const largest = key.includes('layer') ? MOST_LAYERS : LARGEST_SIZE;
    const holder = field ?? this.root.field(key);
    if (!Number.isSafeInteger(value) || value < 1) return holder.fail('a positive integer');
    return value <= largest ? { field, value } : holder.fail(`at most ${largest}`);
  }

  /** What a norm adds to a variance. */
  epsilon(key: string, byDefault: number): number {
    const field = this.#present(key);
    return field === undefined ? byDefault : within(field, 0, 1);
  }

  /** A row of the table of tokens. */
  token(key: string, byDefault: number): number {
    const field = this.#present(key);
    const value = field?.number() ?? byDefault;
    return Number.isSafeInteger(value) && value >= 0 ? value : this.root.field(key).fail('a token');
  }

  flag(key: string, byDefault: boolean): boolean {
    return this.#present(key)?.boolean() ?? byDefault;
  }

  sizes(key: string, byDefault: readonly number[]): readonly number[] {
    const field = this.#present(key);
    if (field === undefined) return byDefault;
    const values = numbers(field);
    return values.every(isSize) ? values : field.fail(`positive integers up to ${LARGEST_SIZE}`);
  }

  activation(key: string, byDefault: string): ActivationFunction {
    const name = this.#present(key)?.string() ?? byDefault;
    return own(ACTIVATIONS, name) ?? this.root.field(key).fail(`one of ${Object.keys(ACTIVATIONS).join(', ')}`);
  }

  /** Classes: the entries of id2label, or num_labels. */
  classes(): number {
    const labels = this.#present('id2label');
    if (labels === undefined) return this.size('num_labels', 2);
    return Object.keys(labels.record()).length || labels.fail('the labels of one class at least, or left out');
  }

  /** Refuses a feature that the graph would silently leave out. */
  require(key: string, accepts: (value: unknown) => boolean, wanted: string): void {
    const field = this.#present(key);
    if (field && !accepts(field.value)) field.fail(wanted);
  }

  /** What the first architecture that is named is, among those of the model type; the first of these where none is named. */
  architecture<T extends string>(known: Readonly<Record<T, string>>): T {
    const field = this.#present('architectures');
    const name = field?.list((item) => item.string())[0];
    const kinds = Object.keys(known) as T[];
    if (field === undefined || name === undefined) return kinds[0];
    return (
      kinds.find((kind) => known[kind] === name) ??
      field.fail(kinds.map((kind) => JSON.stringify([known[kind]])).join(' or '))
    );
  }

  /** The head of a language model. */
  textHead(name: string, { lm = `${name}ForCausalLM` } = {}): TextHead {
    const known = { tokens: lm, none: `${name}Model`, classes: `${name}ForSequenceClassification` };
    const kind = this.architecture(known);
    return kind === 'classes' ? { type: kind, classes: this.classes() } : { type: kind };
  }
}

function gpt2(config: Fields): Graph {
  const width = { key: 'n_embd', byDefault: 768, alias: 'hidden_size' };
  const hidden = config.size(width.key, width.byDefault, width.alias);
  config.require('activation_function', (value) => value === 'gelu_new', '"gelu_new"');
  config.require('n_inner', (value) => value === 4 * hidden, `4 * n_embd = ${4 * hidden}`);
  config.require('layer_norm_epsilon', (value) => value === 1e-5, '1e-5');
  config.require('scale_attn_weights', (value) => value === true, 'true');
  config.require('scale_attn_by_inverse_layer_idx', (value) => value === false, 'false');
  return buildGpt2({
    layers: config.size('n_layer', 12, 'num_hidden_layers'),
    heads: config.parts({ key: 'n_head', byDefault: 12, alias: 'num_attention_heads' }, width),
    hidden,
    vocab: config.size('vocab_size', 50257),
    context: config.size('n_positions', 1024, 'max_position_embeddings'),
    tied: config.flag('tie_word_embeddings', true),
    head: config.textHead('GPT2', { lm: 'GPT2LMHeadModel' }),
  });
}

/** A model type of Llama's kind with transformers' defaults. */
interface LlamaType {
  readonly name: string;
  readonly hidden: number;
  readonly mlp: number;
  readonly vocab: number;
  readonly context: number;
  readonly kvHeads?: number;
  readonly headSize?: number;
  readonly hasQkvBias?: boolean;
  readonly normsHeads?: boolean;
  readonly layers?: number;
  readonly heads?: number;
  readonly tied?: boolean;
  readonly epsilon?: number;
  readonly hasFusedWeights?: boolean;
  /** Norms that add their weight to 1, embeddings of √hidden and a gate of GELU's tanh approximation. */
  readonly isGemma?: boolean;
}

const LLAMAS: Readonly<Record<'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma' | 'phi3', LlamaType>> = {
  llama: { name: 'Llama', hidden: 4096, mlp: 11008, vocab: 32000, context: 2048 },
  mistral: { name: 'Mistral', hidden: 4096, mlp: 14336, vocab: 32000, context: 131072, kvHeads: 8 },
  qwen2: { name: 'Qwen2', hidden: 4096, mlp: 22016, vocab: 151936, context: 32768, kvHeads: 32, hasQkvBias: true },
  qwen3: {
    name: 'Qwen3',
    hidden: 4096,
    mlp: 22016,
    vocab: 151936,
    context: 32768,
    kvHeads: 32,
    headSize: 128,
    normsHeads: true,
  },
  gemma: {
    name: 'Gemma',
    layers: 28,
    heads: 16,
    kvHeads: 16,
    hidden: 3072,
    headSize: 256,
    mlp: 24576,
    vocab: 256000,
    context: 8192,
    tied: true,
    isGemma: true,
  },
  phi3: {
    name: 'Phi3',
    hidden: 3072,
    mlp: 8192,
    vocab: 32064,
    context: 4096,
    epsilon: 1e-5,
    hasFusedWeights: true,
  },
};

const WHOLE_HEADS = '1: heads that are turned in part are not known';

/** What is said of the rotary embedding, under the older name or the newer one: its base. Every field that would change it otherwise is refused. */
function rotaryBase(config: Fields): number {
  const bases = ['rope_scaling', 'rope_parameters'].flatMap((key) => {
    const holder = config.root.field(key);
    if (holder.value === undefined || holder.value === null) return [];
    const given: Reader[] = [];
    holder.entries((field) => {
      if (field.value === null) return;
      switch (field.path.slice(holder.path.length + 1)) {
        case 'rope_type':
        case 'type':
          if (field.value !== 'default') field.fail('"default": scaled rotary embeddings are not known');
          return;
        case 'factor':
          if (field.value !== 1) field.fail('1: scaled rotary embeddings are not known');
          return;
        case 'partial_rotary_factor':
          if (field.value !== 1) field.fail(WHOLE_HEADS);
          return;
        case 'rope_theta':
          given.push(field);
          return;
        default:
          field.fail('left out: this field of rotary embeddings is not known');
      }
    });
    return given;
  });
  const [first, second] = bases;
  if (first !== undefined && second !== undefined && first.value !== second.value)
    second.fail(`${shortJson(first.value)}, which is ${first.path}`);
  // A base below 1 would make wavelengths shorter than a place.
  const inRange = (field: Reader): number => within(field, 1, LARGEST_FLOAT);
  if (first !== undefined) return inRange(first);
  const { value } = config.root.field('rope_theta');
  return value === undefined || value === null ? 10_000 : inRange(config.root.field('rope_theta'));
}

function llama(config: Fields, type: LlamaType): Graph {
  const [width, ofHeads] = [
    { key: 'hidden_size', byDefault: type.hidden },
    { key: 'num_attention_heads', byDefault: type.heads ?? 32 },
  ];
  const hidden = config.size(width.key, width.byDefault);
  // Rotary embeddings turn pairs of features.
  const heads =
    type.headSize === undefined
      ? config.parts(ofHeads, width, { areEven: true })
      : config.size(ofHeads.key, ofHeads.byDefault);
  if (type.isGemma) {
    // transformers takes the older name for the approximation, too.
    const isGelu = (value: unknown): boolean => value === 'gelu_pytorch_tanh' || value === 'gelu';
    config.require('hidden_act', isGelu, '"gelu_pytorch_tanh"');
    config.require('hidden_activation', isGelu, '"gelu_pytorch_tanh"');
    config.require('use_bidirectional_attention', (value) => value === false, 'false');
  } else config.require('hidden_act', (value) => value === 'silu', '"silu"');
  config.require('attention_bias', (value) => value === false, 'false');
  config.require('mlp_bias', (value) => value === false, 'false');
  const own = hidden / heads;
  // Llama's own graph takes heads apart evenly; Qwen3's and Gemma's have a size of their own.
  if (type.headSize === undefined)
    config.require('head_dim', (value) => value === own, `hidden_size / num_attention_heads = ${own}`);
  config.require('use_sliding_window', (value) => value === false, 'false: attention of a window is not known');
  // A window that is switched off is none.
  if (!type.name.startsWith('Qwen'))
    config.require('sliding_window', (value) => value === null, 'null: attention of a window is not known');
  config.require(
    'layer_types',
    (value) => Array.isArray(value) && value.every((kind) => kind === 'full_attention'),
    'of "full_attention": attention of a window is not known',
  );
  config.require('partial_rotary_factor', (value) => value === 1, WHOLE_HEADS);
  return buildLlama({
    layers: config.size('num_hidden_layers', type.layers ?? 32),
    heads,
    // Null says that every head has its own keys.
    kvHeads: config.isNull('num_key_value_heads')
      ? heads
      : config.parts({ key: 'num_key_value_heads', byDefault: type.kvHeads ?? heads }, ofHeads),
    hidden,
    mlp: config.size('intermediate_size', type.mlp),
    vocab: config.size('vocab_size', type.vocab),
    context: config.size('max_position_embeddings', type.context),
    tied: config.flag('tie_word_embeddings', type.tied ?? false),
    rotaryBase: rotaryBase(config),
    epsilon: config.epsilon('rms_norm_eps', type.epsilon ?? 1e-6),
    hasQkvBias: type.hasQkvBias ?? false,
    normsHeads: type.normsHeads ?? false,
    hasFusedWeights: type.hasFusedWeights ?? false,
    ...(type.isGemma
      ? { activation: 'gelu_tanh' as const, normOffset: 1, embeddingScale: Math.fround(Math.sqrt(hidden)) }
      : {}),
    ...(type.headSize === undefined ? {} : { headSize: evenSize(config, 'head_dim', type.headSize) }),
    head: config.textHead(type.name),
  });
}

function evenSize(config: Fields, key: string, byDefault: number): number {
  config.require(key, (value) => typeof value !== 'number' || value % 2 === 0, 'even: rotary embeddings turn pairs');
  return config.size(key, byDefault);
}

function vit(config: Fields): Graph {
  return visionTransformer(
    config,
    'vit',
    config.architecture({ classes: 'ViTForImageClassification', none: 'ViTModel' }),
  );
}

function deit(config: Fields): Graph {
  const kind = config.architecture({
    classes: 'DeiTForImageClassification',
    'distilled-classes': 'DeiTForImageClassificationWithTeacher',
    none: 'DeiTModel',
  });
  return visionTransformer(config, 'deit', kind);
}

function visionTransformer(
  config: Fields,
  family: HuggingFaceVitConfig['family'],
  kind: HuggingFaceVitConfig['head']['type'],
): Graph {
  if (kind === 'none') {
    config.require('pooler_act', (value) => value === 'tanh', '"tanh"');
    config.require('pooler_output_size', (value) => value === config.size('hidden_size', 768), 'hidden_size');
  }
  return buildHuggingFaceVit({
    family,
    layers: config.size('num_hidden_layers', 12),
    heads: config.parts({ key: 'num_attention_heads', byDefault: 12 }, { key: 'hidden_size', byDefault: 768 }),
    hidden: config.size('hidden_size', 768),
    mlp: config.size('intermediate_size', 3072),
    patch: config.size('patch_size', 16),
    image: config.size('image_size', 224),
    channels: config.size('num_channels', 3),
    head: kind === 'none' ? { type: kind } : { type: kind, classes: config.classes() },
    activation: config.activation('hidden_act', 'gelu'),
    epsilon: config.epsilon('layer_norm_eps', 1e-12),
    hasQkvBias: config.flag('qkv_bias', true),
  });
}

function bert(config: Fields): Graph {
  const kind = config.architecture({
    'masked-tokens': 'BertForMaskedLM',
    classes: 'BertForSequenceClassification',
    none: 'BertModel',
  });
  return buildHuggingFaceBert(tokenEncoder(config, 30522, kind));
}

function roberta(config: Fields): Graph {
  const kind = config.architecture({
    'masked-tokens': 'RobertaForMaskedLM',
    classes: 'RobertaForSequenceClassification',
    none: 'RobertaModel',
  });
  const encoder = tokenEncoder(config, 50265, kind);
  const padding = config.token('pad_token_id', 1);
  // Places are counted from the row behind the padding's.
  const most = Math.min(encoder.vocab, encoder.context - 1) - 1;
  if (config.isNull('pad_token_id') || padding > most)
    config.root.field('pad_token_id').fail(`a token from 0 to ${most}: places begin behind it`);
  return buildHuggingFaceRoberta(encoder, padding + 1);
}

/** Sizes of a BERT or RoBERTa. */
function tokenEncoder(
  config: Fields,
  vocab: number,
  kind: HuggingFaceBertConfig['head']['type'],
): HuggingFaceBertConfig {
  config.require('position_embedding_type', (value) => value === 'absolute', '"absolute"');
  config.require('is_decoder', (value) => value === false, 'false: a decoder looks back only');
  return {
    layers: config.size('num_hidden_layers', 12),
    heads: config.parts({ key: 'num_attention_heads', byDefault: 12 }, { key: 'hidden_size', byDefault: 768 }),
    hidden: config.size('hidden_size', 768),
    mlp: config.size('intermediate_size', 3072),
    vocab: config.size('vocab_size', vocab),
    context: config.size('max_position_embeddings', 512),
    types: config.size('type_vocab_size', 2),
    activation: config.activation('hidden_act', 'gelu'),
    epsilon: config.epsilon('layer_norm_eps', 1e-12),
    head: encoderHead(config, kind),
  };
}

/** What stands on an encoder of tokens. */
function encoderHead(config: Fields, kind: HuggingFaceBertConfig['head']['type']): HuggingFaceBertConfig['head'] {
  switch (kind) {
    case 'masked-tokens':
      return { type: kind, isTied: config.flag('tie_word_embeddings', true) };
    case 'classes':
      return { type: kind, classes: config.classes() };
    case 'none':
      return { type: kind };
  }
}

function distilbert(config: Fields): Graph {
  const kind = config.architecture({
    'masked-tokens': 'DistilBertForMaskedLM',
    classes: 'DistilBertForSequenceClassification',
    none: 'DistilBertModel',
  });
  const width = { key: 'dim', byDefault: 768, alias: 'hidden_size' };
  config.require('sinusoidal_pos_embds', (value) => value === false || value === true, 'true or false');
  return buildHuggingFaceDistilbert({
    layers: config.size('n_layers', 6, 'num_hidden_layers'),
    heads: config.parts({ key: 'n_heads', byDefault: 12, alias: 'num_attention_heads' }, width),
    hidden: config.size(width.key, width.byDefault, width.alias),
    mlp: config.size('hidden_dim', 3072),
    vocab: config.size('vocab_size', 30522),
    context: config.size('max_position_embeddings', 512),
    activation: config.activation('activation', 'gelu'),
    head: encoderHead(config, kind),
  });
}

function resnet(config: Fields): Graph {
  const isBase = config.architecture({ classes: 'ResNetForImageClassification', none: 'ResNetModel' }) === 'none';
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
    ...(isBase ? {} : { classes: config.classes() }),
    activation: config.activation('hidden_act', 'relu'),
  });
}
