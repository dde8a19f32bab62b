// Operators of ONNX for signals: Fourier transforms, windows, mel scales; and counts of n-grams.

import { fit } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer, integers, text } from '../onnx-attributes.js';
import { needed, numbers, type Operation, operand, type Rule, type Rules, scalar, typeOfNumber } from './operation.js';
import { around, axisOf, countOf, exactTensor, fail, tensorOf } from './tensor.js';

type Complex = readonly [real: Float64Array, imaginary: Float64Array];

/** The discrete Fourier transform of a signal, by its definition. */
function transform([real, imaginary]: Complex, length: number, sign: number): Complex {
  const [re, im] = [new Float64Array(length), new Float64Array(length)];
  const cosines = Float64Array.from({ length }, (_, i) => Math.cos((2 * Math.PI * i) / length));
  const sines = Float64Array.from({ length }, (_, i) => sign * Math.sin((2 * Math.PI * i) / length));
  const count = Math.min(length, real.length);
  for (let k = 0; k < length; k++)
    for (let t = 0; t < count; t++) {
      const at = (k * t) % length;
      re[k] += real[t] * cosines[at] - imaginary[t] * sines[at];
      im[k] += real[t] * sines[at] + imaginary[t] * cosines[at];
    }
  return [re, im];
}

const fourier: Rule = (operation) => {
  const x = operand(operation, 0);
  // Axes are counted with that of real and imaginary parts.
  const axis = axisOf(scalar(operation, 2) ?? -2, x.shape.length);
  const parts = x.shape[x.shape.length - 1];
  const [isInverse, isOneSided] = [integer(operation, 'inverse', 0) === 1, integer(operation, 'onesided', 0) === 1];
  const isRealAgain = isInverse && isOneSided;
  const size = x.shape[axis];
  const length = scalar(operation, 1) ?? (isRealAgain ? 2 * (size - 1) : size);
  const kept = isOneSided && !isInverse ? Math.floor(length / 2) + 1 : length;
  const outParts = isRealAgain ? 1 : 2;
  const shape = x.shape.map((other, i) => (i === axis ? kept : i === x.shape.length - 1 ? outParts : other));
  const values = new Float64Array(countOf(shape));
  const [outer, , inner] = around(x.shape.slice(0, -1), axis);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const part = (p: number): Float64Array =>
        Float64Array.from({ length: size }, (_, t) =>
          p < parts ? x.values[((o * size + t) * inner + i) * parts + p] : 0,
        );
      const signal = isRealAgain ? mirrored([part(0), part(1)], length) : ([part(0), part(1)] as const);
      const [re, im] = transform(signal, length, isInverse ? 1 : -1);
      const factor = isInverse ? 1 / length : 1;
      for (let k = 0; k < kept; k++) {
        const at = ((o * kept + k) * inner + i) * outParts;
        values[at] = fit(re[k] * factor, x.type);
        if (outParts === 2) values[at + 1] = fit(im[k] * factor, x.type);
      }
    }
  return exactTensor(x.type, shape, values);
};

/** All frequencies of a real signal from the first half of them. */
function mirrored([re, im]: Complex, length: number): Complex {
  const half = Math.floor(length / 2);
  const at = (values: Float64Array, k: number, sign: number): number =>
    k <= half ? (values[k] ?? 0) : sign * (values[length - k] ?? 0);
  // The imaginary parts of the ends are none.
  const isEnd = (k: number): boolean => k === 0 || (length % 2 === 0 && k === half);
  return [
    Float64Array.from({ length }, (_, k) => at(re, k, 1)),
    Float64Array.from({ length }, (_, k) => (isEnd(k) ? 0 : at(im, k, -1))),
  ];
}

const shortTimeFourier: Rule = (operation) => {
  const x = operand(operation, 0);
  const step = needed(operation, 1)[0];
  const window = numbers(operation, 2);
  const length = scalar(operation, 3) ?? window?.length ?? x.shape[1];
  const [batch, time] = x.shape;
  const parts = x.shape.length === 3 ? x.shape[2] : 1;
  const frames = 1 + Math.floor((time - length) / step);
  const kept = integer(operation, 'onesided', 1) === 1 ? Math.floor(length / 2) + 1 : length;
  const shape = [batch, frames, kept, 2];
  const values = new Float64Array(countOf(shape));
  for (let n = 0; n < batch; n++)
    for (let f = 0; f < frames; f++) {
      const part = (p: number): Float64Array =>
        Float64Array.from({ length }, (_, t) =>
          p < parts ? x.values[(n * time + f * step + t) * parts + p] * (window?.[t] ?? 1) : 0,
        );
      const [re, im] = transform([part(0), part(1)], length, -1);
      for (let k = 0; k < kept; k++) {
        const at = ((n * frames + f) * kept + k) * 2;
        values[at] = fit(re[k], x.type);
        values[at + 1] = fit(im[k], x.type);
      }
    }
  return exactTensor(x.type, shape, values);
};

