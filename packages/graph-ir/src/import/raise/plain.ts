// Operators that are the same here and in ONNX but for how they are written.
import { GraphError } from '../../graph.js';
import { integer, integers } from '../../onnx-attributes.js';
import { OPERATORS } from '../../operators.js';
import { draft, type Found } from '../draft.js';
import { type ForeignNode, isAnyShape } from '../foreign.js';
import type { Matcher } from '../matcher.js';

export function plain(m: Matcher, node: ForeignNode): Found | undefined {
  const [x] = node.inputs;
  const [value] = node.outputs;
  // Of values with any number of axes nothing is said.
  if ([...node.inputs, value].some((name) => isAnyShape(m.shape(name)))) return undefined;
  const rank = m.shape(x).length;
  const areFloats = node.inputs.every((input) => m.isData(input) && m.isWideFloat(input));
  switch (node.op) {
    case 'Add':
      return areFloats ? { draft: draft('add', node.inputs, {}) } : undefined;
    case 'Mul':
      return areFloats ? { draft: draft('multiply', node.inputs, {}) } : undefined;
    case 'Concat': {
      const axis = integer(node, 'axis', 0);
      return areFloats ? { draft: draft('concat', node.inputs, { axis: axis < 0 ? axis + rank : axis }) } : undefined;
    }
    case 'Transpose': {
      const permutation = integers(node, 'perm') ?? m.shape(x).map((_, i) => rank - 1 - i);
      return m.isData(x) ? { draft: draft('transpose', [x], { permutation }) } : undefined;
    }
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze': {
      const shape = m.isData(x) ? reshapeTo(m, x, value) : undefined;
      return shape && { draft: draft('reshape', [x], { shape }) };
    }
    case 'Gather': {
      const index = m.constant(node.inputs[1]);
      const place = integer(node, 'axis', 0);
      const axis = place < 0 ? place + rank : place;
      const size = m.shape(x)[axis];
      if (!m.isData(x) || index?.shape.length !== 0) return undefined;
      const [at] = index.values;
      if (at >= 0) return { draft: draft('select', [x], { axis, index: at }) };
      return typeof size === 'number' ? { draft: draft('select', [x], { axis, index: at + size }) } : undefined;
    }
    default:
      return undefined;
  }
}

/** The numbers of a reshape that gives a value of this shape: 0 for a size that stays, one -1 for one that follows. */
function reshapeTo(m: Matcher, x: string, value: string): readonly number[] | undefined {
  const [from, to] = [m.shape(x), m.shape(value)];
  const shape = to.map((size, i) => (typeof size === 'number' ? size : size === from[i] ? 0 : -1));
  if (shape.includes(-1) && shape.filter((size) => size === -1).length > 1) return undefined;
  const attempts = [
    shape,
    shape.map((size, i) => (i > 0 && size === shape.findLast((other) => other > 0) && !shape.includes(-1) ? -1 : size)),
  ];
  return attempts.find((attempt) => {
    try {
      const operator = {
        name: value,
        type: 'reshape' as const,
        inputs: [x],
        parameters: {},
        attributes: { shape: attempt },
        outputs: [value],
      };
      const result = OPERATORS.reshape.infer(operator, [m.type(x)], {});
      return 'shape' in result && result.shape.join() === to.join();
    } catch (error) {
      if (error instanceof GraphError) return false;
      throw error;
    }
  });
}
