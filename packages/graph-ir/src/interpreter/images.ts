// Operators of ONNX that look between pixels, and those of boxes in images.
import { fit, roundToEven } from '../element-types.js';
import { integer, integers, real, text } from '../onnx-attributes.js';
import { type Choices, needed, numbers, type Operation, operand, type Rule, type Rules, scalar } from './operation.js';
import { around, axisOf, countOf, exactTensor, fail, shown, stridesOf, type Tensor, tensorOf } from './tensor.js';

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** Where the region of interest begins and ends, as shares of the axis. */
  readonly region: readonly [start: number, end: number];
}

/** The place along an axis that element i of the result shows, by ONNX's names. `length` is the exact size of the result. */
const COORDINATES: Readonly<Record<string, (i: number, axis: Axis, length: number) => number>> = {
  asymmetric: (i, { scale }) => i / scale,
  half_pixel: (i, { scale }) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, { scale, from, to }, length) => (from / 2) * (1 - to / length) + (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, { scale }, length) => (length === 1 ? -0.5 : (i + 0.5) / scale - 0.5),
  align_corners: (i, { from }, length) => (length === 1 ? 0 : (i * (from - 1)) / (length - 1)),
  tf_crop_and_resize: (i, { from, region: [start, end] }, length) =>
    start * (from - 1) +
    (length === 1 ? ((end - start) * (from - 1)) / 2 : (i * (end - start) * (from - 1)) / (length - 1)),
};

/** The nearest neighbour of a place between two, by ONNX's names. */
const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

export const IMAGE_CHOICES: Choices = {
  Resize: {
    mode: ['nearest', 'linear', 'cubic'],
    nearest_mode: Object.keys(ROUNDINGS),
    coordinate_transformation_mode: Object.keys(COORDINATES),
  },
};

/** Keys' cubic kernel (1981). */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

interface Neighbours {
  readonly places: readonly number[];
  readonly shares: readonly number[];
}

/** Which elements of an axis make up a place between them, and with what shares. */
function neighboursOf(operation: Operation, place: number, scale: number): Neighbours {
  const mode = text(operation, 'mode', 'nearest');
  if (mode === 'nearest') {
    const name = text(operation, 'nearest_mode', 'round_prefer_floor');
    const round = ROUNDINGS[name] ?? fail(`rounds by "${name}"; known are ${Object.keys(ROUNDINGS).join(', ')}`);
    return { places: [round(place)], shares: [1] };
  }
  // Smoothing widens the kernel by as much as the image shrinks.
  const width = integer(operation, 'antialias', 0) === 1 ? Math.min(scale, 1) : 1;
  const reach =
    mode === 'linear' ? 1 : mode === 'cubic' ? 2 : fail(`resizes by "${mode}"; known are nearest, linear, cubic`);
  const a = real(operation, 'cubic_coeff_a', -0.75);
  const kernel = (distance: number): number =>
    mode === 'linear' ? Math.max(0, 1 - Math.abs(distance)) : cubic(distance, a);
  const first = Math.floor(place) + Math.floor(-reach / width) + 1;
  const count = 2 * (Math.floor(place) - first) + 2;
  const places = Array.from({ length: count }, (_, i) => first + i);
  const shares = places.map((at) => kernel((at - place) * width));
  const total = width === 1 ? 1 : shares.reduce((sum, share) => sum + share, 0);
  return { places, shares: shares.map((share) => share / total) };
}

