// Operators of ONNX for attention and for positions in sequences.
import { fit } from '../element-types.js';
import { integer, real, text } from '../onnx-attributes.js';
import { numbers, operand, type Rule, type Rules, typeOfNumber } from './operation.js';
import { matMul } from './products.js';
import { softmaxOf } from './reductions.js';
import {
  concatenated,
  exactTensor,
  expanded,
  fail,
  mapVectors,
  reshaped,
  shown,
  stridesOf,
  type Tensor,
  takeRows,
  tensorOf,
  transposed,
} from './tensor.js';

/** `[batch, time, heads · size]` as `[batch, heads, time, size]`. */
function splitHeads(x: Tensor, heads: number): Tensor {
  if (x.shape.length === 4) return x;
  const [batch, time, width] = x.shape;
  if (x.shape.length !== 3 || heads === 0 || width % heads !== 0)
    return fail(`${shown(x.shape)} cannot be split into ${heads} heads`);
  return transposed(reshaped(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

function joinHeads(x: Tensor): Tensor {
  const [batch, heads, time, size] = x.shape;
  return reshaped(transposed(x, [0, 2, 1, 3]), [batch, time, heads * size]);
}

/** Every head as often as there are queries for it. */
const repeated = (x: Tensor, heads: number): Tensor =>
  x.shape[1] === heads
    ? x
    : takeRows(
        x,
        1,
        Array.from({ length: heads }, (_, i) => Math.floor(i / (heads / x.shape[1]))),
      );

const scaledBy = (x: Tensor, factor: number): Tensor => tensorOf(x.type, x.shape, (i) => x.values[i] * factor);
const swapped = (x: Tensor): Tensor => transposed(x, [0, 1, 3, 2]);

/** A mask added to logits: minus infinity where a position may not look. */
function additiveMask(mask: Tensor, keys: number, type: Tensor['type']): Tensor {
  const isBool = mask.type === 'bool';
  const last = mask.shape.length - 1;
  const missing = keys - mask.shape[last];
  const filled =
    missing > 0
      ? concatenated(
          [
            mask,
            tensorOf(mask.type, [...mask.shape.slice(0, -1), missing], () => (isBool ? 0 : Number.NEGATIVE_INFINITY)),
          ],
          last,
        )
      : mask;
  return tensorOf(type, filled.shape, (i) =>
    isBool ? (filled.values[i] !== 0 ? 0 : Number.NEGATIVE_INFINITY) : filled.values[i],
  );
}

const attention: Rule = (operation) => {
  const [queries, newKeys, newValues] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const [, , , mask, pastKeys, pastValues] = operation.operands;
  const lengths = numbers(operation, 6);
  const q = splitHeads(queries, integer(operation, 'q_num_heads', 0));
  const ownKeys = splitHeads(newKeys, integer(operation, 'kv_num_heads', 0));
  const ownValues = splitHeads(newValues, integer(operation, 'kv_num_heads', 0));
  const presentKeys = pastKeys ? concatenated([pastKeys, ownKeys], 2) : ownKeys;
  const presentValues = pastValues ? concatenated([pastValues, ownValues], 2) : ownValues;
  const [batch, heads, time, size] = q.shape;
  const keys = presentKeys.shape[2];
  if (heads % presentKeys.shape[1] !== 0)
    return fail(`${heads} query heads are not a multiple of ${presentKeys.shape[1]} key heads`);
  const scale = Math.sqrt(real(operation, 'scale', 1 / Math.sqrt(size)));
  const rounded = fit(scale, q.type);
  const product = matMul(scaledBy(q, rounded), swapped(scaledBy(repeated(presentKeys, heads), rounded)));
  const cap = real(operation, 'softcap', 0);
  const raw = product;
  const capped = cap > 0 ? tensorOf(q.type, product.shape, (i) => cap * Math.tanh(product.values[i] / cap)) : product;
  const offset = (n: number): number => pastKeys?.shape[2] ?? (lengths ? lengths[n] - time : 0);
  const isCausal = integer(operation, 'is_causal', 0) === 1;
  const [left, right] = [integer(operation, 'left_window_size', -1), integer(operation, 'right_window_size', -1)];
  const strides = stridesOf(capped.shape);
  const added = mask && expanded(maskAs4d(additiveMask(mask, keys, q.type)), capped.shape);
  const bias = Float64Array.from({ length: capped.values.length }, (_, i) => {
    const n = Math.floor(i / strides[0]);
    const [row, column] = [Math.floor(i / keys) % time, i % keys];
    const behind = row + offset(n) - column;
    const isHidden =
      (isCausal && behind < 0) ||
      (left >= 0 && behind > left) ||
      (right >= 0 && -behind > right) ||
      (lengths !== undefined && column >= lengths[n]);
    return isHidden ? Number.NEGATIVE_INFINITY : (added?.values[i] ?? 0);
  });
  const precision = integer(operation, 'softmax_precision', 0);
  const softType = precision === 0 ? q.type : typeOfNumber(precision);
  const logits = tensorOf(q.type, capped.shape, (i) => capped.values[i] + bias[i]);
  const soft = new Float64Array(logits.values.length);
  for (let start = 0; start < soft.length; start += keys) {
    // A row that may look nowhere looks nowhere.
    if (bias.subarray(start, start + keys).every((value) => value === Number.NEGATIVE_INFINITY)) continue;
    const row = Array.from({ length: keys }, (_, i) => fit(logits.values[start + i], softType));
    soft.set(
      softmaxOf(row, softType).map((share) => fit(fit(share, softType), q.type)),
      start,
    );
  }
  const weights = exactTensor(q.type, logits.shape, soft);
  const mixed = matMul(weights, repeated(presentValues, heads));
  const shownLogits = [raw, capped, logits, weights][integer(operation, 'qk_matmul_output_mode', 0)] ?? raw;
  // Mode 0 shows products as they are, but a cap goes before what is shown there, too.
  const exposed = integer(operation, 'qk_matmul_output_mode', 0) === 0 ? capped : shownLogits;
  if (batch === 0) return fail('of an empty batch cannot be run');
  return [queries.shape.length === 3 ? joinHeads(mixed) : mixed, presentKeys, presentValues, exposed];
};

const maskAs4d = (mask: Tensor): Tensor =>
  reshaped(mask, [...new Array<number>(Math.max(0, 4 - mask.shape.length)).fill(1), ...mask.shape]);

/** Pairs of features turned by angles whose cosines and sines are given. */
const rotary: Rule = (operation) => {
  const [given, cosines, sines] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const positions = operation.operands[3];
  const x = splitHeads(given, integer(operation, 'num_heads', 0));
  const [, heads, time, size] = x.shape;
  const turned = integer(operation, 'rotary_embedding_dim', 0) || size;
  const half = turned / 2;
  if (cosines.shape[cosines.shape.length - 1] !== half)
    return fail(`angles ${shown(cosines.shape)} should end with ${half}`);
  const isInterleaved = integer(operation, 'interleaved', 0) === 1;
  const result = tensorOf(x.type, x.shape, (i) => {
    const d = i % size;
    if (d >= turned) return x.values[i];
    const t = Math.floor(i / size) % time;
    const n = Math.floor(i / (size * time * heads));
    const row = positions ? positions.values[n * time + t] : n * time + t;
    const pair = isInterleaved ? Math.floor(d / 2) : d % half;
    const isFirst = isInterleaved ? d % 2 === 0 : d < half;
    const partner = i + (isFirst ? 1 : -1) * (isInterleaved ? 1 : half);
    const [cosine, sine] = [cosines.values[row * half + pair], sines.values[row * half + pair]];
    return isFirst ? x.values[i] * cosine - x.values[partner] * sine : x.values[partner] * sine + x.values[i] * cosine;
  });
  return given.shape.length === 3 ? joinHeads(result) : result;
};

/** Attention without a softmax, as a state that every position writes to and reads from. */
const linearAttention: Rule = (operation) => {
  const [queries, keys, values] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const [, , , past, decay, beta] = operation.operands;
  const [heads, groups] = [integer(operation, 'q_num_heads', 0), integer(operation, 'kv_num_heads', 0)];
  const rule = text(operation, 'update_rule', 'gated_delta');
  if (!['linear', 'gated', 'delta', 'gated_delta'].includes(rule))
    return fail(`updates by "${rule}"; known are linear, gated, delta, gated_delta`);
  const wide = (x: Tensor): Tensor => ({ ...x, type: 'float32' });
  const [q, k, v] = [
    splitHeads(wide(queries), heads),
    splitHeads(wide(keys), groups),
    splitHeads(wide(values), groups),
  ];
  const [batch, , time, size] = q.shape;
  const width = v.shape[3];
  const scale = real(operation, 'scale', 0) || 1 / Math.sqrt(size);
  const decays = decay && splitHeads(wide(decay), groups);
  const state = Float64Array.from({ length: batch * groups * size * width }, (_, i) => past?.values[i] ?? 0);
  const out = new Float64Array(batch * heads * time * width);
  for (let t = 0; t < time; t++)
    for (let n = 0; n < batch; n++)
      for (let g = 0; g < groups; g++) {
        const base = (n * groups + g) * size * width;
        const at = (tensor: Tensor, d: number): number => {
          const last = tensor.shape[3];
          return tensor.values[((n * groups + g) * time + t) * last + (last === 1 ? 0 : d)];
        };
        if (decays && rule.startsWith('gated'))
          for (let d = 0; d < size; d++) {
            const factor = Math.exp(at(decays, d));
            for (let m = 0; m < width; m++) state[base + d * width + m] *= factor;
          }
        for (let m = 0; m < width; m++) {
          let value = at(v, m);
          if (rule.endsWith('delta')) {
            let found = 0;
            for (let d = 0; d < size; d++) found += state[base + d * width + m] * at(k, d);
            const last = beta?.shape[2] ?? 1;
            value = (beta?.values[(n * time + t) * last + (last === 1 ? 0 : g)] ?? 1) * (value - found);
          }
          for (let d = 0; d < size; d++) state[base + d * width + m] += at(k, d) * value;
        }
        for (let h = g * (heads / groups); h < (g + 1) * (heads / groups); h++)
          for (let m = 0; m < width; m++) {
            let sum = 0;
            for (let d = 0; d < size; d++)
              sum += q.values[((n * heads + h) * time + t) * size + d] * state[base + d * width + m];
            out[((n * heads + h) * time + t) * width + m] = fit(scale * sum, queries.type);
          }
      }
  const last = past?.type ?? queries.type;
  return [
    joinHeads(exactTensor(queries.type, [batch, heads, time, width], out)),
    tensorOf(last, [batch, groups, size, width], (i) => state[i]),
  ];
};

/** Attention whose logits and weights graphs within the node may change. */
const flexAttention: Rule = (operation) => {
  const [q, k, v] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const heads = q.shape[1];
  const scale = fit(Math.sqrt(real(operation, 'scale', 1 / Math.sqrt(q.shape[3]))), q.type);
  const precision = integer(operation, 'softmax_precision', 0);
  const type = precision === 0 ? (q.type === 'float64' ? 'float64' : 'float32') : typeOfNumber(precision);
  const as = (x: Tensor, to: Tensor['type']): Tensor => tensorOf(to, x.shape, (i) => x.values[i]);
  const change = (name: string, x: Tensor): Tensor => {
    const body = operation.bodies?.[name];
    return body === undefined ? x : as(body.run([x])[0], type);
  };
  const product = matMul(scaledBy(q, scale), swapped(scaledBy(repeated(k, heads), scale)));
  const scores = change('score_mod', as(product, type));
  const weights = change(
    'prob_mod',
    mapVectors(scores, 3, type, (vector) => softmaxOf(vector, type)),
  );
  return as(matMul(weights, as(repeated(v, heads), type)), v.type);
};

export const ATTENTION: Rules = {
  Attention: attention,
  LinearAttention: linearAttention,
  RotaryEmbedding: rotary,
  'ai.onnx.preview.FlexAttention': flexAttention,
};
