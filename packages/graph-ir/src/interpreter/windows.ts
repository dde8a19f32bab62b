// Operators of ONNX that look at windows: convolutions and pools over any number of axes.

import { fit } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer, integers, text } from '../onnx-attributes.js';
import { needed, type Operation, operand, type Rule, type Rules } from './operation.js';
import { shifted } from './products.js';
import { countOf, exactTensor, fail, forEachPlace, reshaped, shown, stridesOf, type Tensor } from './tensor.js';
import { type Windows, windowsOf } from './window.js';

/** The index along each axis of a place in a shape. */
function indexAt(place: number, shape: readonly number[], strides: readonly number[]): number[] {
  return shape.map((size, axis) => Math.floor(place / strides[axis]) % size);
}

/** For every window and every place of the kernel that lies on the input, the place of the input; -1 for padding. */
function placesOf(windows: Windows, sizes: readonly number[]): Int32Array {
  const { kernel, stride, dilation, before, counts } = windows;
  const [outs, taps] = [countOf(counts), elementCount(kernel)];
  const [outStrides, tapStrides, strides] = [stridesOf(counts), stridesOf(kernel), stridesOf(sizes)];
  const places = new Int32Array(outs * taps);
  for (let out = 0; out < outs; out++) {
    const at = indexAt(out, counts, outStrides);
    for (let tap = 0; tap < taps; tap++) {
      const within = indexAt(tap, kernel, tapStrides);
      let place = 0;
      for (let axis = 0; axis < sizes.length; axis++) {
        const i = at[axis] * stride[axis] - before[axis] + within[axis] * dilation[axis];
        if (i < 0 || i >= sizes[axis]) {
          place = -1;
          break;
        }
        place += i * strides[axis];
      }
      places[out * taps + tap] = place;
    }
  }
  return places;
}

function convolve(x: Tensor, weight: Tensor, bias: Tensor | undefined, operation: Operation): Tensor {
  const [batch, channels, ...sizes] = x.shape;
  const [outputs, perGroup, ...kernel] = weight.shape;
  const groups = integer(operation, 'group', 1);
  if (channels !== perGroup * groups || outputs % groups !== 0)
    return fail(`cannot convolve ${shown(x.shape)} with ${shown(weight.shape)} in ${groups} group(s)`);
  const windows = windowsOf(operation, sizes, kernel);
  const places = placesOf(windows, sizes);
  const [area, taps] = [elementCount(sizes), elementCount(kernel)];
  const outs = elementCount(windows.counts);
  const values = new Float64Array(countOf([batch, outputs, ...windows.counts]));
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++) {
      const group = Math.floor(o / (outputs / groups));
      for (let out = 0; out < outs; out++) {
        let sum = bias?.values[o] ?? 0;
        for (let c = 0; c < perGroup; c++) {
          const from = (n * channels + group * perGroup + c) * area;
          const at = (o * perGroup + c) * taps;
          for (let tap = 0; tap < taps; tap++) {
            const place = places[out * taps + tap];
            if (place >= 0) sum += x.values[from + place] * weight.values[at + tap];
          }
        }
        values[(n * outputs + o) * outs + out] = fit(sum, x.type);
      }
    }
  return exactTensor(x.type, [batch, outputs, ...windows.counts], values);
}

const convolution: Rule = (operation) =>
  convolve(operand(operation, 0), operand(operation, 1), operation.operands[2], operation);

/** Zero points for each output channel lie along the kernel's first axis. */
export const perOutput = (zero: Tensor | undefined, weight: Tensor): Tensor | undefined =>
  zero && zero.values.length > 1
    ? reshaped(zero, [zero.values.length, ...weight.shape.slice(1).map(() => 1)])
    : zero && reshaped(zero, []);

