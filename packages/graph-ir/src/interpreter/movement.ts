// Operators of ONNX that move elements: shapes, slices, pads, gathers, scatters.

import { type ElementType, fit } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer, integers, text } from '../onnx-attributes.js';
import {
  type Choices,
  needed,
  numbers,
  type Operation,
  operand,
  type Rule,
  type Rules,
  scalar,
  typeOfNumber,
} from './operation.js';
import {
  around,
  axisOf,
  concatenated,
  countOf,
  exactTensor,
  fail,
  forEachPlace,
  reshaped,
  shown,
  stridesOf,
  type Tensor,
  takeRows,
  tensorOf,
  transposed,
} from './tensor.js';

/** An attribute that holds one element of the result. */
function fillingOf(operation: Operation): { readonly type: ElementType; readonly value: number } {
  const value = operation.attributes.value;
  const filling = typeof value === 'object' && 'constant' in value ? value.constant : undefined;
  return { type: filling?.element ?? filling?.dtype ?? 'float32', value: filling?.values[0] ?? 0 };
}

/** The shape of ONNX's Reshape: 0 copies, -1 takes the rest. */
function reshapedTo(from: readonly number[], to: readonly number[], keepsZero: boolean): number[] {
  const copied = to.map((size, i) =>
    size === 0 && !keepsZero ? (from[i] ?? fail(`${shown(from)} has no size to copy at ${i}`)) : size,
  );
  const taken = elementCount(copied.filter((size) => size !== -1));
  const rest = taken === 0 ? 0 : elementCount(from) / taken;
  return copied.map((size) => (size === -1 ? rest : size));
}

const slice: Rule = (operation) => {
  const x = operand(operation, 0);
  const [starts, ends] = [needed(operation, 1), needed(operation, 2)];
  const axes = numbers(operation, 3) ?? starts.map((_, i) => i);
  const steps = numbers(operation, 4) ?? starts.map(() => 1);
  return axes.reduce((tensor: Tensor, axis, i) => {
    const place = axisOf(axis, x.shape.length);
    return takeRows(tensor, place, rowsOfSlice(starts[i], ends[i], steps[i], x.shape[place]));
  }, x);
};

/** The rows that a slice takes of an axis. */
export function rowsOfSlice(start: number, end: number, step: number, size: number): number[] {
  if (step === 0) fail('slices with steps of 0');
  const clamp = (value: number, least: number, most: number): number =>
    Math.min(Math.max(value < 0 ? value + size : value, least), most);
  const first = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const last = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  const count = Math.max(0, Math.ceil((last - first) / step));
  return Array.from({ length: count }, (_, i) => first + i * step);
}

/** An index that may count from the end. */
const indexOf = (index: number, size: number): number => {
  const place = index < 0 ? index + size : index;
  return place >= 0 && place < size ? place : fail(`the index ${index} is not among ${size}`);
};

const gather: Rule = (operation) => {
  const [x, indices] = [operand(operation, 0), operand(operation, 1)];
  const axis = axisOf(integer(operation, 'axis', 0), x.shape.length);
  const rows = takeRows(
    x,
    axis,
    Array.from(indices.values, (index) => indexOf(index, x.shape[axis])),
  );
  return reshaped(rows, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
};

/** The places in `data` that indices of the shape of `indices` mean along an axis. */
function elementPlaces(data: readonly number[], indices: Tensor, axis: number): Float64Array {
  const strides = stridesOf(data);
  const places = new Float64Array(countOf(indices.shape));
  forEachPlace(indices.shape, [strides.map((stride, i) => (i === axis ? 0 : stride))], (i, [from]) => {
    places[i] = from + indexOf(indices.values[i], data[axis]) * strides[axis];
  });
  return places;
}

const gatherElements: Rule = (operation) => {
  const [x, indices] = [operand(operation, 0), operand(operation, 1)];
  const places = elementPlaces(x.shape, indices, axisOf(integer(operation, 'axis', 0), x.shape.length));
  return exactTensor(
    x.type,
    indices.shape,
    Float64Array.from(places, (place) => x.values[place]),
  );
};

const REDUCTIONS: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ['none', (_: number, b: number) => b],
  ['add', (a: number, b: number) => a + b],
  ['mul', (a: number, b: number) => a * b],
  ['max', (a: number, b: number) => Math.max(a, b)],
  ['min', (a: number, b: number) => Math.min(a, b)],
]);

