// Layer norms and RMS norms, as operators or written out.

import { integer, real } from '../../onnx-attributes.js';
import { draft, type Found, type TensorUse } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import { agree, distinctSizes, type Matcher } from '../matcher.js';
import { epsilonsBetween, isOnlyStatistics, STATISTICS, STATISTICS_TOLERANCE, statisticsProbe } from './statistics.js';

export function norms(m: Matcher, node: ForeignNode): Found | undefined {
  switch (node.op) {
    case 'LayerNormalization':
    case 'RMSNormalization':
      return plainNorm(m, node);
    case 'Add': {
      const sum = m.split(node);
      const product = m.node(sum?.data, 'Mul');
      const scaled = product && m.split(product);
      if (!sum || !scaled) return undefined;
      const size = lastSize(m, node.outputs[0]);
      const [weight, bias] = [use(m, scaled.other, size), use(m, sum.other, size)];
      const norm = weight && bias && writtenOut(m, scaled.data, layerNormalised);
      return norm && { draft: draft('layer_norm', [norm.x], { epsilon: norm.epsilon }, { weight, bias }) };
    }
    case 'Mul': {
      const scaled = m.split(node);
      const weight = scaled && use(m, scaled.other, lastSize(m, node.outputs[0]));
      const norm = weight && writtenOut(m, scaled.data, rmsNormalised);
      return norm && { draft: draft('rms_norm', [norm.x], { epsilon: norm.epsilon }, { weight }) };
    }
    default:
      return undefined;
  }
}

const lastSize = (m: Matcher, value: string): number | undefined => {
  const size = m.shape(value).at(-1);
  return typeof size === 'number' ? size : undefined;
};

function use(m: Matcher, name: string | undefined, size: number | undefined): TensorUse | undefined {
  const vector = m.vector(name, size);
  return vector && size !== undefined ? { tensor: vector.name, layout: 'features', shape: [size] } : undefined;
}

function plainNorm(m: Matcher, node: ForeignNode): Found | undefined {
  const [x, scale, shift] = node.inputs;
  const rank = m.shape(x).length;
  const axis = integer(node, 'axis', -1);
  const size = lastSize(m, x);
  const [weight, bias] = [use(m, scale, size), use(m, shift, size)];
  if ((axis !== -1 && axis !== rank - 1) || weight === undefined || node.outputs.length > 1 || !m.isWideFloat(x))
    return undefined;
  const attributes = { epsilon: real(node, 'epsilon', 1e-5) };
  if (node.op === 'RMSNormalization') return { draft: draft('rms_norm', [x], attributes, { weight }) };
  return bias && { draft: draft('layer_norm', [x], attributes, { weight, bias }) };
}

/** Features of a probe. */
const PROBED = 13;

/** The origin of a value that is its last axis normalised. */
function writtenOut(
  m: Matcher,
  value: string,
  normalise: (values: readonly number[], epsilon: number) => number[],
): { readonly x: string; readonly epsilon: number } | undefined {
  const rank = m.shape(value).length;
  if (m.node(value, 'Div', 'Mul') === undefined || !m.isWideFloat(value)) return undefined;
  // No number of the piece is a feature's own: fewer features tell as much.
  const sizes = [...distinctSizes(rank - 1, PROBED), PROBED];
  for (const x of m.origins(value, ({ op }) => STATISTICS.has(op), 10)) {
    const epsilon = epsilonsBetween(m, value, x).find((candidate) => {
      if (!isOnlyStatistics(m, value, x, candidate)) return false;
      const given = statisticsProbe(sizes, candidate);
      const found = m.compute(value, new Map([[x, given]]));
      const rows = Array.from({ length: given.values.length / PROBED }, (_, i) =>
        given.values.slice(i * PROBED, (i + 1) * PROBED),
      );
      const wanted = rows.flatMap((row) => normalise(row, candidate));
      return found !== undefined && agree(found.values, wanted, STATISTICS_TOLERANCE);
    });
    if (epsilon !== undefined && m.shape(x).join() === m.shape(value).join()) return { x, epsilon };
  }
  return undefined;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function layerNormalised(values: readonly number[], epsilon: number): number[] {
  const center = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - center) ** 2)) + epsilon);
  return values.map((value) => (value - center) / deviation);
}

function rmsNormalised(values: readonly number[], epsilon: number): number[] {
  const root = Math.sqrt(mean(values.map((value) => value ** 2)) + epsilon);
  return values.map((value) => value / root);
}
