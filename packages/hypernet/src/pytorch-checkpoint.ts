// The authors' own checkpoints: PyTorch files of a state dictionary, alone or beside a configuration. What the
// configuration does not say is inferred from the tensors, by the rules of the authors' loaders, and every inference is
// told.
import {
  describeValue,
  isKind,
  type PickleValue,
  type PytorchFile,
  readTensor,
  stateDictionary,
  type Weights,
} from '@logah/pytorch-files';
import type { FloatTensor } from '@logah/safetensors';
import { assemble } from './checkpoint.js';
import { checkHypernetConfig, type HypernetConfig, HypernetError, LARGEST_SIZE, LONGEST_PATH } from './config.js';
import type { Hypernet } from './hypernet.js';

/** Sizes of a configuration that a file of tensors alone may not tell. */
export type AssumedSize = 'heads' | 'maxChannels' | 'maxKernel' | 'classes' | 'virtualEdges';

export interface PytorchHypernetOptions {
  /** The trained parameters, or their moving average where the file has one; trained by default. */
  readonly weights?: Weights;
  /** Sizes that are known better than by inference; of those that the file tells, only the same. */
  readonly assume?: Partial<Record<AssumedSize, number>>;
  /** Is told, in a sentence each, what was inferred rather than read. */
  readonly onNote?: (note: string) => void;
}

/** Paths that become virtual edges, as the authors train. */
const VIRTUAL_EDGES = 50;

/** Rows of `embed.weight`, one for each type of node, by domain. */
const DOMAINS: ReadonlyMap<number, HypernetConfig['domain']> = new Map([
  [15, 'vision'],
  [18, 'language'],
]);

/** The embeddings of kernel sizes. */
const KERNEL_TABLE = 'shape_enc.embed_spatial.weight';

/** LoGAH's published sizes have this many rows for each channel of the largest tensor. */
const ROWS_PER_CHANNEL = 16;

/**
 * The hypernetwork in a checkpoint of LoGAH's or GHN-3's authors.
 * Throws PytorchFileError or {@link HypernetError} naming the file, and the field or tensor that is missing, not
 * supported or of another shape.
 */
export async function fromPytorch(file: PytorchFile, options: PytorchHypernetOptions = {}): Promise<Hypernet> {
  const { weights = 'trained', onNote = () => {}, assume = {} } = options;
  const { tensors, notes } = stateDictionary(file, { weights });
  for (const note of notes) onNote(note);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const config = readConfiguration(fieldsOf(file.value, file.name), shapes, {
    source: file.name,
    onNote,
    assume,
  });
  const values = new Map<string, FloatTensor>();
  for (const [name, tensor] of tensors) values.set(name, await readTensor(tensor));
  return assemble(config, values, file.name);
}

/** Throws {@link HypernetError} for an assumed size other than the one that a file tells: the prediction would be another. */
export function checkAssumed(
  config: HypernetConfig,
  assume: NonNullable<PytorchHypernetOptions['assume']>,
  inferred: ReadonlySet<string>,
  source: string,
): void {
  const told = new Map<string, unknown>(Object.entries(config));
  for (const [field, value] of Object.entries(assume)) {
    if (!inferred.has(field) && told.get(field) !== value) {
      throw new HypernetError(
        `${source}: ${field} is ${told.get(field)} there, but ${value} was to be assumed; only what a file does not tell can be`,
      );
    }
  }
}

/**
 * The fields of `config`, a dictionary or the arguments of a program; none where there is no `config`. Throws
 * {@link HypernetError} for anything else.
 */
function fieldsOf(value: PickleValue, source: string): ReadonlyMap<PickleValue, PickleValue> {
  const config = (value instanceof Map ? value.get('config') : undefined) ?? new Map<PickleValue, PickleValue>();
  if (config instanceof Map) return config;
  if (isKind(config, 'namespace')) return config.fields;
  throw new HypernetError(`${source}: config should be a dictionary or a Namespace, got ${describeValue(config)}`);
}