const windowOf =
  (of: (angle: number) => number): Rule =>
  (operation) => {
    const size = needed(operation, 0)[0];
    const period = integer(operation, 'periodic', 1) === 1 ? size : size - 1;
    return tensorOf(typeOfNumber(integer(operation, 'output_datatype', 1)), [size], (i) =>
      of((2 * Math.PI * i) / period),
    );
  };

/** Triangles that are evenly spaced on the mel scale (2595 · log10(1 + f / 700)). */
const melWeights: Rule = (operation) => {
  const [bins, length, rate, lowest, highest] = [0, 1, 2, 3, 4].map((place) => needed(operation, place)[0]);
  const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
  const step = (mel(highest) - mel(lowest)) / (bins + 2);
  const edges = Array.from({ length: bins + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((i * step + mel(lowest)) / 2595) - 1);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const rows = Math.floor(length / 2) + 1;
  return tensorOf(typeOfNumber(integer(operation, 'output_datatype', 1)), [rows, bins], (i) => {
    const [row, bin] = [Math.floor(i / bins), i % bins];
    const [low, center, high] = edges.slice(bin, bin + 3);
    if (row >= center && row < high && high > center) return (high - row) / (high - center);
    if (low === center) return Number(row === center);
    return row >= low && row <= center ? (row - low) / (center - low) : 0;
  });
};

const floats = ({ attributes }: Operation, key: string): readonly number[] | undefined => {
  const value = attributes[key];
  return typeof value === 'object' && 'floats' in value ? value.floats : undefined;
};

/** How often n-grams of a list stand in rows of numbers, their elements next to each other or with gaps. */
const countGrams: Rule = (operation) => {
  const x = operand(operation, 0);
  const pool = integers(operation, 'pool_int64s');
  if (pool === undefined) return fail('of texts cannot be run');
  const starts = integers(operation, 'ngram_counts') ?? [];
  const places = integers(operation, 'ngram_indexes') ?? [];
  const [least, most] = [integer(operation, 'min_gram_length', 1), integer(operation, 'max_gram_length', 1)];
  const skips = integer(operation, 'max_skip_count', 0);
  const mode = text(operation, 'mode', 'TF');
  const weights = floats(operation, 'weights');
  const columns = Math.max(...places) + 1;
  const [rows, length] = x.shape.length === 2 ? x.shape : [1, elementCount(x.shape)];
  const grams: Array<{ readonly elements: readonly number[]; readonly id: number }> = [];
  starts.forEach((start, i) => {
    const size = i + 1;
    for (let at = start; at + size <= (starts[i + 1] ?? pool.length); at += size)
      grams.push({ elements: pool.slice(at, at + size), id: grams.length });
  });
  const counts = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (const { elements, id } of grams) {
      const size = elements.length;
      if (size < least || size > most) continue;
      // A single element has no gaps.
      for (let gap = 1; gap <= (size === 1 ? 1 : skips + 1); gap++)
        for (let at = 0; at + (size - 1) * gap < length; at++)
          if (elements.every((element, k) => x.values[row * length + at + k * gap] === element))
            counts[row * columns + places[id]]++;
    }
  // Weights are of n-grams, and so are their places.
  const weightAt = (column: number): number => weights?.[places.indexOf(column)] ?? 1;
  return tensorOf('float32', x.shape.length === 2 ? [rows, columns] : [columns], (i) => {
    const weight = weightAt(i % columns);
    return mode === 'TF' ? counts[i] : mode === 'IDF' ? (counts[i] > 0 ? weight : 0) : counts[i] * weight;
  });
};

export const SIGNALS: Rules = {
  BlackmanWindow: windowOf((angle) => 0.42 - 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle)),
  DFT: fourier,
  HammingWindow: windowOf((angle) => 25 / 46 - (21 / 46) * Math.cos(angle)),
  HannWindow: windowOf((angle) => 0.5 - 0.5 * Math.cos(angle)),
  MelWeightMatrix: melWeights,
  STFT: shortTimeFourier,
  TfIdfVectorizer: countGrams,
};
