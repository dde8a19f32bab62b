// Whether a checkpoint holds what a graph wants, and its values.
import { withBatchStatistics } from '../batch-statistics.js';
import { type Graph, GraphError, type Operator } from '../graph.js';

/** A tensor that is not where, or not what, the graph says. */
export type CheckpointDifference =
  | { readonly kind: 'missing'; readonly name: string; readonly wanted: readonly number[] }
  | {
      readonly kind: 'shape';
      readonly name: string;
      readonly wanted: readonly number[];
      readonly found: readonly number[];
    }
  | { readonly kind: 'unexpected'; readonly name: string; readonly found: readonly number[] }
  /** Its elements are no floating-point numbers. */
  | { readonly kind: 'type'; readonly name: string; readonly type: string }
  /** Some of its values are NaN or infinite. */
  | { readonly kind: 'values'; readonly name: string };

/** What checkpoints hold beside parameters: statistics of batch norms, masks and positions that older versions saved. */
const BUFFERS = /(^|\.)(running_mean|running_var|num_batches_tracked|position_ids|masked_bias|attn\.bias|inv_freq)$/;

/** The tensors of a checkpoint by name, such as a safetensors header lists; `type` as safetensors calls it. */
export type CheckpointShapes = ReadonlyMap<string, { readonly shape: readonly number[]; readonly type?: string }>;

/** A checkpoint whose tensors are read when they are asked for. */
export interface ReadableCheckpoint {
  readonly tensors: CheckpointShapes;
  readonly read: (name: string) => Promise<{ readonly data: Float32Array }>;
}

/** Parameters are floating-point numbers: integers are indices, counters or quantised weights without their scale. */
const isFloat = (type = 'F32'): boolean => /^B?F\d/.test(type);

const areFinite = (values: Float32Array): boolean => values.every(Number.isFinite);

/** Prefixes that files of a model with a head have, and those of the model alone have not. */
const PREFIXES = ['transformer.', 'model.', 'bert.', 'vit.', 'resnet.', 'distilbert.', 'roberta.', 'deit.'];

/** TensorFlow's names of a layer norm's weight and bias, which older files of BERT have. */
const olderName = (name: string): string =>
  name.replace(/(LayerNorm\.)weight$/, '$1gamma').replace(/(LayerNorm\.)bias$/, '$1beta');

/** The name that a checkpoint has for a parameter, which may lack the prefix of the model ("transformer.", "bert.") or have one. */
const nameIn = (tensors: CheckpointShapes, parameter: string): string | undefined =>
  [parameter, parameter.slice(parameter.indexOf('.') + 1), ...PREFIXES.map((prefix) => `${prefix}${parameter}`)]
    .flatMap((name) => [name, olderName(name)])
    .find((candidate) => tensors.has(candidate));

/** Names of layers' weights and biases that are other layers' parameters too, and those parameters: PyTorch saves a tied head under both. */
const secondNames = ({ operators }: Graph): Map<string, string> =>
  new Map(
    operators.flatMap(({ name, parameters }) =>
      (['weight', 'bias'] as const).flatMap((role): Array<[string, string]> => {
        const parameter = parameters[role];
        return parameter === undefined || parameter === `${name}.${role}` ? [] : [[`${name}.${role}`, parameter]];
      }),
    ),
  );

/**
 * The values of every parameter of a graph from a checkpoint, whose names may be as {@link checkCheckpoint} has them;
 * `source` names it in errors.
 * Throws {@link GraphError} for the first parameter that is missing, of another shape or of integers or complex numbers,
 * before anything is read, for values that are not finite, for a layer that shares its weight in the graph but not in the checkpoint, and what `read` throws.
 */