export const MOVEMENT_CHOICES: Choices = {
  Pad: { mode: ['constant', 'edge', 'reflect', 'wrap'] },
  ScatterElements: { reduction: [...REDUCTIONS.keys()] },
  ScatterND: { reduction: [...REDUCTIONS.keys()] },
};

const combinationOf = (operation: Operation): ((a: number, b: number) => number) =>
  REDUCTIONS.get(text(operation, 'reduction', 'none')) ??
  fail(`reduces by "${text(operation, 'reduction', '')}"; known are ${[...REDUCTIONS.keys()].join(', ')}`);

const scatterElements: Rule = (operation) => {
  const [x, indices, updates] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const combine = combinationOf(operation);
  const places = elementPlaces(x.shape, indices, axisOf(integer(operation, 'axis', 0), x.shape.length));
  const values = Float64Array.from(x.values);
  places.forEach((place, i) => {
    values[place] = fit(combine(values[place], updates.values[i]), x.type);
  });
  return exactTensor(x.type, x.shape, values);
};

/** Where slices at indices `[..., depth]` of the axes after the first few begin, and how long each is. */
function slicePlaces(
  data: readonly number[],
  indices: Tensor,
  batchAxes: number,
): { readonly places: Float64Array; readonly run: number } {
  const depth = indices.shape[indices.shape.length - 1];
  const strides = stridesOf(data);
  const count = elementCount(indices.shape.slice(0, -1));
  const perBatch = elementCount(indices.shape.slice(batchAxes, -1));
  const batchStride = batchAxes === 0 ? 0 : strides[batchAxes - 1];
  const places = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let place = Math.floor(i / perBatch) * batchStride;
    for (let d = 0; d < depth; d++)
      place += indexOf(indices.values[i * depth + d], data[batchAxes + d]) * strides[batchAxes + d];
    places[i] = place;
  }
  return { places, run: elementCount(data.slice(batchAxes + depth)) };
}

const gatherAt: Rule = (operation) => {
  const [x, indices] = [operand(operation, 0), operand(operation, 1)];
  const batchAxes = integer(operation, 'batch_dims', 0);
  const { places, run } = slicePlaces(x.shape, indices, batchAxes);
  const depth = indices.shape[indices.shape.length - 1];
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(batchAxes + depth)];
  return tensorOf(x.type, shape, (i) => x.values[places[Math.floor(i / run)] + (i % run)]);
};

const scatterAt: Rule = (operation) => {
  const [x, indices, updates] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const combine = combinationOf(operation);
  const { places, run } = slicePlaces(x.shape, indices, 0);
  const values = Float64Array.from(x.values);
  for (let i = 0; i < places.length * run; i++) {
    const place = places[Math.floor(i / run)] + (i % run);
    values[place] = fit(combine(values[place], updates.values[i]), x.type);
  }
  return exactTensor(x.type, x.shape, values);
};

/** Writes along an axis from a place that each batch has of its own. */
const tensorScatter: Rule = (operation) => {
  const [cache, update] = [operand(operation, 0), operand(operation, 1)];
  const axis = axisOf(integer(operation, 'axis', -2), cache.shape.length);
  const starts = numbers(operation, 2) ?? new Array<number>(cache.shape[0]).fill(0);
  const wraps = text(operation, 'mode', 'linear') === 'circular';
  const [outer, size, inner] = around(cache.shape, axis);
  const length = update.shape[axis];
  const values = Float64Array.from(cache.values);
  const perBatch = outer / cache.shape[0];
  for (let o = 0; o < outer; o++)
    for (let j = 0; j < length; j++) {
      const at = starts[Math.floor(o / perBatch)] + j;
      const row = wraps ? at % size : indexOf(at, size);
      for (let i = 0; i < inner; i++)
        values[(o * size + row) * inner + i] = update.values[(o * length + j) * inner + i];
    }
  return exactTensor(cache.type, cache.shape, values);
};

