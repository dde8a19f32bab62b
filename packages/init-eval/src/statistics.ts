// What parameters are like: size, spectrum and likeness of each weight, and what is wrong with them in plain words.
import { recordOf } from '@logah/files';
import { type Graph, layerWeights } from '@logah/graph-ir';
import { fanInScale } from '@logah/lowrank-decoder';
import { type TensorRecord, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { branchWeights } from './branches.js';

/** A parameter in numbers. Spectrum and rows are those of a matrix `[out, fan_in]`; vectors have none. */
export interface LayerStatistics {
  readonly name: string;
  readonly shape: readonly number[];
  readonly norm: number;
  readonly mean: number;
  readonly std: number;
  readonly matrix?: {
    /** The largest singular value. */
    readonly spectralNorm: number;
    /** How many directions carry the matrix: the participation ratio `(Σ σ²)² / Σ σ⁴`, from 1 to the smaller side. */
    readonly effectiveRank: number;
    /** Rows that are 0 throughout. */
    readonly zeroRows: number;
    /** Rows that equal an earlier one. */
    readonly repeatedRows: number;
  };
}

/** Statistics of all parameters, in their order. */
export async function layerStatistics(parameters: TensorRecord): Promise<LayerStatistics[]> {
  const statistics: LayerStatistics[] = [];
  for (const [name, tensor] of Object.entries(parameters)) {
    const { shape } = tensor;
    const values = await tensor.data<'float32'>();
    let sum = 0;
    let squares = 0;
    for (const value of values) {
      sum += value;
      squares += value * value;
    }
    const mean = sum / values.length;
    const common = {
      name,
      shape,
      norm: Math.sqrt(squares),
      mean,
      std: Math.sqrt(Math.max(0, squares / values.length - mean * mean)),
    };
    const isMatrix = shape.length >= 2 && shape[0] > 1;
    const matrix = isMatrix ? { matrix: { ...(await spectrum(tensor)), ...rowCounts(values, shape[0]) } } : {};
    statistics.push({ ...common, ...matrix });
  }
  return statistics;
}

/** Products with the Gram matrix that find its largest eigenvalue: each shrinks the error by the square of the ratio of the two largest. */
const POWER_ITERATIONS = 60;

async function spectrum(tensor: tf.Tensor): Promise<{ spectralNorm: number; effectiveRank: number }> {
  const [out] = tensor.shape;
  const [largest, participation] = tf.tidy((): [tf.Scalar, tf.Scalar] => {
    const matrix = tf.reshape<tf.Rank.R2>(tensor, [out, tensor.size / out]);
    const isWide = out <= tensor.size / out;
    const gram = tf.matMul(matrix, matrix, !isWide, isWide);
    const trace = tf.sum(tf.square(matrix));
    // Any start that is not orthogonal to the answer: one of uneven entries.
    let vector = tf.reshape<tf.Rank.R2>(tf.cos(tf.range(0, gram.shape[0])), [-1, 1]);
    for (let i = 0; i < POWER_ITERATIONS; i++) {
      const next = tf.matMul(gram, vector);
      vector = tf.divNoNan<tf.Tensor2D>(next, tf.norm(next));
    }
    const eigenvalue = tf.norm(tf.matMul(gram, vector));
    return [tf.reshape<tf.Rank.R0>(eigenvalue, []), tf.divNoNan(tf.square(trace), tf.sum(tf.square(gram)))];
  });
  return { spectralNorm: Math.sqrt(await takeNumber(largest)), effectiveRank: await takeNumber(participation) };
}

function rowCounts(values: Float32Array, rows: number): { zeroRows: number; repeatedRows: number } {
  const columns = values.length / rows;
  const seen = new Map<number, number[]>();
  let zeroRows = 0;
  let repeatedRows = 0;
  const rowOf = (row: number): Float32Array => values.subarray(row * columns, (row + 1) * columns);
  for (let row = 0; row < rows; row++) {
    const current = rowOf(row);
    if (current.every((value) => value === 0)) {
      zeroRows++;
      continue;
    }
    // Rows of equal sums are few: only they are compared.
    const sum = current.reduce((total, value) => total + value, 0);
    const candidates = seen.get(sum) ?? [];
    if (candidates.some((other) => rowOf(other).every((value, i) => value === current[i]))) repeatedRows++;
    seen.set(sum, [...candidates, row]);
  }
  return { zeroRows, repeatedRows };
}

/**
 * The paper's measure of diversity (arXiv 2405.16287, Table 5): the mean of `1 − |cos|` over all pairs of weights of one shape; 0 is all alike.
 * Null when no two matrices or kernels have the same shape.
 */
export async function diversity(parameters: TensorRecord): Promise<number | null> {
  const groups = new Map<string, tf.Tensor[]>();
  for (const tensor of Object.values(parameters)) {
    if (tensor.shape.length < 2 || tensor.shape[0] === 1) continue;
    const key = tensor.shape.join();
    groups.set(key, [...(groups.get(key) ?? []), tensor]);
  }
  let sum = 0;
  let pairs = 0;
  for (const tensors of groups.values()) {
    if (tensors.length < 2) continue;
    const products = tf.tidy(() => {
      const flat = tf.stack(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as tf.Tensor2D;
      const unit = tf.divNoNan<tf.Tensor2D>(flat, tf.norm(flat, 'euclidean', 1, true));
      return tf.matMul(unit, unit, false, true);
    });
    const cosines = await products.data();
    products.dispose();
    for (let i = 0; i < tensors.length; i++) {
      for (let j = 0; j < i; j++) sum += 1 - Math.abs(cosines[i * tensors.length + j]);
      pairs += i;
    }
  }
  return pairs === 0 ? null : sum / pairs;
}

/** A way in which a start is unusual, and the parameters that show it. */
export interface Finding {
  readonly kind:
    | 'not finite'
    | 'collapsed'
    | 'exploding'
    | 'vanishing'
    | 'quiet branches'
    | 'zero rows'
    | 'repeated rows';
  readonly parameters: readonly string[];
  /** The finding as a sentence. */
  readonly text: string;
}

/** What a finding means for who trains the network. */
export interface Advice {
  /** Whether training suffers from it as a rule. */
  readonly isTrouble: boolean;
  /** In a sentence or two: what it does, and what helps. */
  readonly text: string;
}

const ADVICE: Readonly<Record<Finding['kind'], Advice>> = {
  'not finite': { isTrouble: true, text: 'The network answers nothing: do not use it.' },
  exploding: {
    isTrouble: true,
    text: 'Answers and gradients are far too large: training will likely break down. Take another start.',
  },
  vanishing: {
    isTrouble: true,
    text: 'Hardly any signal passes, and there is no way around: training begins slowly, or not at all. Take another start.',
  },
  'quiet branches': {
    isTrouble: false,
    text:
      'The signal goes around them, so that these blocks begin as if they were not there and learn their part later. ' +
      'Many networks are made to begin so; nothing needs to be done.',
  },
  collapsed: {
    isTrouble: true,
    text: 'All units of the layer answer nearly alike: it tells inputs apart only after long training. Take another start.',
  },
  'zero rows': {
    isTrouble: true,
    text: 'These units are silent at the start: a part of the network is unused. Take a narrower network.',
  },
  'repeated rows': {
    isTrouble: true,
    text:
      'Copies learn the same thing for long, so that the network is as good as a narrower one. Take a narrower network, ' +
      'or add noise (`logah init --init template:NAME+noise`).',
  },
};

/** What a finding of this kind means, in plain words. */
export const adviceOn = (kind: Finding['kind']): Advice => ADVICE[kind];

/**
 * A collapsed matrix has fewer directions than this, though its sides are at least {@link COLLAPSE_SIDE}: four fifths of its values lie in one. Last layers of
 * trained language models, which hold how frequent each token is, come to 1.9.
 */
const COLLAPSE_RANK = 1.5;
const COLLAPSE_SIDE = 16;
/** How many times larger or smaller than `√(2 / fan_in)` a matrix's values are when they explode or vanish. */
const SCALE_LIMIT = 20;

/** What is unusual in parameters, worst first; nothing for a start that looks sound. `graph` tells weights from embeddings, and which of them lie in branches. */
export function findings(graph: Graph, statistics: readonly LayerStatistics[]): Finding[] {
  const weights = layerWeights(graph);
  const branches = branchWeights(graph);
  const matrices = statistics.filter(({ name, matrix }) => matrix !== undefined && weights.has(name));
  const scale = ({ std, shape }: LayerStatistics): number => std / fanInScale(shape);
  const isTiny = (layer: LayerStatistics): boolean => scale(layer) < 1 / SCALE_LIMIT;
  const sides = ({ shape }: LayerStatistics): number =>
    Math.min(
      shape[0],
      shape.slice(1).reduce((product, size) => product * size, 1),
    );
  const found = (
    kind: Finding['kind'],
    among: readonly LayerStatistics[],
    test: (layer: LayerStatistics) => boolean,
    text: (names: string, count: number) => string,
  ): Finding[] => {
    const names = among.filter(test).map(({ name }) => name);
    return names.length === 0 ? [] : [{ kind, parameters: names, text: text(listed(names), names.length) }];
  };
  return [
    ...found(
      'not finite',
      statistics,
      ({ norm }) => !Number.isFinite(norm),
      (names) => `NaN or infinite values in ${names}`,
    ),
    ...found(
      'exploding',
      matrices,
      (layer) => scale(layer) > SCALE_LIMIT,
      (names) => `exploding: values more than ${SCALE_LIMIT} times the scale √(2 / fan-in) in ${names}`,
    ),
    ...found(
      'vanishing',
      matrices,
      (layer) => isTiny(layer) && !branches.has(layer.name),
      (names) => `vanishing: values less than a ${SCALE_LIMIT}th of the scale √(2 / fan-in) in ${names}`,
    ),
    ...found(
      'collapsed',
      matrices,
      (layer) => sides(layer) >= COLLAPSE_SIDE && (layer.matrix?.effectiveRank ?? 0) < COLLAPSE_RANK,
      (names) => `collapsed: nearly all rows point the same way (effective rank below ${COLLAPSE_RANK}) in ${names}`,
    ),
    ...found(
      'quiet branches',
      matrices,
      (layer) => isTiny(layer) && branches.has(layer.name),
      (names) => `quiet branches: values less than a ${SCALE_LIMIT}th of the scale √(2 / fan-in) in ${names}`,
    ),
    ...found(
      'zero rows',
      matrices,
      ({ matrix }) => (matrix?.zeroRows ?? 0) > 0,
      (names) => `rows of zeros, which no signal passes, in ${names}`,
    ),
    ...found(
      'repeated rows',
      matrices,
      ({ matrix }) => (matrix?.repeatedRows ?? 0) > 0,
      (names) =>
        `rows that copy others (a width beyond what the hypernetwork predicts), which train alike, in ${names}`,
    ),
  ];
}

/** The first few names, and how many more there are. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/**
 * Rows of matrices that training never gave a gradient: by parameter, how many; parameters without such rows are left out. Weight decay may have shrunk
 * them, but they still point where they started.
 */
export async function untrainedRows(start: TensorRecord, trained: TensorRecord): Promise<Record<string, number>> {
  const counts = recordOf<number>();
  for (const [name, before] of Object.entries(start)) {
    if (before.shape.length < 2) continue;
    const [from, to] = await Promise.all([before.data(), trained[name].data()]);
    const columns = before.size / before.shape[0];
    let untrained = 0;
    for (let first = 0; first < from.length; first += columns) {
      if (pointsTheSameWay(from.subarray(first, first + columns), to.subarray(first, first + columns))) untrained++;
    }
    if (untrained > 0) counts[name] = untrained;
  }
  return counts;
}

/** Rounding of repeated shrinking in float32, relative to a row's largest value. */
const SHRINKING_ERROR = 1e-5;

function pointsTheSameWay(from: ArrayLike<number>, to: ArrayLike<number>): boolean {
  let largest = 0;
  for (let i = 1; i < from.length; i++) if (Math.abs(from[i]) > Math.abs(from[largest])) largest = i;
  const ratio = from[largest] === 0 ? 0 : to[largest] / from[largest];
  const allowed = SHRINKING_ERROR * Math.abs(to[largest]);
  for (let i = 0; i < from.length; i++) if (!(Math.abs(to[i] - ratio * from[i]) <= allowed)) return false;
  return true;
}
