// The gradient kernels that the wasm backend lacks.
import {
  backend_util,
  type Conv2DBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type KernelFunc,
  type TensorInfo,
  type UnsortedSegmentSumAttrs,
} from '@tensorflow/tfjs-core';
import { floatTensor, runKernel, sizeOf, valuesOf, withIntermediates } from './kernel.js';

type ConvInfo = backend_util.Conv2DInfo;
type Shape4D = [number, number, number, number];

/** The gradient of gather: rows of x added up by their segment. */
export const unsortedSegmentSum: KernelFunc = ({ inputs, attrs, backend }) => {
  const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
  const { numSegments } = attrs as unknown as UnsortedSegmentSumAttrs;
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const row = sizeOf(rowShape);
  const [values, ids] = [valuesOf(backend, x), valuesOf(backend, segmentIds)];
  const sums = new Float32Array(numSegments * row);
  ids.forEach((segment, i) => {
    if (segment < 0 || segment >= numSegments) return;
    for (let j = 0; j < row; j++) sums[segment * row + j] += values[i * row + j];
  });
  return floatTensor(backend, [numSegments, ...rowShape], sums);
};

/**
 * The image convolved with the result's gradient, batch and channels having changed places, so that what was a stride is now a dilation; cut to the
 * kernel where windows left rows over.
 */
export const conv2DBackpropFilter: KernelFunc = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
  const { strides, pad, dimRoundingMode, filterShape } = attrs as unknown as Conv2DBackpropFilterAttrs;
  const info = backend_util.computeConv2DInfo(x.shape as Shape4D, filterShape, strides, 1, pad, dimRoundingMode);
  const { top, bottom, left, right } = info.padInfo;
  return withIntermediates(backend, (keep) => {
    const image = keep(runKernel(backend, 'Transpose', { x }, { perm: [3, 1, 2, 0] })); // [in, height, width, batch]
    const filter = keep(runKernel(backend, 'Transpose', { x: dy }, { perm: [1, 2, 0, 3] })); // [height', width', batch, out]
    const padding = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    const padded = keep(runKernel(backend, 'PadV2', { x: image }, { paddings: padding, constantValue: 0 }));
    const whole = keep(
      runKernel(
        backend,
        'Conv2D',
        { x: padded, filter },
        { strides: 1, pad: 'valid', dilations: [info.strideHeight, info.strideWidth], dataFormat: 'NHWC' },
      ),
    ); // [in, kernel height, kernel width, out]
    const [height, width, inputsCount, out] = filterShape;
    const cut = keep(
      runKernel(backend, 'Slice', { x: whole }, { begin: [0, 0, 0, 0], size: [inputsCount, height, width, out] }),
    );
    return runKernel(backend, 'Transpose', { x: cut }, { perm: [1, 2, 0, 3] });
  });
};

/** Calls `visit` for every pixel that every position of a depthwise kernel sees, with the places of pixel, kernel value and result. */
function forEachDepthwiseProduct(info: ConvInfo, visit: (pixel: number, weight: number, result: number) => void): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, padInfo } = info;
  const perChannel = outChannels / inChannels;
  for (let batch = 0; batch < batchSize; batch++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        const result = ((batch * outHeight + row) * outWidth + column) * outChannels;
        for (let i = 0; i < info.filterHeight; i++) {
          const y = row * info.strideHeight - padInfo.top + i * info.dilationHeight;
          if (y < 0 || y >= inHeight) continue;
          for (let j = 0; j < info.filterWidth; j++) {
            const x = column * info.strideWidth - padInfo.left + j * info.dilationWidth;
            if (x < 0 || x >= inWidth) continue;
            const pixel = ((batch * inHeight + y) * inWidth + x) * inChannels;
            const weight = (i * info.filterWidth + j) * outChannels;
            for (let channel = 0; channel < outChannels; channel++) {
              visit(pixel + Math.floor(channel / perChannel), weight + channel, result + channel);
            }
          }
        }
      }
    }
  }
}

export const depthwiseConv2dNativeBackpropFilter: KernelFunc = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
  const { strides, dilations, pad, dimRoundingMode, filterShape } =
    attrs as unknown as DepthwiseConv2dNativeBackpropFilterAttrs;
  const info = backend_util.computeConv2DInfo(
    x.shape as Shape4D,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const [image, gradient] = [valuesOf(backend, x), valuesOf(backend, dy)];
  const dFilter = new Float32Array(sizeOf(filterShape));
  forEachDepthwiseProduct(info, (pixel, weight, result) => {
    dFilter[weight] += image[pixel] * gradient[result];
  });
  return floatTensor(backend, filterShape, dFilter);
};

export const depthwiseConv2dNativeBackpropInput: KernelFunc = ({ inputs, attrs, backend }) => {
  const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
  const { strides, dilations, pad, dimRoundingMode, inputShape } =
    attrs as unknown as DepthwiseConv2dNativeBackpropInputAttrs;
  const info = backend_util.computeConv2DInfo(
    inputShape,
    filter.shape as Shape4D,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const [weights, gradient] = [valuesOf(backend, filter), valuesOf(backend, dy)];
  const dImage = new Float32Array(sizeOf(inputShape));
  forEachDepthwiseProduct(info, (pixel, weight, result) => {
    dImage[pixel] += weights[weight] * gradient[result];
  });
  return floatTensor(backend, inputShape, dImage);
};
