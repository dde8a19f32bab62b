// tfjs-node. Importing this package loads it and registers the backend: `await tf.setBackend('tensorflow')`.
import { load } from './load.js';

export { PADDED_KERNELS } from './explicit-padding.js';

load('@tensorflow/tfjs-node');