/** Integers convolved; padding is the zero point, so it is 0 once that is taken off. */
export function convolveIntegers(
  operation: Operation,
  x: Tensor,
  zeroX: Tensor | undefined,
  weight: Tensor,
  zeroWeight: Tensor | undefined,
): Tensor {
  const shiftedWeight = shifted(weight, perOutput(zeroWeight, weight));
  return convolve(shifted(x, zeroX && reshaped(zeroX, [])), shiftedWeight, undefined, operation);
}

const integerConvolution: Rule = (operation) =>
  convolveIntegers(
    operation,
    operand(operation, 0),
    operation.operands[2],
    operand(operation, 1),
    operation.operands[3],
  );

/** Every element of the input spreads the kernel over the output. */
const transposedConvolution: Rule = (operation) => {
  const [x, weight, bias] = [operand(operation, 0), operand(operation, 1), operation.operands[2]];
  const [batch, channels, ...sizes] = x.shape;
  const [, perGroup, ...kernel] = weight.shape;
  const groups = integer(operation, 'group', 1);
  const outputs = perGroup * groups;
  const stride = integers(operation, 'strides') ?? kernel.map(() => 1);
  const dilation = integers(operation, 'dilations') ?? kernel.map(() => 1);
  const extra = integers(operation, 'output_padding') ?? kernel.map(() => 0);
  const auto = text(operation, 'auto_pad', 'NOTSET');
  const isSame = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
  const given = auto === 'NOTSET' ? (integers(operation, 'pads') ?? []) : [];
  const wanted = integers(operation, 'output_shape')?.slice(-kernel.length);
  const whole = sizes.map((size, i) => stride[i] * (size - 1) + extra[i] + dilation[i] * (kernel[i] - 1) + 1);
  const counts = sizes.map(
    (size, i) =>
      wanted?.[i] ?? (isSame ? size * stride[i] : whole[i] - (given[i] ?? 0) - (given[i + kernel.length] ?? 0)),
  );
  const before = counts.map((count, i) => {
    if (wanted === undefined && !isSame) return given[i] ?? 0;
    const total = Math.max(0, whole[i] - count);
    return auto === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2);
  });
  const shape = [batch, outputs, ...counts];
  const sums = new Float64Array(countOf(shape));
  const [area, taps, outs] = [elementCount(sizes), elementCount(kernel), elementCount(counts)];
  const [inStrides, tapStrides, outStrides] = [stridesOf(sizes), stridesOf(kernel), stridesOf(counts)];
  const target = (place: number, tap: number): number => {
    const [at, within] = [indexAt(place, sizes, inStrides), indexAt(tap, kernel, tapStrides)];
    let to = 0;
    for (let axis = 0; axis < sizes.length; axis++) {
      const i = at[axis] * stride[axis] + within[axis] * dilation[axis] - before[axis];
      if (i < 0 || i >= counts[axis]) return -1;
      to += i * outStrides[axis];
    }
    return to;
  };
  const targets = Int32Array.from({ length: area * taps }, (_, i) => target(Math.floor(i / taps), i % taps));
  const inGroup = channels / groups;
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let o = 0; o < perGroup; o++) {
        const output = Math.floor(c / inGroup) * perGroup + o;
        for (let place = 0; place < area; place++) {
          const value = x.values[(n * channels + c) * area + place];
          for (let tap = 0; tap < taps; tap++) {
            const to = targets[place * taps + tap];
            if (to >= 0)
              sums[(n * outputs + output) * outs + to] += value * weight.values[(c * perGroup + o) * taps + tap];
          }
        }
      }
  for (let i = 0; i < sums.length; i++)
    sums[i] = fit(sums[i] + (bias?.values[Math.floor(i / outs) % outputs] ?? 0), x.type);
  return exactTensor(x.type, shape, sums);
};

