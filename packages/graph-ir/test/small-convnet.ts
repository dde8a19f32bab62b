import { type Graph, GraphBuilder } from '../src/index.js';

/** The small residual network of the golden files. */
export function smallConvnet(): Graph {
  const g = new GraphBuilder('small-convnet');
  const images = g.input('images', ['batch', 3, 32, 32]);
  const stem = g.activation(
    g.batchNorm(g.conv2d(images, 'conv1', { out: 16, kernel: 3, padding: 1, hasBias: false }), 'bn1'),
    'relu',
  );
  const branch = g.batchNorm(
    g.conv2d(stem, 'conv2', { out: 32, kernel: 3, stride: 2, padding: 1, hasBias: false }),
    'bn2',
  );
  const shortcut = g.conv2d(stem, 'down', { out: 32, kernel: 1, stride: 2, hasBias: false });
  const x = g.activation(g.add(branch, shortcut), 'relu');
  return g.build([g.linear(g.globalAvgPool(x), 'fc', { out: 10 })]);
}
