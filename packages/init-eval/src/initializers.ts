// Where a network's parameters start from. An initialiser of one's own is any function of the type Initializer.
import { recordOf } from '@logah/files';
import { type Graph, type ParameterPlace, type ParameterRole, parameterPlaces } from '@logah/graph-ir';
import { type Hypernet, type PredictOptions, predict } from '@logah/hypernet';
import {
  type RoleDeviations,
  randomParameters,
  type TrainedTensor,
  withDeviations,
  withSelectedWeights,
} from '@logah/network';
import { createRandom, deriveSeed, type Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from './errors.js';
import { CLOSED_FORM_STARTS, type ClosedFormName, MODIFIERS, type ModifierName } from './start-tables.js';

/** Gives a value for every parameter of a graph, as tensors that the caller owns. */
export type Initializer = (graph: Graph, random: Random) => TensorRecord | Promise<TensorRecord>;

/**
 * A start in closed form by its name in {@link CLOSED_FORM_STARTS}: RandInit, in which roles may have other
 * deviations, and what the start makes of it. Throws {@link EvaluationError} for the deviation of a role that the
 * start makes itself; the initialiser throws InitializationError for a graph that the start has no meaning for.
 */
export function closedFormInitializer(name: ClosedFormName, deviations: RoleDeviations = {}): Initializer {
  const { makes, change, own } = CLOSED_FORM_STARTS[name];
  for (const role of Object.keys(deviations)) {
    if (own.some((made) => made === role)) {
      throw new EvaluationError(
        `${name}:${role}=… has no effect: "${name}" is ${makes}, and gives ${own.join(', ')} itself`,
      );
    }
  }
  return async (graph, random) => {
    const start = randomParameters(graph, random);
    const scaled =
      Object.keys(deviations).length === 0
        ? start
        : await replaced(start, (drawn) => withDeviations(graph, drawn, deviations, random));
    return change === undefined ? scaled : replaced(scaled, (drawn) => change(graph, drawn, random, deviations));
  };
}

/** RandInit: what PyTorch's layers draw. */
export const randomInitializer: Initializer = closedFormInitializer('random');

/** OrthInit: RandInit with orthogonal weights, but for the layer that gives the classes. */
export const orthogonalInitializer: Initializer = closedFormInitializer('orthogonal');

/** Weights selected from a larger trained network, by name; the head is RandInit's. */
export const selectedInitializer =
  (trained: ReadonlyMap<string, TrainedTensor>): Initializer =>
  (graph, random) =>
    replaced(randomParameters(graph, random), (start) => withSelectedWeights(graph, start, trained));

/**
 * What a hypernetwork, LoGAH or GHN-3, predicts; class-token rows, which it does not, are drawn. `reference` wires the
 * graph as the authors' code does, for their checkpoints.
 */
export const predictedInitializer =
  (hypernet: Hypernet, { reference = false }: Pick<PredictOptions, 'reference'> = {}): Initializer =>
  async (graph, random) => {
    const parameters = recordOf<tf.Tensor>();
    for await (const { name, shape, data } of predict(hypernet, graph, { random, reference })) {
      parameters[name] = tf.tensor(data, [...shape]);
    }
    return parameters;
  };

/**
 * Another start, changed by what {@link MODIFIERS} has under a name; `value` is its number, if it takes one and not
 * its usual one is meant.
 */
export const modifiedInitializer =
  (initializer: Initializer, name: ModifierName, value?: number): Initializer =>
  async (graph, random) => {
    const { change, usual } = MODIFIERS[name];
    return replaced(await initializer(graph, random), (start) => change(graph, start, random, value ?? usual ?? 0));
  };

/**
 * One start with some roles of another's: weights of `roles` and their biases come from `donor`, the rest from `base`. For
 * asking which roles carry what a start gains. Throws {@link EvaluationError} for a role that the network has not.
 */
export const graftedInitializer =
  (base: Initializer, donor: Initializer, roles: readonly ParameterRole[]): Initializer =>
  async (graph, random) => {
    const places = parameterPlaces(graph);
    const present = new Set([...places.values()].map(grownRole));
    const unknown = roles.find((role) => !present.has(role));
    if (unknown !== undefined)
      throw new EvaluationError(
        `no parameter of ${graph.name} has the role "${unknown}" to be taken; there are ${[...present].join(', ')}`,
      );
    const [kept, given] = [await base(graph, random), await donor(graph, random)];
    const parameters = recordOf<tf.Tensor>();
    for (const { name } of graph.parameters) {
      const place = places.get(name);
      const isTaken = place !== undefined && roles.some((role) => role === grownRole(place));
      const [used, left] = isTaken ? [given, kept] : [kept, given];
      parameters[name] = used[name];
      left[name].dispose();
    }
    return parameters;
  };

/** A bias goes with its layer's weight. */
const grownRole = ({ role, around }: ParameterPlace): ParameterPlace['around'] => (role === 'bias' ? around : role);

/** Of the initialiser's own draws, apart from those of the epochs of training. */
const INITIALIZATION = 0x1717;

/** The random numbers that a comparison gives its initialisers for a seed. */
export const startRandom = (seed: number): Random => createRandom(deriveSeed(seed, INITIALIZATION));

/** New tensors from old ones, which are freed. */
async function replaced(
  start: TensorRecord,
  make: (start: TensorRecord) => TensorRecord | Promise<TensorRecord>,
): Promise<TensorRecord> {
  try {
    // Changes read at once, which on a GPU takes values that were waited for before.
    await Promise.all(Object.values(start).map((tensor) => tensor.data()));
    return await make(start);
  } finally {
    tf.dispose(Object.values(start));
  }
}
