// Registers the gradients of tfjs-core's kernels in Node.js. Core's entry there leaves them out and its ES modules cannot be loaded
// one by one, so the build bundles them here; they register in core's global registry, whichever copy runs. Bundlers for browsers
// take core's own module instead (`imports` in package.json).
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