function readConfiguration(
  fields: ReadonlyMap<PickleValue, PickleValue>,
  shapes: ReadonlyMap<string, readonly number[]>,
  { source, onNote, assume }: Required<Omit<PytorchHypernetOptions, 'weights'>> & { readonly source: string },
): HypernetConfig {
  const fail = (what: string): never => {
    throw new HypernetError(`${source}: ${what}`);
  };
  const names = [...shapes.keys()];
  const wrong = (field: string, wanted: string): never =>
    fail(`config.${field} should be ${wanted}, got ${describeValue(fields.get(field))}`);
  const flag = (field: string): boolean | undefined => {
    const value = fields.get(field);
    return value === undefined || typeof value === 'boolean' ? value : wrong(field, 'True or False');
  };
  if (flag('is_ghn2') === true || names.some((name) => name.includes('gnn.gru.')))
    fail(
      'it is a GHN-2 (ppuda, arXiv 2110.13100), whose gated graph network is not supported; checkpoints of GHN-3 and LoGAH are',
    );
  const shapeOf = (name: string): readonly number[] =>
    shapes.get(name) ?? fail(`the tensor "${name}" is missing: is this a checkpoint of LoGAH or GHN-3?`);
  const inferred = new Set<string>();
  const infer = <T>(field: string, value: T, why: string): T => {
    inferred.add(field);
    if (!Object.hasOwn(assume, field)) onNote(`${field} is ${value}: ${why}.`);
    return value;
  };
  const size = (field: string): number | undefined => {
    const value = fields.get(field);
    if (value === undefined || value === null) return undefined;
    return isSize(value) ? value : wrong(field, 'a positive integer');
  };
  /** A part of `max_shape`, which is one size for channels, or all four sizes: channels twice, sides of a kernel twice. */
  const maxShape = (axis: 0 | 2): number | undefined => {
    const value = fields.get('max_shape');
    if (value === undefined || value === null) return undefined;
    if (isSize(value)) return axis === 0 ? value : undefined;
    const sizes = Array.isArray(value) ? value.filter(isSize) : [];
    if (!Array.isArray(value) || value.length !== 4 || sizes.length !== 4)
      return wrong('max_shape', 'a positive integer or four of them');
    if (sizes[0] !== sizes[1] || sizes[2] !== sizes[3])
      return fail(`config.max_shape should be [channels, channels, side, side], got [${sizes.join(', ')}]`);
    return sizes[axis];
  };
  flag('use_1d_decoder');
  for (const [field, only] of [
    ['hypernet', 'gatedgnn'],
    ['decoder', 'conv'],
  ] as const) {
    if ((fields.get(field) ?? only) !== only) wrong(field, `"${only}"`);
  }
  for (const [field, what] of [
    ['weight_norm', 'weights that are not normalised'],
    ['layernorm', 'an encoder without its last layer norm'],
  ] as const) {
    if (flag(field) === false) fail(`config.${field} is False: ${what} are not supported`);
  }

  const [nodeTypes, dim] = shapeOf('embed.weight');
  shapeOf('ln.weight');
  const domain = DOMAINS.get(nodeTypes) ?? fail(`"embed.weight" should have 15 or 18 rows, got ${nodeTypes}`);
  infer('domain', domain, `"embed.weight" has ${nodeTypes} rows`);
  const head = 'gnn.0.attn.proj_e.2.weight';
  const layers = names.filter(isFirstNorm).length;
  const classes = size('num_classes') ?? inferClasses(shapes, infer);
  const common = {
    dim: size('hid') ?? infer('dim', dim, 'the last size of "embed.weight"'),
    heads: size('heads') ?? infer('heads', shapeOf(head)[0], `the rows of "${head}"`),
    layers: size('layers') ?? infer('layers', layers, 'the tensors "gnn.*.ln1.weight"'),
    classes,
    maxKernel: maxShape(2) ?? inferKernel(shapes, classes, infer),
    virtualEdges: fields.has('ve')
      ? (virtualEdges(fields.get('ve')) ?? wrong('ve', `True, False or a length from 0 to ${LONGEST_PATH}`))
      : infer('virtualEdges', VIRTUAL_EDGES, 'as the authors train'),
    domain,
    initializerRange: 0.02,
  };
  if (domain === 'language') infer('initializerRange', common.initializerRange, "GPT-2's, as the authors train");
  const factors = 'decoder.l2.weight';
  const lora = flag('lora');
  const isLowRank = lora ?? shapes.has(factors);
  if (lora === undefined)
    infer('decoder', isLowRank ? 'lowrank' : 'conv', `"${factors}" is ${isLowRank ? '' : 'not '}there`);
  const check = (config: HypernetConfig): HypernetConfig => {
    // Both are counted in loops: what the file says must be of the size of what it holds.
    if (config.layers !== layers) fail(`config.layers is ${config.layers}, but the file has ${layers} layers`);
    const kernels = shapeOf(KERNEL_TABLE)[0];
    if (config.maxKernel > 2 * kernels)
      fail(`the largest kernel is ${config.maxKernel}, too large for the ${kernels} rows of "${KERNEL_TABLE}"`);
    checkAssumed(config, assume, inferred, source);
    try {
      return checkHypernetConfig({ ...config, ...assume });
    } catch (cause) {
      return fail(cause instanceof Error ? cause.message : String(cause));
    }
  };
  if (!isLowRank) {
    const last = 'decoder.conv.2.weight';
    const maxChannels =
      maxShape(0) ?? infer('maxChannels', Math.sqrt(shapeOf(last)[0]), `the root of the rows of "${last}"`);
    return check({ decoder: 'conv', ...common, maxChannels });
  }
  const maxRows = size('max_ck_lora') ?? infer('maxRows', shapeOf(factors)[0], `the rows of "${factors}"`);
  const rank = size('lora_r') ?? infer('rank', shapeOf(factors)[1], `the columns of "${factors}"`);
  const maxChannels =
    maxShape(0) ??
    infer(
      'maxChannels',
      Math.floor(maxRows / ROWS_PER_CHANNEL),
      `no tensor says it; LoGAH's published sizes have ${ROWS_PER_CHANNEL} rows for each`,
    );
  return check({ decoder: 'lowrank', ...common, rank, maxRows, maxChannels });
}

