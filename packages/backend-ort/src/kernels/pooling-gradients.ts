// Gradients of pooling, which ONNX Runtime has no operators for: loops over windows, channels innermost as they lie in memory.
import type { backend_util } from '@tensorflow/tfjs-core';

type PoolInfo = backend_util.Conv2DInfo;

/** Calls `visit` for every window with where its result starts and where each of its pixels inside the image starts, in elements. */
function forEachWindow(info: PoolInfo, visit: (result: number, pixels: readonly number[]) => void): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, outChannels, padInfo } = info;
  const pixels: number[] = [];
  for (let batch = 0; batch < batchSize; batch++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        pixels.length = 0;
        for (let i = 0; i < info.filterHeight; i++) {
          const y = row * info.strideHeight - padInfo.top + i * info.dilationHeight;
          if (y < 0 || y >= inHeight) continue;
          for (let j = 0; j < info.filterWidth; j++) {
            const x = column * info.strideWidth - padInfo.left + j * info.dilationWidth;
            if (x >= 0 && x < inWidth) pixels.push(((batch * inHeight + y) * inWidth + x) * outChannels);
          }
        }
        visit(((batch * outHeight + row) * outWidth + column) * outChannels, pixels);
      }
    }
  }
}

/** Each window's gradient goes to its first largest pixel. Overwrites `dx`. */
export function maxPoolGradient(dy: Float32Array, x: Float32Array, dx: Float32Array, info: PoolInfo): void {
  dx.fill(0);
  forEachWindow(info, (result, pixels) => {
    for (let channel = 0; channel < info.outChannels; channel++) {
      let largest = pixels[0] + channel;
      for (const pixel of pixels) if (x[pixel + channel] > x[largest]) largest = pixel + channel;
      dx[largest] += dy[result + channel];
    }
  });
}

/** Each window's gradient is spread over its pixels. Overwrites `dx`. */
export function avgPoolGradient(dy: Float32Array, dx: Float32Array, info: PoolInfo): void {
  dx.fill(0);
  forEachWindow(info, (result, pixels) => {
    // The forward kernel divides by the pixels inside the image, so that is the gradient; tfjs's own divides by all of the window.
    const share = 1 / pixels.length;
    for (const pixel of pixels) {
      for (let channel = 0; channel < info.outChannels; channel++) dx[pixel + channel] += share * dy[result + channel];
    }
  });
}