/** What a pool goes over: every window of every channel. */
function poolOf(operation: Operation) {
  const x = operand(operation, 0);
  const [batch, channels, ...sizes] = x.shape;
  const kernel = integers(operation, 'kernel_shape') ?? fail('has no kernel_shape');
  const windows = windowsOf(operation, sizes, kernel);
  const places = placesOf(windows, sizes);
  const [area, taps, outs] = [elementCount(sizes), elementCount(kernel), elementCount(windows.counts)];
  return {
    x,
    sizes,
    windows,
    places,
    area,
    taps,
    outs,
    images: batch * channels,
    shape: [batch, channels, ...windows.counts],
  };
}

/** What a pool makes of the elements in a window; `size` counts the kernel's places that padding has a part in. */
type Pool = (elements: readonly number[], size: number) => number;

function pooled(operation: Operation, combine: Pool): Tensor {
  const { x, sizes, windows, places, area, taps, outs, images, shape } = poolOf(operation);
  // Windows that rounding up adds reach beyond padding: that is none.
  const padded = paddedCounts(windows, sizes);
  const values = new Float64Array(countOf(shape));
  for (let image = 0; image < images; image++)
    for (let out = 0; out < outs; out++) {
      const elements: number[] = [];
      for (let tap = 0; tap < taps; tap++) {
        const place = places[out * taps + tap];
        if (place >= 0) elements.push(x.values[image * area + place]);
      }
      values[image * outs + out] = fit(combine(elements, padded[out]), x.type);
    }
  return exactTensor(x.type, shape, values);
}

/** How many places of each window lie on the input or on the padding that was asked for. */
function paddedCounts(windows: Windows, sizes: readonly number[]): Float64Array {
  const { kernel, stride, dilation, before, after, counts } = windows;
  const strides = stridesOf(counts);
  return Float64Array.from({ length: elementCount(counts) }, (_, out) => {
    const at = indexAt(out, counts, strides);
    return sizes.reduce((product, size, axis) => {
      let within = 0;
      for (let k = 0; k < kernel[axis]; k++)
        if (at[axis] * stride[axis] + k * dilation[axis] < size + before[axis] + after[axis]) within++;
      return product * within;
    }, 1);
  });
}

const averagePool: Rule = (operation) => {
  const countsPadding = integer(operation, 'count_include_pad', 0) === 1;
  return pooled(
    operation,
    (elements, size) => elements.reduce((a, b) => a + b, 0) / (countsPadding ? size : elements.length),
  );
};

const lpPool: Rule = (operation) => {
  const p = integer(operation, 'p', 2);
  return pooled(operation, (elements) => elements.reduce((sum, x) => sum + Math.abs(x) ** p, 0) ** (1 / p));
};

/** The largest element of each window, and its place in the input: in column-major order where the node says so. */
const maxPool: Rule = (operation) => {
  const { x, sizes, places, area, taps, outs, images, shape } = poolOf(operation);
  const [values, found] = [new Float64Array(countOf(shape)), new Float64Array(countOf(shape))];
  const isColumnMajor = integer(operation, 'storage_order', 0) === 1;
  const strides = stridesOf(sizes);
  const columnMajor = (place: number): number => {
    let [result, step] = [0, 1];
    sizes.forEach((size, axis) => {
      result += (Math.floor(place / strides[axis]) % size) * step;
      step *= size;
    });
    return result;
  };
  for (let image = 0; image < images; image++)
    for (let out = 0; out < outs; out++) {
      let [most, at] = [Number.NEGATIVE_INFINITY, -1];
      for (let tap = 0; tap < taps; tap++) {
        const place = places[out * taps + tap];
        if (place < 0) continue;
        const value = x.values[image * area + place];
        if (at < 0 || value > most || Number.isNaN(value)) [most, at] = [value, place];
      }
      values[image * outs + out] = most;
      found[image * outs + out] = image * area + (isColumnMajor ? columnMajor(at) : at);
    }
  return [exactTensor(x.type, shape, values), exactTensor('int64', shape, found)];
};