/** The place within a size that a padded place shows; undefined for a place that is filled. */
function paddedPlace(place: number, size: number, mode: string): number | undefined {
  if (place >= 0 && place < size) return place;
  if (size === 0) return undefined;
  switch (mode) {
    case 'constant':
      return undefined;
    case 'edge':
      return place < 0 ? 0 : size - 1;
    case 'wrap':
      return ((place % size) + size) % size;
    case 'reflect': {
      const period = 2 * (size - 1);
      if (period === 0) return 0;
      const within = ((place % period) + period) % period;
      return within < size ? within : period - within;
    }
    default:
      return fail(`pads with mode "${mode}"; known are constant, edge, reflect, wrap`);
  }
}

/** The rows that an axis gets, undefined for what is filled. A negative number takes rows away first: what is repeated is what is left, as in ONNX Runtime. */
function paddedPlaces(
  size: number,
  [before, after]: readonly [before: number, after: number],
  mode: string,
): ReadonlyArray<number | undefined> {
  const length = size + before + after;
  if (mode === 'constant') return Array.from({ length }, (_, j) => paddedPlace(j - before, size, mode));
  const cut = Math.max(0, -before);
  const left = size - cut - Math.max(0, -after);
  const added = Math.max(before, after, 0);
  // How more than is left goes on is nowhere said.
  const most = mode === 'edge' || left === size ? Number.POSITIVE_INFINITY : mode === 'reflect' ? left - 1 : left;
  if (left < 0 || (left === 0 && added > 0) || added > Math.max(0, most))
    return fail(
      `pads with mode "${mode}" by ${before} and ${after}, but of ${size} rows only ${left} are left to repeat`,
    );
  return Array.from({ length }, (_, j) => {
    const place = paddedPlace(j - Math.max(0, before), left, mode);
    return place === undefined ? undefined : place + cut;
  });
}

const pad: Rule = (operation) => {
  const x = operand(operation, 0);
  const pads = needed(operation, 1);
  const axes = numbers(operation, 3) ?? x.shape.map((_, i) => i);
  const mode = text(operation, 'mode', 'constant');
  const filling = fit(scalar(operation, 2) ?? 0, x.type);
  return axes.reduce((tensor: Tensor, axis, i) => {
    const place = axisOf(axis, x.shape.length);
    const [outer, size, inner] = around(tensor.shape, place);
    const to = size + pads[i] + pads[i + axes.length];
    const from = paddedPlaces(size, [pads[i], pads[i + axes.length]], mode);
    const shape = tensor.shape.map((length, j) => (j === place ? to : length));
    const values = new Float64Array(countOf(shape));
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < to; j++) {
        const row = from[j];
        for (let k = 0; k < inner; k++)
          values[(o * to + j) * inner + k] = row === undefined ? filling : tensor.values[(o * size + row) * inner + k];
      }
    return { type: x.type, shape, values };
  }, x);
};

const split: Rule = (operation) => {
  const x = operand(operation, 0);
  const axis = axisOf(integer(operation, 'axis', 0), x.shape.length);
  const size = x.shape[axis];
  const each = Math.ceil(size / operation.results);
  const sizes =
    numbers(operation, 1) ?? Array.from({ length: operation.results }, (_, i) => Math.min(each, size - each * i));
  if (elementCount([sizes.reduce((a, b) => a + b, 0)]) !== size)
    return fail(`parts ${shown(sizes)} do not make ${size}`);
  let start = 0;
  return sizes.map((length) => {
    start += length;
    return takeRows(
      x,
      axis,
      Array.from({ length }, (_, i) => start - length + i),
    );
  });
};

