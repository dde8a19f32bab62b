// Registers the gradients of tfjs-core's kernels. Core's Node.js entry leaves them out and its ES modules cannot be loaded by
// Node.js one by one, so the build bundles them here; they register in core's global registry, whichever copy runs.
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
