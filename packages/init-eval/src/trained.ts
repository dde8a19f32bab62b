// A start from a network that was trained before, here or in PyTorch.
import { checkpointValues } from '@logah/graph-ir/huggingface';
import { openTensorFile } from '@logah/pytorch-files/node';
import * as tf from '@tensorflow/tfjs-core';
import type { Initializer } from './initializers.js';

/**
 * The parameters in a file, safetensors or one of PyTorch's formats, whatever is drawn.
 * The initialiser throws PytorchFileError, SafetensorsError or GraphError naming the file and the tensor at fault.
 */
export const trainedInitializer =
  (path: string): Initializer =>
  async (graph) => {
    const file = await openTensorFile(path);
    try {
      const values = await checkpointValues(graph, file, path);
      const shapes = new Map(graph.parameters.map(({ name, shape }) => [name, [...shape]]));
      return Object.fromEntries([...values].map(([name, data]) => [name, tf.tensor(data, shapes.get(name))]));
    } finally {
      await file.close();
    }
  };