export async function checkpointValues(
  graph: Graph,
  checkpoint: ReadableCheckpoint,
  source: string,
): Promise<Map<string, Float32Array>> {
  const names = graph.parameters.map(({ name, shape }) => {
    const stored = nameIn(checkpoint.tensors, name);
    const { shape: found, type } = (stored === undefined ? undefined : checkpoint.tensors.get(stored)) ?? {};
    if (stored !== undefined && found?.join() === shape.join() && isFloat(type)) return [name, stored] as const;
    const instead = found ? `got ${isFloat(type) ? '' : `${type} `}[${found.join(', ')}]` : 'but is missing';
    throw new GraphError(`${source}: the tensor "${name}" should be [${shape.join(', ')}], ${instead}`);
  });
  const values = new Map<string, Float32Array>();
  for (const [name, stored] of names) {
    const { data } = await checkpoint.read(stored);
    if (!areFinite(data)) throw new GraphError(`${source}: the tensor "${stored}" holds NaN or infinite values`);
    values.set(name, data);
  }
  for (const [second, parameter] of secondNames(graph)) {
    const shared = values.get(parameter);
    if (shared === undefined || !checkpoint.tensors.has(second)) continue;
    const { data } = await checkpoint.read(second);
    if (data.length !== shared.length || data.some((value, i) => !Object.is(value, shared[i]))) {
      throw new GraphError(
        `${source}: "${second}" has other values than "${parameter}", but the network shares them: ` +
          'use an architecture whose head is not tied (tied=false)',
      );
    }
  }
  return values;
}

/**
 * The differences between a graph's parameters and a checkpoint's tensors by name; none when they fit. Tensors may
 * lack the prefix of the model ("transformer.", "bert."), as files of base models do; buffers and second names of tied
 * weights are not counted.
 */
export function checkCheckpoint(graph: Graph, tensors: CheckpointShapes): CheckpointDifference[] {
  const seen = new Set<string>();
  const differences = graph.parameters.flatMap(({ name, shape }): CheckpointDifference[] => {
    const alias = nameIn(tensors, name);
    const found = alias === undefined ? undefined : tensors.get(alias);
    if (alias === undefined || found === undefined) return [{ kind: 'missing', name, wanted: shape }];
    seen.add(alias);
    if (found.shape.join() !== shape.join()) return [{ kind: 'shape', name, wanted: shape, found: found.shape }];
    return isFloat(found.type) ? [] : [{ kind: 'type', name, type: found.type ?? '' }];
  });
  const others = secondNames(graph);
  const unexpected = [...tensors].flatMap(([name, { shape }]): CheckpointDifference[] =>
    seen.has(name) || others.has(name) || BUFFERS.test(name) ? [] : [{ kind: 'unexpected', name, found: shape }],
  );
  return [...differences, ...unexpected];
}

/**
 * The graph with batch norms that use the statistics a checkpoint has of them, as parameters with PyTorch's names; those that it has none of use the batch's.
 * Throws {@link GraphError} where it has some, but not all of a graph.
 */
export function withStatisticsOf(graph: Graph, tensors: CheckpointShapes, source: string): Graph {
  const norms = graph.operators.filter(({ type }) => type === 'batch_norm');
  const layerOf = (weight: string): string => weight.replace(/\.weight$/, '');
  const has = (weight: string): boolean =>
    ['running_mean', 'running_var'].every((name) => nameIn(tensors, `${layerOf(weight)}.${name}`) !== undefined);
  const found = norms.filter(({ parameters }) => has(parameters.weight));
  if (found.length === 0) return withBatchStatistics(graph);
  const missing = norms.find(({ parameters }) => !has(parameters.weight));
  if (missing !== undefined)
    throw new GraphError(`${source}: has statistics of batch norms, but none of "${missing.name}"`);
  const operators = graph.operators.map((operator): Operator => {
    if (operator.type !== 'batch_norm') return operator;
    const layer = layerOf(operator.parameters.weight);
    const statistics = { mean: `${layer}.running_mean`, variance: `${layer}.running_var` };
    return { ...operator, parameters: { ...operator.parameters, ...statistics } };
  });
  const shapes = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  for (const operator of operators) {
    if (operator.type !== 'batch_norm') continue;
    const { shape } = shapes.get(operator.parameters.weight) ?? { shape: [] };
    for (const name of [operator.parameters.mean, operator.parameters.variance])
      shapes.set(name, { name, shape, layout: 'features' });
  }
  return { ...graph, operators, parameters: [...shapes.values()] };
}

/** The parameters of a graph that a checkpoint has values for which are NaN or infinite; one is read after the other. */
export async function checkCheckpointValues(
  graph: Graph,
  { tensors, read }: ReadableCheckpoint,
): Promise<CheckpointDifference[]> {
  const differences: CheckpointDifference[] = [];
  for (const { name } of graph.parameters) {
    const stored = nameIn(tensors, name);
    const isReadable = stored !== undefined && isFloat(tensors.get(stored)?.type);
    if (isReadable && !areFinite((await read(stored)).data)) differences.push({ kind: 'values', name });
  }
  return differences;
}
