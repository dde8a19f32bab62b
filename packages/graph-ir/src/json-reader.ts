// Reads plain JSON field by field; what is not as it should be is named with its path.
import { own, parseJson, recordOf, shortJson } from '@logah/files';
import { ELEMENT_TYPES, type ElementType } from './element-types.js';
import { DTYPES, GraphError, type TensorType } from './graph.js';

/** A field of the JSON, with its path for messages. */
export class Reader {
  constructor(
    readonly source: string,
    readonly path: string,
    readonly value: unknown,
  ) {}

  /** Throws {@link GraphError} with what would be right, and what was `found`. */
  fail(wanted: string, found = shortJson(this.value)): never {
    throw new GraphError(`${this.source}: ${this.path || 'the file'} should be ${wanted}, got ${found}`);
  }

  /** A record that inherits nothing: names in it are the file's. */
  record(): Record<string, unknown> {
    return recordOf(Object.entries(this.#object()));
  }

  field(key: string): Reader {
    return new Reader(this.source, this.path ? `${this.path}.${key}` : key, own(this.#object(), key));
  }

  /** What is read of every field, in a record that inherits nothing. */
  entries<T>(read: (entry: Reader) => T): Record<string, T> {
    return recordOf(Object.keys(this.#object()).map((key) => [key, read(this.field(key))] as const));
  }

  #object(): Record<string, unknown> {
    return isObject(this.value) ? this.value : this.fail('an object');
  }

  list<T>(read: (item: Reader) => T): T[] {
    if (!Array.isArray(this.value)) return this.fail('a list');
    return this.value.map((item: unknown, i) => read(new Reader(this.source, `${this.path}[${i}]`, item)));
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('a string');
  }

  number(): number {
    if (typeof this.value !== 'number') return this.fail('a number');
    if (Number.isFinite(this.value)) return this.value;
    // JSON has no infinity: this is a number like 1e999.
    throw new GraphError(`${this.source}: ${this.path} should be a number up to ${Number.MAX_VALUE}, got a larger one`);
  }

  /** A number that may be infinite or none, which JSON has no words for: "Infinity", "-Infinity", "NaN". */
  float(): number {
    return this.value === 'Infinity' || this.value === '-Infinity' || this.value === 'NaN'
      ? Number(this.value)
      : this.number();
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('true or false');
  }

  literal<const T extends string | number>(...allowed: readonly T[]): T {
    return (
      allowed.find((literal) => literal === this.value) ??
      this.fail(allowed.map((literal) => JSON.stringify(literal)).join(' or '))
    );
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The root of a JSON text. Throws {@link GraphError} naming `source` when it is not JSON, or is nested too deep. */
export const readJson = (text: string, source: string): Reader =>
  new Reader(source, '', parseJson(text, source, GraphError));

export const strings = (reader: Reader): string[] => reader.list((item) => item.string());
export const numbers = (reader: Reader): number[] => reader.list((item) => item.number());
export const floats = (reader: Reader): number[] => reader.list((item) => item.float());

/** The type that elements have in ONNX, where it is written. */
export const elementOf = (reader: Reader): { element?: ElementType } =>
  'element' in reader.record() ? { element: reader.field('element').literal(...ELEMENT_TYPES) } : {};

export const tensorType = (reader: Reader): TensorType => ({
  dtype: reader.field('dtype').literal(...DTYPES),
  ...elementOf(reader),
  shape: reader.field('shape').list((size) => (typeof size.value === 'string' ? size.value : size.number())),
});

export function pair(reader: Reader): readonly [number, number] {
  const [height, width, ...rest] = numbers(reader);
  return height === undefined || width === undefined || rest.length > 0
    ? reader.fail('[height, width]')
    : [height, width];
}

export function padding(reader: Reader) {
  const side = (name: string): number => reader.field(name).number();
  return { top: side('top'), left: side('left'), bottom: side('bottom'), right: side('right') };
}

export const window = (attributes: Reader) => ({
  kernel: pair(attributes.field('kernel')),
  stride: pair(attributes.field('stride')),
  padding: padding(attributes.field('padding')),
});