const unsqueeze: Rule = (operation) => {
  const x = operand(operation, 0);
  const axes = needed(operation, 1);
  const rank = x.shape.length + axes.length;
  const places = new Set(axes.map((axis) => axisOf(axis, rank)));
  let next = 0;
  return reshaped(
    x,
    Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : x.shape[next++])),
  );
};

const squeeze: Rule = (operation) => {
  const x = operand(operation, 0);
  const axes = numbers(operation, 1);
  const gone = axes
    ? new Set(axes.map((axis) => axisOf(axis, x.shape.length)))
    : new Set(x.shape.flatMap((size, axis) => (size === 1 ? [axis] : [])));
  return reshaped(
    x,
    x.shape.filter((_, axis) => !gone.has(axis)),
  );
};

const tile: Rule = (operation) => {
  const x = operand(operation, 0);
  return needed(operation, 1).reduce((tensor: Tensor, count, axis) => {
    const size = tensor.shape[axis];
    return takeRows(
      tensor,
      axis,
      Array.from({ length: countOf([size * count]) }, (_, i) => i % size),
    );
  }, x);
};

/** Pixels of larger images as channels, or the other way round. */
const depthToSpace: Rule = (operation) => {
  const x = operand(operation, 0);
  const [batch, channels, height, width] = x.shape;
  const size = integer(operation, 'blocksize', 1);
  const depth = channels / size ** 2;
  const isDepthFirst = text(operation, 'mode', 'DCR') === 'DCR';
  const parts = reshaped(
    x,
    isDepthFirst ? [batch, size, size, depth, height, width] : [batch, depth, size, size, height, width],
  );
  return reshaped(transposed(parts, isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]), [
    batch,
    depth,
    height * size,
    width * size,
  ]);
};

const spaceToDepth: Rule = (operation) => {
  const x = operand(operation, 0);
  const [batch, channels, height, width] = x.shape;
  const size = integer(operation, 'blocksize', 1);
  const [rows, columns] = [height / size, width / size];
  const isDepthFirst = text(operation, 'mode', 'DCR') === 'DCR';
  const parts = reshaped(x, [batch, channels, rows, size, columns, size]);
  return reshaped(transposed(parts, isDepthFirst ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]), [
    batch,
    channels * size ** 2,
    rows,
    columns,
  ]);
};

const reverseSequence: Rule = (operation) => {
  const [x, lengths] = [operand(operation, 0), needed(operation, 1)];
  const [batchAxis, timeAxis] = [integer(operation, 'batch_axis', 1), integer(operation, 'time_axis', 0)];
  const strides = stridesOf(x.shape);
  return tensorOf(x.type, x.shape, (i) => {
    const time = Math.floor(i / strides[timeAxis]) % x.shape[timeAxis];
    const length = lengths[Math.floor(i / strides[batchAxis]) % x.shape[batchAxis]];
    return x.values[time < length ? i + (length - 1 - 2 * time) * strides[timeAxis] : i];
  });
};

const trilu: Rule = (operation) => {
  const x = operand(operation, 0);
  const k = scalar(operation, 1) ?? 0;
  const isUpper = integer(operation, 'upper', 1) === 1;
  const [rows, columns] = x.shape.slice(-2);
  return tensorOf(x.type, x.shape, (i) => {
    const ahead = (i % columns) - (Math.floor(i / columns) % rows);
    return (isUpper ? ahead >= k : ahead <= k) ? x.values[i] : 0;
  });
};

const eyeLike: Rule = (operation) => {
  const x = operand(operation, 0);
  const to = integer(operation, 'dtype', 0);
  const k = integer(operation, 'k', 0);
  const columns = x.shape[1];
  return tensorOf(to === 0 ? x.type : typeOfNumber(to), x.shape, (i) =>
    Number((i % columns) - Math.floor(i / columns) === k),
  );
};

