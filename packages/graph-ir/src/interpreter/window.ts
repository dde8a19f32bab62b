// What a convolution or pooling looks at, over any number of axes.
import { integer, integers, text } from '../onnx-attributes.js';
import type { Operation } from './operation.js';
import { fail, shown } from './tensor.js';

export interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Padding before each axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** The number of windows along each axis. */
  readonly counts: readonly number[];
}

/** The windows of a node over axes of these sizes. */
export function windowsOf(operation: Operation, sizes: readonly number[], kernel: readonly number[]): Windows {
  const rank = kernel.length;
  const stride = integers(operation, 'strides') ?? kernel.map(() => 1);
  const dilation = integers(operation, 'dilations') ?? kernel.map(() => 1);
  const pads = integers(operation, 'pads') ?? new Array<number>(2 * rank).fill(0);
  if (stride.length !== rank || dilation.length !== rank || pads.length !== 2 * rank || sizes.length !== rank)
    return fail(
      `strides ${shown(stride)}, dilations ${shown(dilation)}, pads ${shown(pads)} do not fit a kernel ${shown(kernel)}`,
    );
  const reach = kernel.map((size, i) => dilation[i] * (size - 1) + 1);
  const auto = text(operation, 'auto_pad', 'NOTSET');
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const counts = sizes.map((size, i) => Math.ceil(size / stride[i]));
    const totals = sizes.map((size, i) => Math.max(0, (counts[i] - 1) * stride[i] + reach[i] - size));
    const less = totals.map((total) => Math.floor(total / 2));
    const more = totals.map((total, i) => total - less[i]);
    const [before, after] = auto === 'SAME_UPPER' ? [less, more] : [more, less];
    return { kernel, stride, dilation, before, after, counts };
  }
  const before = auto === 'VALID' ? kernel.map(() => 0) : pads.slice(0, rank);
  const after = auto === 'VALID' ? kernel.map(() => 0) : pads.slice(rank);
  const roundsUp = integer(operation, 'ceil_mode', 0) === 1;
  const counts = sizes.map((size, i) => {
    const exact = (size + before[i] + after[i] - reach[i]) / stride[i] + 1;
    if (!roundsUp) return Math.floor(exact);
    const count = Math.ceil(exact);
    // The last window begins within the input.
    return (count - 1) * stride[i] >= size + before[i] ? count - 1 : count;
  });
  return { kernel, stride, dilation, before, after, counts };
}