/** What the result's sizes and scales are. */
function targetOf(operation: Operation, x: Tensor, axes: readonly number[]): { sizes: number[]; scales: number[] } {
  const [scales, sizes] = [numbers(operation, 2), numbers(operation, 3)];
  if (sizes === undefined || sizes.length === 0) {
    if (scales?.length !== axes.length) return fail(`has scales ${shown(scales ?? [])} for ${axes.length} axes`);
    return { scales, sizes: axes.map((axis, i) => Math.floor(x.shape[axis] * scales[i])) };
  }
  if (sizes.length !== axes.length) return fail(`has sizes ${shown(sizes)} for ${axes.length} axes`);
  const own = axes.map((axis, i) => sizes[i] / x.shape[axis]);
  const policy = text(operation, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return { sizes, scales: own };
  const scale = policy === 'not_larger' ? Math.min(...own) : Math.max(...own);
  return { sizes: axes.map((axis) => Math.floor(scale * x.shape[axis] + 0.5)), scales: axes.map(() => scale) };
}

const resize: Rule = (operation) => {
  const x = operand(operation, 0);
  const axes = (integers(operation, 'axes') ?? x.shape.map((_, i) => i)).map((axis) => axisOf(axis, x.shape.length));
  const { sizes, scales } = targetOf(operation, x, axes);
  const name = text(operation, 'coordinate_transformation_mode', 'half_pixel');
  const coordinate =
    COORDINATES[name] ?? fail(`maps places by "${name}"; known are ${Object.keys(COORDINATES).join(', ')}`);
  const region = numbers(operation, 1) ?? [];
  const isCrop = name === 'tf_crop_and_resize';
  const excludes = integer(operation, 'exclude_outside', 0) === 1;
  const filling = real(operation, 'extrapolation_value', 0);
  const wide: Tensor = { ...x, type: 'float64' };
  const result = axes.reduce((tensor: Tensor, place, i) => {
    const axis: Axis = {
      from: tensor.shape[place],
      to: sizes[i],
      scale: scales[i],
      region: isCrop ? [region[i], region[i + axes.length]] : [0, 1],
    };
    const isSame = axis.from === axis.to && axis.scale === 1 && axis.region[0] === 0 && axis.region[1] === 1;
    return isSame ? tensor : resizedAxis(tensor, place, axis);
  }, wide);
  return tensorOf(x.type, result.shape, (i) => result.values[i]);

  function resizedAxis(tensor: Tensor, place: number, axis: Axis): Tensor {
    const [outer, size, inner] = around(tensor.shape, place);
    const rows = Array.from({ length: axis.to }, (_, i) => {
      const at = coordinate(i, axis, axis.scale * axis.from);
      if (isCrop && (at < 0 || at > size - 1)) return undefined;
      const { places, shares } = neighboursOf(operation, at, axis.scale);
      const counted = excludes ? shares.map((share, k) => (places[k] < 0 || places[k] >= size ? 0 : share)) : shares;
      const total = excludes ? counted.reduce((sum, share) => sum + share, 0) : 1;
      return places.map((from, k) => [Math.min(Math.max(from, 0), size - 1), counted[k] / total] as const);
    });
    const shape = tensor.shape.map((length, i) => (i === place ? axis.to : length));
    const values = new Float64Array(countOf(shape));
    for (let o = 0; o < outer; o++)
      rows.forEach((row, j) => {
        for (let k = 0; k < inner; k++) {
          let sum = row === undefined ? filling : 0;
          for (const [from, share] of row ?? []) sum += share * tensor.values[(o * size + from) * inner + k];
          values[(o * axis.to + j) * inner + k] = sum;
        }
      });
    return exactTensor('float64', shape, values);
  }
};

/** A place beyond borders, reflected by them until it is within. */
function reflected(x: number, least: number, most: number): number {
  const range = most - least;
  if (range === 0) return least;
  const period = 2 * range;
  const within = (((x - least) % period) + period) % period;
  return least + (within > range ? period - within : within);
}

const gridSample: Rule = (operation) => {
  const [x, grid] = [operand(operation, 0), operand(operation, 1)];
  const [batch, channels, ...sizes] = x.shape;
  const modes: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };
  const given = text(operation, 'mode', 'linear');
  const mode = modes[given] ?? given;
  if (!['nearest', 'linear', 'cubic'].includes(mode))
    return fail(`samples by "${mode}"; known are nearest, linear, cubic`);
  const padding = text(operation, 'padding_mode', 'zeros');
  const isAligned = integer(operation, 'align_corners', 0) === 1;
  const rank = sizes.length;
  const outSizes = grid.shape.slice(1, -1);
  const outs = outSizes.reduce((a, b) => a * b, 1);
  const area = sizes.reduce((a, b) => a * b, 1);
  const strides = stridesOf(sizes);
  const border = (axis: number): readonly [number, number] =>
    isAligned ? [0, sizes[axis] - 1] : [-0.5, sizes[axis] - 0.5];
  const within = (place: number, axis: number): number =>
    padding === 'border'
      ? Math.min(Math.max(place, 0), sizes[axis] - 1)
      : padding === 'reflection'
        ? reflected(place, ...border(axis))
        : place;
  const neighbours = (place: number): ReadonlyArray<readonly [number, number]> => {
    if (mode === 'nearest') return [[roundToEven(place), 1]];
    const low = Math.floor(place);
    const offsets = mode === 'linear' ? [0, 1] : [-1, 0, 1, 2];
    return offsets.map((offset) => [
      low + offset,
      mode === 'linear' ? 1 - Math.abs(low + offset - place) : cubic(low + offset - place, -0.75),
    ]);
  };
  const values = new Float64Array(countOf([batch, channels, ...outSizes]));
  for (let n = 0; n < batch; n++)
    for (let out = 0; out < outs; out++) {
      // Coordinates name the last axis first.
      const along = sizes.map((size, axis) => {
        const at = grid.values[(n * outs + out) * rank + (rank - 1 - axis)];
        const place = Math.fround(isAligned ? ((at + 1) / 2) * (size - 1) : ((at + 1) * size - 1) / 2);
        const [least, most] = border(axis);
        const seen = mode === 'nearest' ? roundToEven(place) : place;
        return neighbours(seen < least || seen > most ? within(seen, axis) : seen);
      });
      for (let c = 0; c < channels; c++) {
        const at = (axis: number, offset: number): number => {
          if (axis === rank) return x.values[(n * channels + c) * area + offset];
          let sum = 0;
          for (const [place, share] of along[axis]) {
            const row = place >= 0 && place < sizes[axis] ? place : Math.trunc(within(place, axis));
            if (row >= 0 && row < sizes[axis]) sum += share * at(axis + 1, offset + row * strides[axis]);
          }
          return sum;
        };
        values[(n * channels + c) * outs + out] = fit(at(0, 0), x.type);
      }
    }
  return exactTensor(x.type, [batch, channels, ...outSizes], values);
};

