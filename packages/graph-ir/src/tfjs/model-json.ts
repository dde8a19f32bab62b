// The parts of a TensorFlow.js model.json: its topology and where its weights are.
import { BITS } from '../element-types.js';
import { GraphError } from '../graph.js';
import type { ElementType, FilePart, StoredTensor } from '../import/foreign.js';
import { byteLength } from '../import/stored.js';
import { numbers, type Reader, readJson, strings } from '../json-reader.js';

export interface ModelJson {
  readonly format: 'graph-model' | 'layers-model';
  readonly topology: Reader;
  /** Names and types of inputs and outputs, where the file has them. */
  readonly signature: Reader | undefined;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Throws {@link GraphError} naming the field that is not as it should be. */
export function readModelJson(text: string, source: string, shardLength?: ShardLength): ModelJson {
  const root = readJson(text, source);
  const topology = root.field('modelTopology');
  if (topology.value === undefined)
    throw new GraphError(`${source}: not a TensorFlow.js model: it has no "modelTopology"`);
  const fields = topology.record();
  const format = 'node' in fields ? 'graph-model' : 'layers-model';
  const signature = [root.field('signature'), root.field('userDefinedMetadata')]
    .map((holder) => (holder.value === undefined ? undefined : (optional(holder, 'signature') ?? holder)))
    .find((found) => found && 'outputs' in found.record());
  return { format, topology, signature, tensors: readManifest(root.field('weightsManifest'), shardLength) };
}

/** What a model is called that has no name of its own: its file's name, without folders and ".json". */
export const nameOf = (source: string): string => /([^/\\]*?)(\.json)?$/.exec(source)?.[1] || source;

/** A field that may be absent or null. */
export function optional(reader: Reader, key: string): Reader | undefined {
  const field = reader.field(key);
  return field.value === undefined || field.value === null ? undefined : field;
}

/** How many bytes a shard of a model's weights has. Throws when it cannot be found. */
export type ShardLength = (location: string) => number;

/** The weights of each group lie one after the other in the group's shards, as if those were one file. */
function readManifest(manifest: Reader, shardLength: ShardLength | undefined): ReadonlyMap<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  manifest.list((group) => {
    const pieces = piecesOf(group.field('paths'), shardLength);
    let end = 0;
    group.field('weights').list((weight) => {
      const name = weight.field('name').string();
      if (tensors.has(name)) weight.field('name').fail('a name that no other weight has');
      const { type, quantization } = elementType(weight);
      const shape = numbers(weight.field('shape'));
      const length = byteLength(type, shape);
      if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(length))
        weight.field('shape').fail('a shape that memory can hold');
      const parts = pieces(end, length);
      if (parts.reduce((sum, part) => sum + part.length, 0) < length)
        weight.fail(`a weight within the shards: it ends at ${end + length} bytes`);
      end += length;
      tensors.set(name, { type, shape, place: { kind: 'files', parts }, ...(quantization ? { quantization } : {}) });
    });
  });
  return tensors;
}

/** Where so many bytes from an offset of all shards together are. */
function piecesOf(
  paths: Reader,
  shardLength: ShardLength | undefined,
): (offset: number, length: number) => readonly FilePart[] {
  const locations = strings(paths);
  const [only] = locations;
  if (only !== undefined && locations.length === 1 && shardLength === undefined)
    return (offset, length) => [{ location: only, offset, length }];
  if (shardLength === undefined)
    return paths.fail('one shard, unless the option "shardLength" tells how long each of several is');
  let start = 0;
  const shards = locations.map((location) => {
    const shard = { location, start, length: shardLength(location) };
    start += shard.length;
    return shard;
  });
  return (offset, length) =>
    shards.flatMap((shard) => {
      const from = Math.max(offset, shard.start);
      const to = Math.min(offset + length, shard.start + shard.length);
      return from < to ? [{ location: shard.location, offset: from - shard.start, length: to - from }] : [];
    });
}

function elementType(weight: Reader): Pick<StoredTensor, 'type' | 'quantization'> {
  const dtype = weight.field('dtype');
  const quantization = optional(weight, 'quantization');
  const type = TYPES.get(dtype.string()) ?? unreadable(dtype);
  if (quantization === undefined) return type === 'float16' ? HALVES : { type };
  // As TensorFlow.js' decodeWeights has it (tfjs-core, io/io_utils).
  const meant = dtype.literal('float32', 'int32');
  const stored = quantization.field('dtype').literal('uint8', 'uint16', 'float16');
  if (stored === 'float16') return meant === 'float32' ? HALVES : dtype.fail('"float32" where halves are stored');
  const scale = quantization.field('scale').number();
  const offset = quantization.field('min').number();
  const [least, most] = [offset, scale * (2 ** BITS[stored] - 1) + offset];
  if (![least, most].every((value) => isWithin(value, meant)))
    quantization.fail(`a scale and a minimum whose numbers are within those of ${meant}`);
  return { type: stored, quantization: { scale, offset, ...(meant === 'int32' ? { meant } : {}) } };
}

const isWithin = (value: number, type: 'float32' | 'int32'): boolean =>
  type === 'float32' ? Number.isFinite(Math.fround(value)) : Math.round(value) === (Math.round(value) | 0);

/** Halves are how floats are stored here; TensorFlow.js computes with them in float32. */
const HALVES = { type: 'float16', quantization: { scale: 1, offset: 0 } } as const;

const unreadable = (dtype: Reader): never => dtype.fail(`one of ${[...TYPES.keys()].join(', ')}`);

const TYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ['float32', 'float32'],
  ['float16', 'float16'],
  ['int32', 'int32'],
  ['bool', 'bool'],
  ['uint8', 'uint8'],
]);
