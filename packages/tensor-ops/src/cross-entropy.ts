// Softmax cross-entropy with integer labels.
import * as tf from '@tensorflow/tfjs-core';

/** The mean of `-log softmax(logits)[label]`: logits `[rows, classes]`, labels int32 `[rows]`; returns a scalar. */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const [rows, classes] = logits.shape;
  const loss = tf.customGrad((...args) => {
    const [scores, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const logProbabilities = tf.logSoftmax(scores);
    // Not asked for as float32: the wasm backend's kernel gives int32 whatever the type asked for.
    const oneHot = tf.cast(tf.oneHot(labels, classes), 'float32');
    save([logProbabilities, oneHot]);
    return {
      value: tf.div(tf.neg(tf.sum(tf.mul(oneHot, logProbabilities))), rows),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [logProbability, target] = saved;
        return tf.mul(tf.sub(tf.exp(logProbability), target), tf.div(dy, rows));
      },
    };
  });
  return tf.tidy(() => tf.sum<tf.Scalar>(loss(logits)));
}