const maxUnpool: Rule = (operation) => {
  const [x, places] = [operand(operation, 0), operand(operation, 1)];
  const kernel = integers(operation, 'kernel_shape') ?? fail('has no kernel_shape');
  const stride = integers(operation, 'strides') ?? kernel.map(() => 1);
  const pads = integers(operation, 'pads') ?? new Array<number>(2 * kernel.length).fill(0);
  const plain = x.shape.map((size, axis) =>
    axis < 2
      ? size
      : (size - 1) * stride[axis - 2] - pads[axis - 2] - pads[axis - 2 + kernel.length] + kernel[axis - 2],
  );
  const shape = operation.operands[2] ? needed(operation, 2) : plain;
  const values = new Float64Array(countOf(shape));
  // Places count in the output that the pool had, whose corner a larger one keeps.
  const [from, to] = [stridesOf(plain), stridesOf(shape)];
  for (let i = 0; i < places.values.length; i++) {
    const index = indexAt(places.values[i], plain, from);
    values[index.reduce((sum, at, axis) => sum + at * to[axis], 0)] = x.values[i];
  }
  return exactTensor(x.type, shape, values);
};

const globally =
  (combine: (values: readonly number[]) => number): Rule =>
  (operation) => {
    const x = operand(operation, 0);
    const [batch, channels, ...sizes] = x.shape;
    const area = elementCount(sizes);
    const values = Float64Array.from({ length: batch * channels }, (_, i) =>
      fit(combine(Array.prototype.slice.call(x.values, i * area, (i + 1) * area)), x.type),
    );
    return exactTensor(x.type, [batch, channels, ...sizes.map(() => 1)], values);
  };

/** Sums windows back into the image that they came from. */
const columnsToImage: Rule = (operation) => {
  const x = operand(operation, 0);
  const [image, block] = [needed(operation, 1), needed(operation, 2)];
  const windows = windowsOf(operation, image, block);
  const places = placesOf(windows, image);
  const [taps, outs, area] = [elementCount(block), elementCount(windows.counts), elementCount(image)];
  const [batch, rows, columns] = x.shape;
  if (columns !== outs || rows % taps !== 0)
    return fail(`${shown(x.shape)} are not blocks ${shown(block)} of ${shown(image)}`);
  const channels = rows / taps;
  const values = new Float64Array(countOf([batch, channels, ...image]));
  for (let i = 0; i < batch * channels; i++)
    for (let tap = 0; tap < taps; tap++)
      for (let out = 0; out < outs; out++) {
        const place = places[out * taps + tap];
        if (place >= 0) values[i * area + place] += x.values[(i * taps + tap) * outs + out];
      }
  return exactTensor(
    x.type,
    [batch, channels, ...image],
    values.map((value) => fit(value, x.type)),
  );
};

/** A convolution of signals that looks back only, with what came before them. */
const causalConvolution: Rule = (operation) => {
  const [x, weight, bias, past] = [operand(operation, 0), operand(operation, 1), ...operation.operands.slice(2)];
  const [batch, channels, length] = x.shape;
  const kernel = weight.shape[2];
  const before = kernel - 1;
  const at = (n: number, c: number, t: number): number =>
    t >= before
      ? x.values[(n * channels + c) * length + t - before]
      : past
        ? past.values[(n * channels + c) * before + t]
        : 0;
  const activation = text(operation, 'activation', 'none');
  if (!['none', 'silu', 'swish'].includes(activation))
    return fail(`has the activation "${activation}"; known are none, silu, swish`);
  const values = new Float64Array(countOf(x.shape));
  for (let i = 0; i < values.length; i++) {
    const [n, c, t] = [Math.floor(i / (channels * length)), Math.floor(i / length) % channels, i % length];
    let sum = bias?.values[c] ?? 0;
    for (let k = 0; k < kernel; k++) sum += at(n, c, t + k) * weight.values[c * kernel + k];
    const plain = fit(sum, x.type);
    values[i] = activation === 'none' ? plain : fit(plain / (1 + Math.exp(-plain)), x.type);
  }
  const state = Float64Array.from({ length: batch * channels * before }, (_, i) => {
    const [n, c, t] = [Math.floor(i / (channels * before)), Math.floor(i / before) % channels, i % before];
    return at(n, c, length + t);
  });
  return [exactTensor(x.type, x.shape, values), exactTensor(x.type, [batch, channels, before], state)];
};

