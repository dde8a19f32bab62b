// Each operator of ONNX means one thing: on plain numbers, with which a model's constants are worked out, and as tensors on every backend.
import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import {
  type Constant,
  type Graph,
  graphFromJson,
  graphToJson,
  type OnnxAttribute,
  type TensorType,
} from '@logah/graph-ir';
import { dtypeOf, type ElementType, interpret } from '@logah/graph-ir/interpreter';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../src/index.js';

interface CaseTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: ReadonlyArray<number | string>;
}

interface Case {
  readonly operator: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  readonly operands: ReadonlyArray<CaseTensor | null>;
  readonly results: readonly CaseTensor[];
}

// Calls and results of ONNX's own reference implementation; fixtures/make_operator_cases.py makes them.
const CASES: readonly Case[] = JSON.parse(
  readFileSync(new URL('fixtures/operator-cases.json', import.meta.url), 'utf8'),
);

const numbersOf = ({ values }: CaseTensor): number[] => values.map(Number);

const typeOf = ({ type, shape }: CaseTensor): TensorType => {
  const dtype = dtypeOf(type);
  return { dtype, shape, ...(type === dtype ? {} : { element: type }) };
};

const constantOf = (tensor: CaseTensor): Constant => ({
  ...typeOf(tensor),
  shape: tensor.shape,
  values: numbersOf(tensor),
});

/** A graph of one operator, whose operands are inputs or constants. */
function graphOf({ operator, attributes, operands, results }: Case, areConstants: boolean): Graph {
  const inputs = areConstants ? [] : operands.flatMap((operand, i) => (operand ? [`x${i}`] : []));
  const outputs = results.map((_, i) => `y${i}`);
  const types = results.map(typeOf);
  return {
    name: operator,
    inputs,
    outputs,
    operators: [
      {
        name: 'it',
        type: 'onnx',
        inputs,
        parameters: {},
        attributes: {
          operator,
          operands: operands.map((operand) =>
            operand === null ? 'none' : areConstants ? constantOf(operand) : 'input',
          ),
          attributes,
          results: types,
        },
        outputs,
      },
    ],
    values: Object.fromEntries([
      ...operands.flatMap((operand, i) => (operand && !areConstants ? [[`x${i}`, typeOf(operand)] as const] : [])),
      ...types.map((type, i) => [`y${i}`, type] as const),
    ]),
    parameters: [],
  };
}

/** To 5 digits; infinities and NaN are what they are. */
function expectSame(found: { shape: readonly number[]; values: ArrayLike<number> }, wanted: CaseTensor): void {
  expect(found.shape).toEqual(wanted.shape);
  const numbers = numbersOf(wanted);
  const near = (a: number, b: number): boolean =>
    Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));
  numbers.forEach((number, i) => {
    if (!near(found.values[i], number)) expect.fail(`element ${i} is ${found.values[i]}, not ${number}`);
  });
}

/** Results whose integers do not fit into the 32 bits of a tensor. */
const isBeyondTensors = ({ results }: Case): boolean =>
  results.some((result) => numbersOf(result).some((value) => Number.isFinite(value) && Math.abs(value) > 2 ** 31));

function run(testCase: Case, areConstants: boolean): void {
  const graph = graphFromJson(graphToJson(graphOf(testCase, areConstants)));
  tf.tidy(() => {
    const inputs = Object.fromEntries(
      testCase.operands.flatMap((operand, i) =>
        operand === null || areConstants
          ? []
          : [[`x${i}`, tf.tensor(numbersOf(operand), [...operand.shape], dtypeOf(operand.type))] as const],
      ),
    );
    forward(graph, {}, inputs).forEach((tensor, i) => {
      expectSame({ shape: tensor.shape, values: tensor.dataSync() }, testCase.results[i]);
    });
  });
}

const described = CASES.map((testCase, i) => [`${i} ${testCase.operator}`, testCase] as const);

describe('on plain numbers', () => {
  it.each(described)('%s', (_, { operator, attributes, operands, results }) => {
    const found = interpret({
      operator,
      attributes,
      operands: operands.map((operand) =>
        operand === null ? undefined : { type: operand.type, shape: operand.shape, values: numbersOf(operand) },
      ),
      results: results.length,
    });
    results.forEach((result, i) => {
      expect(found[i].type).toBe(result.type);
      expectSame(found[i], result);
    });
  });
});

describe.each(['ort', 'cpu', 'wasm'])('as tensors on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));
  afterAll(() => tf.setBackend('cpu'));

  it.each(described)('%s', (_, testCase) => {
    if (isBeyondTensors(testCase)) {
      expect(() => run(testCase, false)).toThrow('but integers of tensors have 32 bits');
      return;
    }
    run(testCase, false);
    run(testCase, true);
  });
});
