// Operators of ONNX on integers of few bits that mean floats.

import { cast, type ElementType, integerRange, isFloat, roundToEven } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer } from '../onnx-attributes.js';
import { type Operation, operand, type Rule, type Rules, typeOfNumber } from './operation.js';
import { matMul, shifted } from './products.js';
import { axisOf, exactTensor, reshaped, stridesOf, type Tensor, tensorOf } from './tensor.js';
import { convolveIntegers, perOutput } from './windows.js';

/** Which element of scales or zero points belongs to each place of a tensor: one for all, for a row of an axis, or for a block. */
function chooser(operation: Operation, x: Tensor): (values: Tensor) => (place: number) => number {
  const rank = x.shape.length;
  const block = integer(operation, 'block_size', 0);
  return (values) => {
    if (values.values.length === 1) return () => values.values[0];
    const axis = axisOf(integer(operation, 'axis', 1), rank);
    const stride = stridesOf(x.shape);
    if (block === 0) return (place) => values.values[Math.floor(place / stride[axis]) % x.shape[axis]];
    const own = stridesOf(values.shape);
    return (place) => {
      let at = 0;
      for (let i = 0; i < rank; i++) {
        const index = Math.floor(place / stride[i]) % x.shape[i];
        at += (i === axis ? Math.floor(index / block) : index) * own[i];
      }
      return values.values[at];
    };
  };
}

/** A rounded number within the type's range. */
const saturated = (x: number, type: ElementType): number => {
  const [least, most] = integerRange(type);
  return Math.min(Math.max(x, least), most);
};

const quantise: Rule = (operation) => {
  const [x, scale, zero] = [operand(operation, 0), operand(operation, 1), operation.operands[2]];
  const given = integer(operation, 'output_dtype', 0);
  const type = zero?.type ?? (given === 0 ? 'uint8' : typeOfNumber(given));
  const choose = chooser(operation, x);
  const [scaleAt, zeroAt] = [choose(scale), zero === undefined ? () => 0 : choose(zero)];
  const saturates = integer(operation, 'saturate', 1) === 1;
  const values = Float64Array.from({ length: x.values.length }, (_, i) => {
    const ratio = Math.fround(x.values[i] / scaleAt(i));
    return isFloat(type)
      ? cast(ratio + zeroAt(i), type, { saturates })
      : saturated(roundToEven(ratio) + zeroAt(i), type);
  });
  return exactTensor(type, x.shape, values);
};

/** (x - zero point) · scale. */
const dequantise: Rule = (operation) => {
  const [x, scale, zero] = [operand(operation, 0), operand(operation, 1), operation.operands[2]];
  const given = integer(operation, 'output_dtype', 0);
  const choose = chooser(operation, x);
  const [scaleAt, zeroAt] = [choose(scale), zero === undefined ? () => 0 : choose(zero)];
  return tensorOf(
    given === 0 ? scale.type : typeOfNumber(given),
    x.shape,
    (i) => (x.values[i] - zeroAt(i)) * scaleAt(i),
  );
};

/** To integers from 0 to 255 that cover what there is and 0. Zeros alone have no range: the scale is 1 then, as in ONNX Runtime. */
const quantiseDynamically: Rule = (operation) => {
  const x = operand(operation, 0);
  let [least, most] = [0, 0];
  for (let i = 0; i < x.values.length; i++) {
    least = Math.min(least, x.values[i]);
    most = Math.max(most, x.values[i]);
  }
  const range = Math.fround(Math.fround(most - least) / 255);
  const scale = range === 0 ? 1 : range;
  const zero = saturated(roundToEven(Math.fround(-least / scale)), 'uint8');
  const values = Float64Array.from(x.values, (value) =>
    saturated(roundToEven(Math.fround(value / scale)) + zero, 'uint8'),
  );
  return [exactTensor('uint8', x.shape, values), exactTensor('float32', [], [scale]), exactTensor('uint8', [], [zero])];
};

/** Whole numbers times a factor for each place, as integers of few bits again. */
const requantised = (sums: Tensor, factor: (place: number) => number, scale: number, zero: Tensor): Tensor =>
  exactTensor(
    zero.type,
    sums.shape,
    Float64Array.from({ length: sums.values.length }, (_, i) =>
      saturated(roundToEven((sums.values[i] * factor(i)) / scale) + zero.values[0], zero.type),
    ),
  );

const product: Rule = (operation) => {
  const [a, scaleA, zeroA, b, scaleB, zeroB, scale, zero] = [0, 1, 2, 3, 4, 5, 6, 7].map((place) =>
    operand(operation, place),
  );
  const sums = matMul(shifted(a, zeroA, 'rows'), shifted(b, zeroB));
  const columns = sums.shape[sums.shape.length - 1];
  const rows = sums.shape[sums.shape.length - 2];
  const ofRow = (i: number): number =>
    scaleA.values.length === 1 ? scaleA.values[0] : scaleA.values[Math.floor(i / columns) % rows];
  const ofColumn = (i: number): number => (scaleB.values.length === 1 ? scaleB.values[0] : scaleB.values[i % columns]);
  return requantised(sums, (i) => ofRow(i) * ofColumn(i), scale.values[0], zero);
};

const convolution: Rule = (operation) => {
  const [x, scaleX, zeroX, weight, scaleWeight, zeroWeight, scale, zero] = [0, 1, 2, 3, 4, 5, 6, 7].map((place) =>
    operand(operation, place),
  );
  const bias = operation.operands[8];
  const sums = convolveIntegers(operation, x, zeroX, weight, zeroWeight);
  const area = elementCount(sums.shape.slice(2));
  const channelOf = (i: number): number => Math.floor(i / area) % sums.shape[1];
  const shiftedSums = tensorOf('int64', sums.shape, (i) => sums.values[i] + (bias?.values[channelOf(i)] ?? 0));
  const factors = perOutput(scaleWeight, weight) ?? reshaped(scaleWeight, []);
  return requantised(
    shiftedSums,
    (i) => scaleX.values[0] * (factors.values.length === 1 ? factors.values[0] : factors.values[channelOf(i)]),
    scale.values[0],
    zero,
  );
};

export const QUANTISED: Rules = {
  DequantizeLinear: dequantise,
  DynamicQuantizeLinear: quantiseDynamically,
  QLinearConv: convolution,
  QLinearMatMul: product,
  QuantizeLinear: quantise,
};
