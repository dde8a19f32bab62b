// Files that were dropped together, read in pieces when values are asked for.
import { GraphError } from '@logah/graph-ir';
import type { StoredTensor } from '@logah/graph-ir/onnx';
import type { DroppedFile } from './protocol.js';

/** What lies beside a model. Only a worker can read it: it waits for the bytes. */
export class DroppedFolder {
  readonly #model: string;
  readonly #files: ReadonlyMap<string, File>;
  readonly #reader = new FileReaderSync();

  /** `model` is the path of the model's own file, whose folder names are relative to. */
  constructor(model: string, files: readonly DroppedFile[]) {
    const folder = model.slice(0, model.lastIndexOf('/') + 1);
    this.#model = model;
    this.#files = new Map(
      files.filter(({ path }) => path.startsWith(folder)).map(({ path, file }) => [path.slice(folder.length), file]),
    );
  }

  /** Reads a part of a file. Throws GraphError where it was not dropped, or is shorter. */
  read = (location: string, offset: number, length: number): Uint8Array => {
    const file = this.#file(location);
    if (offset + length > file.size) {
      throw new GraphError(
        `${this.#model}: bytes ${offset} to ${offset + length} of "${location}" are wanted, but it has ${file.size}`,
      );
    }
    return new Uint8Array(this.#reader.readAsArrayBuffer(file.slice(offset, offset + length)));
  };

  length = (location: string): number => this.#file(location).size;

  /** The bytes of a stored tensor. */
  bytesAt(place: StoredTensor['place']): Uint8Array {
    if (place.kind === 'bytes') return place.bytes;
    const parts = place.parts.map(({ location, offset, length }) => this.read(location, offset, length));
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #file(location: string): File {
    const file = this.#files.get(location.replace(/^\.\//, ''));
    if (file === undefined) {
      throw new GraphError(`${this.#model}: "${location}" holds its weights: drop the whole folder, or both files`);
    }
    return file;
  }
}
