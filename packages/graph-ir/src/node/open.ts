// A model file on disk: its graph now, and the values of its parameters when they are asked for.
import { closeSync, fstatSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { messageOf } from '@logah/files';
import { openFileSync } from '@logah/files/node';
import { GraphError } from '../graph.js';
import type { ImportedModel } from '../import/assemble.js';
import type { ImportOptions } from '../import/settle.js';
import { bytesAt, decodeTensor } from '../import/stored.js';
import { graphFromOnnx } from '../onnx/import.js';
import { graphFromTfjs } from '../tfjs/import.js';

export type OpenOptions = Omit<ImportOptions, 'readPlace'>;

export interface OpenedModel extends ImportedModel {
  /**
   * The values of a parameter, row-major in the parameter's shape, read from the file that has them.
   * Throws {@link GraphError} for a name that no parameter has, and for a file that is missing or too short.
   */
  values(parameter: string): Float32Array;
  /** Closes the files that hold values. */
  close(): void;
}

/** A model.json and an ONNX file without its weights are no larger; what is must be something else. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Opens an ONNX model, or a TensorFlow.js model by its model.json. Weights in files beside it are found by their names within the model's own folder:
 * a name that leads out of it, also by a link, is refused.
 * Throws {@link GraphError} naming the file and what is wrong with it.
 */
export function openModel(path: string, options: OpenOptions = {}): OpenedModel {
  const files = new ModelFolder(path);
  try {
    const withFiles = { ...options, readPlace: files.read };
    const bytes = files.model();
    const { graph, tensors } = path.endsWith('.json')
      ? graphFromTfjs(new TextDecoder().decode(bytes), path, { ...withFiles, shardLength: files.length })
      : graphFromOnnx(bytes, path, withFiles);
    return {
      graph,
      tensors,
      values: (parameter) => {
        const stored = tensors.get(parameter);
        if (stored === undefined) throw new GraphError(`${path}: the model has no parameter "${parameter}"`);
        return decodeTensor(parameter, stored, bytesAt(stored.place, files.read));
      },
      close: () => {
        files.close();
      },
    };
  } catch (error) {
    files.close();
    throw error;
  }
}

/** The files in the folder of a model. */
class ModelFolder {
  readonly #path: string;
  readonly #descriptors = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** The model file itself. */
  model(): Uint8Array {
    const { descriptor, size } = this.#reading(this.#path, () => openFileSync(this.#path));
    try {
      if (size > MOST_BYTES)
        throw new GraphError(
          `${this.#path}: ${size} bytes; a model of 2 GiB and more has its weights in files beside it`,
        );
      return this.#reading(this.#path, () => this.#bytes(descriptor, this.#path, 0, size));
    } finally {
      closeSync(descriptor);
    }
  }

  read = (location: string, offset: number, length: number): Uint8Array => {
    const descriptor = this.#open(location);
    const { size } = fstatSync(descriptor);
    if (offset + length > size)
      throw new GraphError(
        `${this.#path}: bytes ${offset} to ${offset + length} of "${location}" are wanted, but it has ${size}`,
      );
    return this.#reading(location, () => this.#bytes(descriptor, location, offset, length));
  };

  #bytes(descriptor: number, location: string, offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const count = readSync(descriptor, bytes, at, Math.min(length - at, 2 ** 30), offset + at);
      if (count === 0) throw new GraphError(`${this.#path}: "${location}" ends before byte ${offset + length}`);
      at += count;
    }
    return bytes;
  }

  length = (location: string): number => fstatSync(this.#open(location)).size;

  close(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }

  #open(location: string): number {
    const open = this.#descriptors.get(location);
    if (open !== undefined) return open;
    const { descriptor } = this.#reading(location, () => openFileSync(this.#inside(location)));
    this.#descriptors.set(location, descriptor);
    return descriptor;
  }

  /** The file's path. Throws when it is not in the model's folder. */
  #inside(location: string): string {
    const folder = realpathSync(dirname(this.#path));
    const path = resolve(folder, location);
    const isWithin = (candidate: string): boolean => candidate.startsWith(folder.endsWith(sep) ? folder : folder + sep);
    if (isAbsolute(location) || !isWithin(path) || !isWithin(realpathSync(path)))
      throw new GraphError(`${this.#path}: "${location}" is not within the model's folder, so it is not read`);
    return path;
  }

  #reading<T>(what: string, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (cause instanceof GraphError) throw cause;
      const why = messageOf(cause).replace(/^cannot read .*?: (?=[A-Z]+: |it is )/, '');
      throw new GraphError(`${this.#path}: cannot read ${what === this.#path ? 'it' : `"${what}"`} (${why})`, {
        cause,
      });
    }
  }
}