/** Cuts or pads axes around their middle. */
const centerCropPad: Rule = (operation) => {
  const x = operand(operation, 0);
  const sizes = needed(operation, 1);
  const axes = integers(operation, 'axes') ?? x.shape.map((_, i) => i);
  return axes.reduce((tensor: Tensor, axis, i) => {
    const place = axisOf(axis, x.shape.length);
    const [outer, size, inner] = around(tensor.shape, place);
    const to = sizes[i];
    const offset = to > size ? -Math.floor((to - size) / 2) : Math.floor((size - to) / 2);
    const shape = tensor.shape.map((length, j) => (j === place ? to : length));
    const values = new Float64Array(countOf(shape));
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < to; j++) {
        const row = j + offset;
        if (row < 0 || row >= size) continue;
        for (let k = 0; k < inner; k++) values[(o * to + j) * inner + k] = tensor.values[(o * size + row) * inner + k];
      }
    return { type: x.type, shape, values };
  }, x);
};

const range: Rule = (operation) => {
  const start = operand(operation, 0);
  const [from, limit, step] = [start.values[0], needed(operation, 1)[0], needed(operation, 2)[0]];
  const count = Math.max(0, Math.ceil((limit - from) / step));
  return tensorOf(start.type, [count], (i) => from + i * step);
};

/** A row of one value with another at the index; an index that is none gives a row of the first. */
const oneHot: Rule = (operation) => {
  const [indices, choices] = [operand(operation, 0), operand(operation, 2)];
  const depth = Math.trunc(needed(operation, 1)[0]);
  const axis = axisOf(integer(operation, 'axis', -1), indices.shape.length + 1);
  const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
  const inner = elementCount(indices.shape.slice(axis));
  const [off, on] = [choices.values[0], choices.values[1]];
  return tensorOf(choices.type, shape, (i) => {
    const index = Math.trunc(indices.values[Math.floor(i / (depth * inner)) * inner + (i % inner)]);
    const place = index < 0 ? index + depth : index;
    return Math.floor(i / inner) % depth === place ? on : off;
  });
};

export const MOVEMENT: Rules = {
  CenterCropPad: centerCropPad,
  Concat: (operation) => {
    const tensors = operation.operands.map((_, i) => operand(operation, i));
    return concatenated(tensors, axisOf(integer(operation, 'axis', 0), tensors[0].shape.length));
  },
  ConstantOfShape: (operation) => {
    const { type, value } = fillingOf(operation);
    const shape = needed(operation, 0);
    return exactTensor(type, shape, new Float64Array(countOf(shape)).fill(value));
  },
  DepthToSpace: depthToSpace,
  EyeLike: eyeLike,
  Flatten: (operation) => {
    const x = operand(operation, 0);
    const axis = integer(operation, 'axis', 1);
    const place = axis < 0 ? axis + x.shape.length : axis;
    return reshaped(x, [elementCount(x.shape.slice(0, place)), elementCount(x.shape.slice(place))]);
  },
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherAt,
  OneHot: oneHot,
  Pad: pad,
  Range: range,
  Reshape: (operation) => {
    const x = operand(operation, 0);
    return reshaped(x, reshapedTo(x.shape, needed(operation, 1), integer(operation, 'allowzero', 0) === 1));
  },
  ReverseSequence: reverseSequence,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterAt,
  Shape: (operation) => {
    const { shape } = operand(operation, 0);
    const places = rowsOfSlice(
      integer(operation, 'start', 0),
      integer(operation, 'end', shape.length),
      1,
      shape.length,
    );
    return exactTensor(
      'int64',
      [places.length],
      places.map((place) => shape[place]),
    );
  },
  Size: (operation) => exactTensor('int64', [], [elementCount(operand(operation, 0).shape)]),
  Slice: slice,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: squeeze,
  TensorScatter: tensorScatter,
  Tile: tile,
  Transpose: (operation) => {
    const x = operand(operation, 0);
    return transposed(x, integers(operation, 'perm') ?? x.shape.map((_, i) => x.shape.length - 1 - i));
  },
  Trilu: trilu,
  Unsqueeze: unsqueeze,
};
