// Parameters drawn anew by what they are for: each role from a distribution of its own.
import {
  didYouMean,
  elementCount,
  type Graph,
  type Parameter,
  type ParameterRole,
  parameterRoles,
} from '@logah/graph-ir';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import type * as tf from '@tensorflow/tfjs-core';
import { attentionLayers, setRows, type WeightRows } from './attention-layers.js';
import { editedParameters } from './edit.js';
import { InitializationError } from './error.js';

/** How the values of a role are drawn about their mean: 1 for the gains of norms, 0 for all else. */
export interface Distribution {
  readonly kind: 'normal' | 'uniform';
  /** The standard deviation, which may depend on the features that a layer reads; 0 gives the mean itself. */
  readonly std: (fanIn: number) => number;
}

/** Normal numbers of one deviation. */
export const normal = (std: number): Distribution => ({ kind: 'normal', std: () => std });

/** All values 0 (1 for the gains of norms). */
export const zeros: Distribution = normal(0);

/** Distributions by role. */
export type RoleDistributions = Readonly<Partial<Record<ParameterRole, Distribution>>>;

/** Standard deviations by the name of a `ParameterRole`. */
export type RoleDeviations = Readonly<Record<string, number>>;

/** The roles of what a packed matrix holds. */
const PROJECTIONS = [
  ['attention_query', 'query'],
  ['attention_key', 'key'],
  ['attention_value', 'value'],
] as const;

/** What belongs to a role: whole parameters, and the rows of its own in packed projections. */
interface RolePlaces {
  readonly whole: readonly Parameter[];
  readonly rows: readonly WeightRows[];
}

/**
 * Where each role is in a graph; a packed query, key and value counts as each of its three, too. Roles in the order
 * of their first parameter.
 */
function rolePlaces(graph: Graph): Map<ParameterRole, RolePlaces> {
  const roles = parameterRoles(graph);
  const places = new Map<ParameterRole, RolePlaces>();
  const placesOf = (role: ParameterRole): RolePlaces => places.get(role) ?? { whole: [], rows: [] };
  for (const parameter of graph.parameters) {
    const role = roles.get(parameter.name) ?? 'other';
    const { whole, rows } = placesOf(role);
    places.set(role, { whole: [...whole, parameter], rows });
  }
  if (!places.has('attention_qkv')) return places;
  for (const layer of attentionLayers(graph)) {
    if (roles.get(layer.query.parameter) !== 'attention_qkv') continue;
    for (const [role, projection] of PROJECTIONS) {
      const { whole, rows } = placesOf(role);
      places.set(role, { whole, rows: [...rows, layer[projection]] });
    }
  }
  return places;
}

/**
 * Parameters of which those of some roles are drawn anew, N(mean, std²) with mean 1 for the gains of norms and 0 for
 * all else; the others are copied, and are the same as without it. In a packed query, key and value each can be named
 * alone. Deviations other than those a network's own layers have: what a start is worth can be told only beside a
 * random one whose scales were tuned, too. The caller owns the tensors. Throws {@link InitializationError} for a role
 * that the graph lacks, naming those it has, or a deviation that is not a number of at least 0.
 *
 * @example
 * const start = withDeviations(vit, randomParameters(vit, random), { position: 1.5 }, random);
 */
export function withDeviations(
  graph: Graph,
  parameters: TensorRecord,
  deviations: RoleDeviations,
  random: Random,
): Record<string, tf.Tensor> {
  const known = rolePlaces(graph);
  const distributions: Partial<Record<ParameterRole, Distribution>> = {};
  for (const [role, std] of Object.entries(deviations)) {
    const found = [...known.keys()].find((name) => name === role);
    if (found === undefined)
      throw new InitializationError(
        `"${graph.name}" has no role "${role}"; it has ${[...known.keys()].join(', ')}${didYouMean(role, known.keys())}`,
      );
    if (!(std >= 0 && Number.isFinite(std)))
      throw new InitializationError(`the deviation of ${role} should be a number of at least 0, got ${std}`);
    distributions[found] = normal(std);
  }
  return withDistributions(graph, parameters, distributions, random);
}

/**
 * Parameters of which those of some roles are drawn anew; roles that the graph lacks draw nothing. The caller owns
 * the tensors.
 */
export function withDistributions(
  graph: Graph,
  parameters: TensorRecord,
  distributions: RoleDistributions,
  random: Random,
): Record<string, tf.Tensor> {
  return editedParameters(parameters, (valuesOf) => {
    for (const [role, { whole, rows }] of rolePlaces(graph)) {
      const distribution = distributions[role];
      if (distribution === undefined) continue;
      const mean = role === 'norm_gain' ? 1 : 0;
      for (const parameter of whole) {
        const count = elementCount(parameter.shape);
        valuesOf(parameter.name).set(drawn(distribution, fanInOf(parameter), mean, count, random));
      }
      for (const part of rows) {
        const values = drawn(distribution, part.inputs, mean, part.count * part.inputs, random);
        setRows(valuesOf(part.parameter), part, (row, column) => values[row * part.inputs + column]);
      }
    }
  });
}

function drawn({ kind, std }: Distribution, fanIn: number, mean: number, count: number, random: Random): Float32Array {
  const deviation = std(fanIn);
  // The deviation of a uniform variable in ±b is b / √3.
  const bound = Math.sqrt(3) * deviation;
  return kind === 'normal'
    ? random.normals(count, mean, deviation)
    : random.uniforms(count, mean - bound, mean + bound);
}

/** How many values make one feature of what a parameter gives. */
const fanInOf = ({ shape, layout }: Parameter): number =>
  layout === 'in_out' ? shape[0] : elementCount(shape.slice(1));
