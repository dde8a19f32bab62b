// Operators of ONNX that multiply and add: matrices, Einstein's sums.

import { fit, isFloat } from '../element-types.js';
import { elementCount } from '../graph.js';
import { integer, real, text } from '../onnx-attributes.js';
import { operand, type Rule, type Rules } from './operation.js';
import {
  broadcastShape,
  broadcastStrides,
  countOf,
  exactTensor,
  fail,
  forEachPlace,
  reshaped,
  shown,
  stridesOf,
  type Tensor,
  tensorOf,
  transposed,
  zip,
} from './tensor.js';

/** numpy's matmul: vectors are matrices of one row or column, batches broadcast. */
export function matMul(a: Tensor, b: Tensor): Tensor {
  const left = a.shape.length === 1 ? reshaped(a, [1, a.shape[0]]) : a;
  const right = b.shape.length === 1 ? reshaped(b, [b.shape[0], 1]) : b;
  const [rows, inner] = left.shape.slice(-2);
  const [outer, columns] = right.shape.slice(-2);
  if (left.shape.length < 2 || right.shape.length < 2 || inner !== outer)
    return fail(`cannot multiply ${shown(a.shape)} with ${shown(b.shape)}`);
  const [batchA, batchB] = [left.shape.slice(0, -2), right.shape.slice(0, -2)];
  const batch = broadcastShape([batchA, batchB]);
  const values = new Float64Array(countOf([...batch, rows, columns]));
  forEachPlace(batch, [broadcastStrides(batchA, batch), broadcastStrides(batchB, batch)], (n, [i, j]) => {
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++)
          sum += left.values[(i * rows + row) * inner + k] * right.values[(j * inner + k) * columns + column];
        values[(n * rows + row) * columns + column] = fit(sum, a.type);
      }
  });
  const shape = [...batch, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])];
  return exactTensor(a.type, shape, values);
}

const matrixOrTransposed = (x: Tensor, isTransposed: boolean): Tensor => (isTransposed ? transposed(x, [1, 0]) : x);

/** alpha · A · B + beta · C, rounded once at the end. */
const gemm: Rule = (operation) => {
  const [a, b, c] = [operand(operation, 0), operand(operation, 1), operation.operands[2]];
  const [alpha, beta] = [real(operation, 'alpha', 1), real(operation, 'beta', 1)];
  const wide = (x: Tensor): Tensor => (isFloat(x.type) ? { ...x, type: 'float64' } : x);
  const product = matMul(
    wide(matrixOrTransposed(a, integer(operation, 'transA', 0) !== 0)),
    wide(matrixOrTransposed(b, integer(operation, 'transB', 0) !== 0)),
  );
  const result = zip(a.type, c === undefined ? [product] : [product, c], (x, y = 0) => alpha * x + beta * y);
  return result.shape.join() === product.shape.join()
    ? result
    : fail(`C ${shown(result.shape)} is larger than the product`);
};

/** The letters of a term, with capital letters from the end for axes that "..." stands for. */
function lettersOf(term: string, rank: number): string[] {
  const [before, after] = term.split('...');
  if (after === undefined) return [...before];
  const missing = rank - before.length - after.length;
  return [...before, ...Array.from({ length: missing }, (_, i) => `…${missing - i}`), ...after];
}

const einsum: Rule = (operation) => {
  const tensors = operation.operands.map((_, i) => operand(operation, i));
  const equation = text(operation, 'equation', '').replaceAll(' ', '');
  const [left, right] = equation.split('->');
  const terms = left.split(',').map((term, i) => lettersOf(term, tensors[i]?.shape.length ?? 0));
  if (terms.length !== tensors.length) return fail(`"${equation}" is not of ${tensors.length} operands`);
  const sizes = new Map<string, number>();
  terms.forEach((letters, t) => {
    if (letters.length !== tensors[t].shape.length) fail(`"${equation}" does not fit ${shown(tensors[t].shape)}`);
    letters.forEach((letter, axis) => {
      const size = tensors[t].shape[axis];
      const known = sizes.get(letter) ?? 1;
      if (known !== 1 && size !== 1 && known !== size)
        fail(`the axes "${letter}" of "${equation}" are ${known} and ${size}`);
      sizes.set(letter, Math.max(known, size));
    });
  });
  const all = [...sizes.keys()];
  const counted = (letter: string): number => terms.flat().filter((other) => other === letter).length;
  const spread = all.filter((letter) => letter.startsWith('…')).sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  const result =
    right === undefined
      ? [...spread, ...all.filter((letter) => !letter.startsWith('…') && counted(letter) === 1).sort()]
      : right.split('...').flatMap((part, i) => (i === 0 ? [...part] : [...spread, ...part]));
  const summed = all.filter((letter) => !result.includes(letter));
  const order = [...result, ...summed];
  const shape = order.map(
    (letter) => sizes.get(letter) ?? fail(`"${equation}" gives "${letter}", which it does not read`),
  );
  const outShape = shape.slice(0, result.length);
  const run = elementCount(shape.slice(result.length));
  const sums = new Float64Array(countOf(outShape));
  // Letters that stand twice in a term walk along its diagonal.
  const strides = tensors.map((tensor, t) => {
    const own = stridesOf(tensor.shape);
    return order.map((letter) =>
      terms[t].reduce((sum, other, axis) => sum + (other === letter && tensor.shape[axis] !== 1 ? own[axis] : 0), 0),
    );
  });
  forEachPlace(shape, strides, (i, places) => {
    let product = 1;
    for (let t = 0; t < tensors.length; t++) product *= tensors[t].values[places[t]];
    sums[Math.floor(i / run)] += product;
  });
  return tensorOf(tensors[0].type, outShape, (i) => sums[i]);
};

/** Integers less their zero points, which are one for all or one for each row or column. */
export function shifted(x: Tensor, zero: Tensor | undefined, along: 'rows' | 'columns' = 'columns'): Tensor {
  const wide: Tensor = { ...x, type: 'int32' };
  if (zero === undefined) return wide;
  const spread =
    along === 'rows' && zero.shape.length === 1 && zero.shape[0] > 1 ? reshaped(zero, [zero.shape[0], 1]) : zero;
  return zip('int32', [wide, spread], (value, offset) => value - offset);
}

const integerProduct: Rule = (operation) =>
  matMul(
    shifted(operand(operation, 0), operation.operands[2], 'rows'),
    shifted(operand(operation, 1), operation.operands[3]),
  );

export const PRODUCTS: Rules = {
  Einsum: einsum,
  Gemm: gemm,
  MatMul: (operation) => matMul(operand(operation, 0), operand(operation, 1)),
  MatMulInteger: integerProduct,
};
