// Which fields of a layer's configuration are understood: what is in no list here is refused, so that none is ignored.
import { shortJson } from '@logah/files';
import { GraphError } from '../graph.js';
import type { Reader } from '../json-reader.js';

/** Values that say nothing else than the layer does without the field; or any, where the translation reads it or it matters to training alone. */
type Understood = 'any' | readonly unknown[];

type Fields = Readonly<Record<string, Understood>>;

const any = (...keys: readonly string[]): Fields => Object.fromEntries(keys.map((key) => [key, 'any']));

/** TensorFlow.js computes all floats in float32, whatever a layer's type of floats is called. */
const TYPES: ReadonlySet<unknown> = new Set([
  ...['float32', 'float16', 'bfloat16', 'mixed_float16', 'mixed_bfloat16'],
  ...['int32', 'int64', 'uint8', 'bool'],
]);

/** Fields of every layer. */
const COMMON = any('name', 'trainable', 'batch_input_shape', 'batch_shape', 'input_dtype', 'autocast');

/** Fields that only matter to training, of any weight. */
const TRAINING = /_(initializer|regularizer|constraint)$/;

const WINDOW = any('strides', 'padding', 'data_format');
const KERNEL: Fields = {
  ...WINDOW,
  ...any('filters', 'kernel_size', 'dilation_rate', 'use_bias', 'activation'),
};
const CONVOLUTION: Fields = { ...KERNEL, groups: 'any' };
const DEPTHWISE: Fields = { ...KERNEL, depth_multiplier: 'any', groups: [1] };
const POOL: Fields = { ...WINDOW, pool_size: 'any' };
const GLOBAL_POOL = any('data_format', 'keepdims');
const NORM = any('axis', 'epsilon', 'center', 'scale');
const BATCH_NORM: Fields = {
  ...NORM,
  ...any('momentum', 'fused', 'synchronized', 'renorm_clipping', 'renorm_momentum'),
  renorm: [false],
};
const DROPOUT = any('rate', 'seed', 'noise_shape', 'data_format');

/** By Keras' name; every layer that is translated is here. */
const FIELDS: Readonly<Record<string, Fields>> = {
  Dense: any('units', 'activation', 'use_bias'),
  Conv1D: CONVOLUTION,
  Conv2D: CONVOLUTION,
  DepthwiseConv2D: DEPTHWISE,
  SeparableConv2D: DEPTHWISE,
  Conv2DTranspose: { ...KERNEL, groups: [1] },
  MaxPooling1D: POOL,
  MaxPooling2D: POOL,
  AveragePooling1D: POOL,
  AveragePooling2D: POOL,
  GlobalAveragePooling1D: GLOBAL_POOL,
  GlobalAveragePooling2D: GLOBAL_POOL,
  GlobalMaxPooling1D: GLOBAL_POOL,
  GlobalMaxPooling2D: GLOBAL_POOL,
  ZeroPadding2D: any('padding', 'data_format'),
  Cropping2D: any('cropping', 'data_format'),
  UpSampling2D: any('size', 'data_format', 'interpolation'),
  BatchNormalization: BATCH_NORM,
  BatchNormalizationV1: BATCH_NORM,
  LayerNormalization: { ...NORM, rms_scaling: [false] },
  Activation: any('activation'),
  ReLU: any('max_value', 'negative_slope', 'threshold'),
  LeakyReLU: any('alpha', 'negative_slope'),
  ELU: any('alpha'),
  // The shape of the slopes says which axes share them.
  PReLU: any('shared_axes'),
  Softmax: any('axis'),
  Concatenate: any('axis'),
  Flatten: any('data_format'),
  Reshape: any('target_shape'),
  Permute: any('dims'),
  RepeatVector: any('n'),
  Embedding: any('input_dim', 'output_dim', 'input_length', 'mask_zero'),
  Rescaling: any('scale', 'offset'),
  LSTM: {
    ...any('units', 'activation', 'recurrent_activation', 'use_bias', 'unit_forget_bias'),
    ...any('return_sequences', 'return_state', 'go_backwards', 'stateful'),
    ...any('dropout', 'recurrent_dropout', 'seed', 'implementation', 'unroll'),
    // Masks are refused wherever they reach the layer.
    ...any('zero_output_for_mask'),
    time_major: [false],
  },
  Dropout: DROPOUT,
  SpatialDropout1D: DROPOUT,
  SpatialDropout2D: DROPOUT,
  GaussianNoise: any('stddev', 'seed'),
  GaussianDropout: DROPOUT,
  AlphaDropout: DROPOUT,
  ActivityRegularization: any('l1', 'l2'),
};

/** Throws {@link GraphError} for a field of a layer's configuration that is not understood, or has a value that is not. */
export function checkFields(kind: string, config: Reader): void {
  const fields: Fields = { ...COMMON, ...(Object.hasOwn(FIELDS, kind) ? FIELDS[kind] : {}) };
  for (const [key, value] of Object.entries(config.record())) {
    if (value === null || TRAINING.test(key)) continue;
    if (key === 'dtype') {
      if (!TYPES.has(typeName(config.field(key)))) config.field(key).fail(`one of ${[...TYPES].join(', ')}`);
      continue;
    }
    const understood = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (understood === undefined)
      throw new GraphError(`has the field "${key}" (${shortJson(value)}), which is not known`);
    if (understood !== 'any' && !understood.includes(value))
      throw new GraphError(
        `has ${key} ${shortJson(value)}; ${understood.map((one) => shortJson(one)).join(' or ')} is known`,
      );
  }
}

/** The name of a type, which is written as such or as a policy that has one. */
export const typeName = (dtype: Reader): unknown =>
  typeof dtype.value === 'string' ? dtype.value : dtype.field('config').field('name').value;