/** A convolution whose places of the kernel are moved by offsets, between pixels too. */
const deformableConvolution: Rule = (operation) => {
  const [x, weight, offset, bias, mask] = [
    operand(operation, 0),
    operand(operation, 1),
    operand(operation, 2),
    ...operation.operands.slice(3),
  ];
  const [batch, channels, height, width] = x.shape;
  const [outputs, perGroup, kernelHeight, kernelWidth] = weight.shape;
  if (x.shape.length !== 4) return fail(`of ${shown(x.shape)}; images can be`);
  const [groups, offsetGroups] = [integer(operation, 'group', 1), integer(operation, 'offset_group', 1)];
  const { stride, dilation, before, counts } = windowsOf(operation, [height, width], [kernelHeight, kernelWidth]);
  const [rows, columns] = counts;
  const [area, taps] = [rows * columns, kernelHeight * kernelWidth];
  const pixel = (image: number, y: number, z: number): number =>
    y >= 0 && y < height && z >= 0 && z < width ? x.values[image * height * width + y * width + z] : 0;
  const between = (image: number, y: number, z: number): number => {
    const [top, left] = [Math.floor(y), Math.floor(z)];
    const [v, u] = [y - top, z - left];
    return (
      (1 - v) * ((1 - u) * pixel(image, top, left) + u * pixel(image, top, left + 1)) +
      v * ((1 - u) * pixel(image, top + 1, left) + u * pixel(image, top + 1, left + 1))
    );
  };
  const values = new Float64Array(countOf([batch, outputs, rows, columns]));
  forEachPlace([batch, outputs, rows, columns], [], (i) => {
    const [n, o] = [Math.floor(i / (outputs * area)), Math.floor(i / area) % outputs];
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    let sum = bias?.values[o] ?? 0;
    for (let c = 0; c < perGroup; c++) {
      const channel = Math.floor(o / (outputs / groups)) * perGroup + c;
      const group = Math.floor(channel / (channels / offsetGroups));
      for (let tap = 0; tap < taps; tap++) {
        const at = ((n * offsetGroups + group) * taps + tap) * area + row * columns + column;
        const moved = ((n * offsetGroups + group) * taps + tap) * 2 * area + row * columns + column;
        const y = row * stride[0] - before[0] + Math.floor(tap / kernelWidth) * dilation[0] + offset.values[moved];
        const z = column * stride[1] - before[1] + (tap % kernelWidth) * dilation[1] + offset.values[moved + area];
        sum +=
          between(n * channels + channel, y, z) *
          weight.values[(o * perGroup + c) * taps + tap] *
          (mask?.values[at] ?? 1);
      }
    }
    values[i] = fit(sum, x.type);
  });
  return exactTensor(x.type, [batch, outputs, rows, columns], values);
};

export const WINDOWS: Rules = {
  AveragePool: averagePool,
  CausalConvWithState: causalConvolution,
  Col2Im: columnsToImage,
  Conv: convolution,
  ConvInteger: integerConvolution,
  ConvTranspose: transposedConvolution,
  DeformConv: deformableConvolution,
  GlobalAveragePool: globally((values) => values.reduce((a, b) => a + b, 0) / values.length),
  GlobalLpPool: (operation) => {
    const p = integer(operation, 'p', 2);
    return globally((values) => values.reduce((sum, x) => sum + Math.abs(x) ** p, 0) ** (1 / p))(operation);
  },
  GlobalMaxPool: globally((values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)),
  LpPool: lpPool,
  MaxPool: maxPool,
  MaxUnpool: maxUnpool,
};