const affineGrid: Rule = (operation) => {
  const theta = operand(operation, 0);
  const [batch, , ...sizes] = needed(operation, 1);
  const isAligned = integer(operation, 'align_corners', 0) === 1;
  const rank = sizes.length;
  const strides = stridesOf(sizes);
  const area = sizes.reduce((a, b) => a * b, 1);
  const at = (i: number, size: number): number =>
    isAligned ? (size === 1 ? -1 : -1 + (2 * i) / (size - 1)) : -1 + (2 * i + 1) / size;
  return tensorOf(theta.type, [batch, ...sizes, rank], (i) => {
    const [row, place, n] = [i % rank, Math.floor(i / rank) % area, Math.floor(i / (rank * area))];
    let sum = theta.values[(n * rank + row) * (rank + 1) + rank];
    for (let k = 0; k < rank; k++) {
      // The first coordinate is along the last axis.
      const axis = rank - 1 - k;
      sum +=
        theta.values[(n * rank + row) * (rank + 1) + k] *
        at(Math.floor(place / strides[axis]) % sizes[axis], sizes[axis]);
    }
    return sum;
  });
};

/** Means or maxima of pixels at places between them, over a grid in each region. */
const regionAlign: Rule = (operation) => {
  const [x, regions, images] = [operand(operation, 0), operand(operation, 1), operand(operation, 2)];
  const [, channels, height, width] = x.shape;
  const [rows, columns] = [integer(operation, 'output_height', 1), integer(operation, 'output_width', 1)];
  const scale = real(operation, 'spatial_scale', 1);
  const ratio = integer(operation, 'sampling_ratio', 0);
  const isHalf = text(operation, 'coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
  const isMax = text(operation, 'mode', 'avg') === 'max';
  const corners = (base: number, y: number, z: number): number[] => {
    if (y < -1 || y > height || z < -1 || z > width) return [0, 0, 0, 0];
    const [top, left] = [Math.max(y, 0), Math.max(z, 0)];
    const [row, column] = [Math.min(Math.floor(top), height - 1), Math.min(Math.floor(left), width - 1)];
    const [below, right] = [Math.min(row + 1, height - 1), Math.min(column + 1, width - 1)];
    const [v, u] = [row >= height - 1 ? 0 : top - row, column >= width - 1 ? 0 : left - column];
    const at = (i: number, j: number): number => x.values[base + i * width + j];
    return [
      (1 - v) * (1 - u) * at(row, column),
      (1 - v) * u * at(row, right),
      v * (1 - u) * at(below, column),
      v * u * at(below, right),
    ];
  };
  const offset = isHalf ? 0.5 : 0;
  const count = regions.shape[0];
  return tensorOf(x.type, [count, channels, rows, columns], (i) => {
    const [n, c] = [Math.floor(i / (channels * rows * columns)), Math.floor(i / (rows * columns)) % channels];
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    const [left, top, right, bottom] = [0, 1, 2, 3].map((k) => regions.values[n * 4 + k] * scale - offset);
    const wide = isHalf ? right - left : Math.max(right - left, 1);
    const high = isHalf ? bottom - top : Math.max(bottom - top, 1);
    const [cellHeight, cellWidth] = [high / rows, wide / columns];
    const [downs, acrosses] = [cellHeight, cellWidth].map((size) => (ratio > 0 ? ratio : Math.ceil(size)));
    const base = (images.values[n] * channels + c) * height * width;
    let [sum, most] = [0, Number.NEGATIVE_INFINITY];
    for (let down = 0; down < downs; down++)
      for (let across = 0; across < acrosses; across++) {
        const y = top + row * cellHeight + ((down + 0.5) * cellHeight) / downs;
        const z = left + column * cellWidth + ((across + 0.5) * cellWidth) / acrosses;
        const parts = corners(base, y, z);
        sum += parts.reduce((a, b) => a + b, 0);
        most = Math.max(most, ...parts);
      }
    if (isMax) return downs * acrosses === 0 ? 0 : most;
    return sum / Math.max(downs * acrosses, 1);
  });
};

interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** The share of two boxes that they have in common. */
function overlap(a: Box, b: Box): number {
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  if (height <= 0 || width <= 0) return 0;
  const area = (box: Box): number => (box.bottom - box.top) * (box.right - box.left);
  return (height * width) / (area(a) + area(b) - height * width);
}

/** Boxes with the best scores of each class, without those that overlap one that was taken. */
const nonMaxSuppression: Rule = (operation) => {
  const [boxes, scores] = [operand(operation, 0), operand(operation, 1)];
  const most = scalar(operation, 2) ?? 0;
  const limit = scalar(operation, 3) ?? 0;
  const least = scalar(operation, 4) ?? Number.NEGATIVE_INFINITY;
  const isCentred = integer(operation, 'center_point_box', 0) === 1;
  const [batch, classes, count] = scores.shape;
  const boxAt = (n: number, i: number): Box => {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => boxes.values[(n * count + i) * 4 + k]);
    return isCentred
      ? { top: b - d / 2, left: a - c / 2, bottom: b + d / 2, right: a + c / 2 }
      : { top: Math.min(a, c), left: Math.min(b, d), bottom: Math.max(a, c), right: Math.max(b, d) };
  };
  const taken: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < classes; c++) {
      const score = (i: number): number => scores.values[(n * classes + c) * count + i];
      const candidates = Array.from({ length: count }, (_, i) => i)
        .filter((i) => score(i) > least)
        .sort((a, b) => score(b) - score(a) || a - b);
      const kept: number[] = [];
      for (const candidate of candidates) {
        if (kept.length >= most) break;
        if (kept.every((other) => overlap(boxAt(n, candidate), boxAt(n, other)) <= limit)) kept.push(candidate);
      }
      for (const i of kept) taken.push(n, c, i);
    }
  return exactTensor('int64', [taken.length / 3, 3], taken);
};

export const IMAGES: Rules = {
  AffineGrid: affineGrid,
  GridSample: gridSample,
  NonMaxSuppression: nonMaxSuppression,
  Resize: resize,
  RoiAlign: regionAlign,
};
