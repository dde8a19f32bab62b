// What a convolution or pooling looks at: strides, dilations, and the padding that its node asks for in one of several ways.
import { type Dimension, GraphError, type Shape } from '../graph.js';
import { integer, integers, text } from '../onnx-attributes.js';
import type { ForeignNode } from './foreign.js';

export interface ForeignWindow {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * The window of a Conv, ConvTranspose or pool over axes of these sizes, with padding in numbers; a pool that rounds up has more of it at the end.
 * Throws {@link GraphError} where padding depends on a size that is not known.
 */
export function windowOf(node: ForeignNode, sizes: Shape, kernel: readonly number[]): ForeignWindow {
  const ones = kernel.map(() => 1);
  const stride = integers(node, 'strides') ?? ones;
  const dilation = integers(node, 'dilations') ?? ones;
  const rank = kernel.length;
  const given = integers(node, 'pads') ?? [...ones, ...ones].map(() => 0);
  if (
    stride.length !== rank ||
    dilation.length !== rank ||
    given.length !== 2 * rank ||
    sizes.length !== rank ||
    stride.some((size) => size < 1)
  )
    throw new GraphError(
      `strides [${stride}], dilations [${dilation}] and pads [${given}] do not fit a kernel [${kernel}]`,
    );
  const auto = text(node, 'auto_pad', 'NOTSET');
  if (auto === 'VALID') return { stride, dilation, before: ones.map(() => 0), after: ones.map(() => 0) };
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const totals = kernel.map((size, i) =>
      node.op === 'ConvTranspose'
        ? Math.max(0, dilation[i] * (size - 1) + 1 - stride[i])
        : samePadding(sizes[i], dilation[i] * (size - 1) + 1, stride[i]),
    );
    const less = totals.map((total) => Math.floor(total / 2));
    const more = totals.map((total, i) => total - less[i]);
    return auto === 'SAME_UPPER'
      ? { stride, dilation, before: less, after: more }
      : { stride, dilation, before: more, after: less };
  }
  const before = given.slice(0, rank);
  const after = given.slice(rank);
  if (integer(node, 'ceil_mode', 0) === 0) return { stride, dilation, before, after };
  return {
    stride,
    dilation,
    before,
    after: after.map(
      (size, i) => size + roundingUp(sizes[i], before[i], size, dilation[i] * (kernel[i] - 1) + 1, stride[i]),
    ),
  };
}

/** The padding with which there are as many windows as strides in the size, rounded up. */
function samePadding(size: Dimension, kernel: number, stride: number): number {
  if (typeof size === 'number') return Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  if (stride === 1) return kernel - 1;
  throw new GraphError(`padding of a stride of ${stride} depends on the size "${size}": give it a number`);
}

/** How much more padding makes room for a last window that starts within the input. */
function roundingUp(size: Dimension, before: number, after: number, kernel: number, stride: number): number {
  if (typeof size !== 'number') {
    if (stride === 1) return 0;
    throw new GraphError(`rounding up depends on the size "${size}": give it a number`);
  }
  const spare = (size + before + after - kernel) % stride;
  if (spare === 0) return 0;
  const count = Math.ceil((size + before + after - kernel) / stride) + 1;
  return (count - 1) * stride >= size + before ? 0 : stride - spare;
}
