// Images between the graph's channel-first view and the channel-last one that tfjs kernels want, converted only where needed.
import * as tf from '@tensorflow/tfjs-core';

/** A value at run time. `isChannelLast` marks an image `[batch, height, width, channels]` that the graph sees as `[batch, channels, height, width]`. */
export interface Value {
  readonly tensor: tf.Tensor;
  readonly isChannelLast: boolean;
}

export const plain = (tensor: tf.Tensor): Value => ({ tensor, isChannelLast: false });
export const image = (tensor: tf.Tensor): Value => ({ tensor, isChannelLast: true });

/** The tensor in the graph's own order of axes. */
export const graphOrder = ({ tensor, isChannelLast }: Value): tf.Tensor =>
  isChannelLast ? tf.transpose(tensor, [0, 3, 1, 2]) : tensor;

/** An image as `[batch, height, width, channels]`. */
export const channelLast = ({ tensor, isChannelLast }: Value): tf.Tensor4D =>
  (isChannelLast ? tensor : tf.transpose(tensor, [0, 2, 3, 1])) as tf.Tensor4D;
