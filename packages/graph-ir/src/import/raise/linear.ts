// Fully connected layers: a product with a stored matrix, and a stored vector added.

import { integer, real } from '../../onnx-attributes.js';
import type { Found, TensorUse } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import type { Matcher, NamedTensor } from '../matcher.js';

export function linear(m: Matcher, node: ForeignNode): Found | undefined {
  switch (node.op) {
    case 'Gemm': {
      const [x, b, c] = node.inputs;
      const isPlain = real(node, 'alpha', 1) === 1 && real(node, 'beta', 1) === 1 && integer(node, 'transA', 0) === 0;
      return isPlain ? layer(m, node, x, b, integer(node, 'transB', 0) === 1, c) : undefined;
    }
    case 'MatMul':
      return layer(m, node, node.inputs[0], node.inputs[1], false);
    case 'Add': {
      const [a, b] = node.inputs;
      const product = m.node(a, 'MatMul') ?? m.node(b, 'MatMul');
      if (product === undefined) return undefined;
      return layer(m, product, product.inputs[0], product.inputs[1], false, m.node(a, 'MatMul') ? b : a);
    }
    default:
      return undefined;
  }
}

function layer(
  m: Matcher,
  node: ForeignNode,
  x: string,
  matrix: string,
  isOutIn: boolean,
  vector = '',
): Found | undefined {
  const stored = m.tensor(matrix);
  if (stored?.shape.length !== 2 || !m.isData(x)) return undefined;
  const outputs = stored.shape[isOutIn ? 0 : 1];
  const bias = vector === '' ? undefined : m.vector(vector, outputs);
  if (vector !== '' && bias === undefined) return undefined;
  const weight = weightOf(m, node, stored, isOutIn, bias);
  const { layout } = weight;
  return {
    draft: {
      type: 'linear',
      inputs: [x],
      uses: bias ? { weight, bias: { tensor: bias.name, layout: 'features', shape: [outputs] } } : { weight },
      attributes: { layout: layout === 'in_out' ? 'in_out' : 'out_in' },
    },
  };
}

/** PyTorch's exporters store the transposed matrix of a layer, and give it a name of their own. */
const GENERATED = /^(onnx::\w+|val_\d+)$/;

function weightOf(
  m: Matcher,
  node: ForeignNode,
  stored: NamedTensor,
  isOutIn: boolean,
  bias: NamedTensor | undefined,
): TensorUse {
  const view = m.model.views.get(stored.name);
  if (view?.permutation?.join() === '1,0') return { tensor: view.base, layout: isOutIn ? 'in_out' : 'out_in' };
  if (isOutIn) return { tensor: stored.name, layout: 'out_in' };
  if (!GENERATED.test(stored.name)) return { tensor: stored.name, layout: 'in_out' };
  const name = layerName(node, bias);
  return {
    tensor: stored.name,
    layout: 'out_in',
    permutation: [1, 0],
    ...(name === undefined ? {} : { name: `${name}.weight` }),
  };
}

/** The layer's name in the module that was exported, from its bias or from where its node says it is. */
function layerName({ name }: ForeignNode, bias: NamedTensor | undefined): string | undefined {
  if (bias?.name.endsWith('.bias')) return bias.name.slice(0, -'.bias'.length);
  const path = /^\/(.+)\/(MatMul|Gemm)(_\d+)?$/.exec(name)?.[1];
  return path === undefined ? undefined : withoutRepeats(path.split('/')).join('.');
}

/** Paths name a module within a list twice: "encoder/encoder.layers.0/encoder.layers.0.fc1" is "encoder.layers.0.fc1". */
const withoutRepeats = (parts: readonly string[]): string[] =>
  parts.filter((part, i) => !(parts[i + 1] ?? '').startsWith(`${part}.`));
