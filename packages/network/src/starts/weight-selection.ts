// Weight selection: a small network starts from evenly spaced entries of a larger trained one (Xu et al., arXiv
// 2311.18823).
import { elementCount, type Graph, type Parameter, parameterRoles } from '@logah/graph-ir';
import type { TensorRecord } from '@logah/tensor-ops';
import type * as tf from '@tensorflow/tfjs-core';
import { editedParameters } from './edit.js';
import { InitializationError } from './error.js';

/** A tensor of a trained network, row-major. */
export interface TrainedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Parameters taken from a larger trained network of the same family and names (arXiv 2311.18823): the first layers,
 * and of every axis every n-th index where the sizes divide, else `round(linspace(0, larger − 1, smaller))`. The head
 * and its bias keep what `parameters` has. The caller owns the tensors. Throws {@link InitializationError} for a
 * network of other names, fewer layers, smaller sizes or another vocabulary, naming the parameter at fault.
 */
export function withSelectedWeights(
  graph: Graph,
  parameters: TensorRecord,
  trained: ReadonlyMap<string, TrainedTensor>,
): Record<string, tf.Tensor> {
  const roles = parameterRoles(graph);
  const head = graph.operators.findLast(({ parameters: { weight } }) => roles.get(weight) === 'head');
  const ofHead = new Set(Object.values(head?.parameters ?? {}));
  const wanted = graph.parameters.filter(({ name }) => !ofHead.has(name));
  if (!wanted.some(({ name }) => trained.has(name))) throw new InitializationError(otherFamily(graph, wanted, trained));
  return editedParameters(parameters, (valuesOf) => {
    for (const parameter of wanted) {
      const found = trained.get(parameter.name);
      if (found === undefined) {
        throw new InitializationError(
          `the trained network has no tensor "${parameter.name}": ` +
            `it should have at least as many layers as "${graph.name}", under the same names`,
        );
      }
      checkLarger(parameter, found, roles.get(parameter.name) === 'token_embedding');
      select(found, parameter.shape, valuesOf(parameter.name));
    }
  });
}

function otherFamily(graph: Graph, wanted: readonly Parameter[], trained: ReadonlyMap<string, TrainedTensor>): string {
  const listed = (names: readonly string[]): string => names.slice(0, 3).join(', ');
  return (
    `the trained network is of another family or has other names than "${graph.name}": ` +
    `it has ${listed([...trained.keys()]) || 'no tensors'}, …, ` +
    `and ${listed(wanted.map(({ name }) => name))}, … were wanted`
  );
}

function checkLarger({ name, shape }: Parameter, { shape: larger }: TrainedTensor, isVocabulary: boolean): void {
  const sizes = `"${name}" is [${larger.join(', ')}] in the trained network and [${shape.join(', ')}] here`;
  if (larger.length !== shape.length) throw new InitializationError(`${sizes}: layouts that do not fit`);
  if (larger.some((size, axis) => size < shape[axis]))
    throw new InitializationError(`${sizes}: weights are selected from a network at least as large in every axis`);
  // Tokens are numbered in no order that entries between could be taken from.
  if (isVocabulary && larger[0] !== shape[0])
    throw new InitializationError(`${sizes}: both want the same vocabulary (vocab=${larger[0]})`);
}

/** Copies the selected entries of a tensor, row-major. */
function select({ shape: larger, data }: TrainedTensor, shape: readonly number[], into: Float32Array): void {
  const indices = shape.map((size, axis) => selectedIndices(larger[axis], size));
  const strides = larger.map((_, axis) => elementCount(larger.slice(axis + 1)));
  let written = 0;
  const copy = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      into[written++] = data[offset];
      return;
    }
    for (const index of indices[axis]) copy(axis + 1, offset + index * strides[axis]);
  };
  copy(0, 0);
}

/** The indices of a longer axis that a shorter one takes, evenly spaced. */
export function selectedIndices(larger: number, smaller: number): number[] {
  if (larger % smaller === 0) return Array.from({ length: smaller }, (_, i) => (i * larger) / smaller);
  return Array.from({ length: smaller }, (_, i) => roundedToEven((i * (larger - 1)) / Math.max(1, smaller - 1)));
}

/** As torch.round: halves go to the even neighbour. */
function roundedToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
