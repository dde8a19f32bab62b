// A node of a TensorFlow graph as its JSON writes it: attributes are protobuf unions, texts are in base64.
import { recordOf } from '@logah/files';
import { GraphError, type OnnxAttribute, type Shape, type TensorType } from '../graph.js';
import type { Reader } from '../json-reader.js';
import { optional } from './model-json.js';
import type { Attributes } from './translation.js';

/** A node of a TensorFlow graph. Its inputs are names of results: a node's own name for the first, "name:1" for the second. */
export class NodeDef {
  readonly name: string;
  readonly op: string;
  /** Without the nodes that only have to run before. */
  readonly inputs: readonly string[];
  readonly #attributes: Reader | undefined;
  readonly #node: Reader;

  constructor(node: Reader) {
    this.#node = node;
    this.name = node.field('name').string();
    this.op = node.field('op').string();
    this.#attributes = optional(node, 'attr');
    this.inputs = (optional(node, 'input')?.list((input) => input.string()) ?? [])
      .filter((input) => !input.startsWith('^'))
      .map(valueName);
  }

  input(place: number): string {
    return this.inputs[place] ?? this.#fail(`has no operand ${place}`);
  }

  /** The names of so many results. */
  results(count: number): string[] {
    return Array.from({ length: count }, (_, i) => (i === 0 ? this.name : `${this.name}:${i}`));
  }

  integer(key: string, otherwise: number): number {
    const value = this.#attribute(key, 'i');
    return value === undefined ? otherwise : whole(value);
  }

  real(key: string, otherwise: number): number {
    return this.#attribute(key, 'f')?.float() ?? otherwise;
  }

  flag(key: string): boolean {
    return this.#attribute(key, 'b')?.boolean() ?? false;
  }

  text(key: string, otherwise: string): string {
    const value = this.#attribute(key, 's');
    return value === undefined ? otherwise : decode(value);
  }

  integers(key: string): number[] | undefined {
    return this.#list(key, 'i', whole);
  }

  texts(key: string): string[] {
    return this.#list(key, 's', decode) ?? [];
  }

  dtype(key: string): TensorType['dtype'] {
    return dtypeOf(this.#attribute(key, 'type'));
  }

  /** The shape that a placeholder has; unnamed sizes are named after their axes. */
  shape(): Shape | undefined {
    const shape = this.#attribute('shape', 'shape');
    return shape && shapeOf(shape, this.name);
  }

  /** All attributes that ONNX has words for, for an operator that is kept. */
  plainAttributes(): Attributes {
    const result = recordOf<OnnxAttribute>();
    for (const key of Object.keys(this.#attributes?.record() ?? {})) {
      const integers = this.integers(key);
      const reals = this.#list(key, 'f', (item) => item.float());
      if (this.#attribute(key, 'i')) result[key] = this.integer(key, 0);
      else if (this.#attribute(key, 'f')) result[key] = { float: this.real(key, 0) };
      else if (this.#attribute(key, 'b')) result[key] = this.flag(key) ? 1 : 0;
      else if (this.#attribute(key, 's')) result[key] = this.text(key, '');
      else if (integers?.length) result[key] = integers;
      else if (reals?.length) result[key] = { floats: reals };
    }
    return result;
  }

  #attribute(key: string, kind: string): Reader | undefined {
    const attribute = this.#attributes && optional(this.#attributes, key);
    return attribute && optional(attribute, kind);
  }

  #list<T>(key: string, kind: string, read: (item: Reader) => T): T[] | undefined {
    const list = this.#attribute(key, 'list');
    return list && optional(list, kind)?.list(read);
  }

  #fail(why: string): never {
    throw new GraphError(`${this.#node.source}: ${this.op} "${this.name}" ${why}`);
  }
}

/** "name:0" is "name". */
export const valueName = (reference: string): string => reference.replace(/:0$/, '');

/** The shape in a signature or a placeholder, and the number or name that each of its sizes has. */
export function shapeOf(shape: Reader, name: string): Shape | undefined {
  if (optional(shape, 'unknownRank')?.value === true) return undefined;
  return (optional(shape, 'dim')?.list((dimension) => dimension) ?? []).map((dimension, axis) => {
    const size = optional(dimension, 'size');
    const value = size === undefined ? -1 : whole(size);
    return value > 0 ? value : axis === 0 ? 'batch' : `${name}_${axis}`;
  });
}

/** TensorFlow's name for a type, or its number for it (types.proto). */
function dtypeOf(type: Reader | undefined): TensorType['dtype'] {
  const name = type?.value;
  if (name === 'DT_BOOL' || name === 10) return 'bool';
  return INTEGERS.has(name) ? 'int32' : 'float32';
}

const INTEGERS: ReadonlySet<unknown> = new Set([
  'DT_INT32',
  'DT_INT64',
  'DT_UINT8',
  'DT_INT16',
  'DT_INT8',
  3,
  4,
  5,
  6,
  9,
]);

/** Integers of 64 bits are texts in JSON. */
function whole(reader: Reader): number {
  const value = Number(reader.value);
  return Number.isSafeInteger(value) && reader.value !== '' ? value : reader.fail('an integer');
}

/** Texts are base64, or lists of bytes in old files. */
function decode(reader: Reader): string {
  if (Array.isArray(reader.value)) return reader.list((byte) => String.fromCharCode(byte.number())).join('');
  try {
    return atob(reader.string());
  } catch {
    return reader.fail('a text in base64');
  }
}