/** Says what was inferred, and gives it back. */
type Infer = <T>(field: string, value: T, why: string) => T;

const isFirstNorm = (name: string): boolean => /^gnn\.\d+\.ln1\.weight$/.test(name);

const isSize = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= LARGEST_SIZE;

/**
 * `ve` says whether there are any, or how long; the direct edges, paths of length 1, are always there. Undefined for
 * what says neither.
 */
function virtualEdges(ve: PickleValue | undefined): number | undefined {
  if (typeof ve === 'boolean') return ve ? VIRTUAL_EDGES : 1;
  return ve === 0 || (isSize(ve) && ve <= LONGEST_PATH) ? Math.max(ve, 1) : undefined;
}

function inferClasses(shapes: ReadonlyMap<string, readonly number[]>, infer: Infer): number {
  const layer = [...shapes].find(([name]) => name.includes('class_layer_predictor'));
  return layer
    ? infer('classes', layer[1][0], `the rows of "${layer[0]}"`)
    : infer('classes', 10, 'no "class_layer_predictor" is there');
}

function inferKernel(shapes: ReadonlyMap<string, readonly number[]>, classes: number, infer: Infer): number {
  const rows = shapes.get(KERNEL_TABLE)?.[0];
  if (rows !== undefined) return infer('maxKernel', rows === 9 ? 11 : 16, `"${KERNEL_TABLE}" has ${rows} rows`);
  return infer('maxKernel', classes >= 1000 ? 16 : 11, `as the authors have it for ${classes} classes`);
}
