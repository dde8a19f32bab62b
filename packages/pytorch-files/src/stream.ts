// Reads a source from front to back in pieces, with a position that can be moved on over what nobody needs yet.
import { PytorchFileError } from './errors.js';
import { type ByteSource, partOf, readExactly } from './source.js';

const PIECE_BYTES = 2 ** 16;

/** Lines of a pickle are names and numbers; longer ones are corrupt or hostile. */
const MOST_LINE_BYTES = 2 ** 16;

const LINE_FEED = 0x0a;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A position in a source, and the bytes that were read there. Whatever ends too early throws {@link PytorchFileError}.
 */
export class ByteStream {
  readonly source: ByteSource;
  #piece: DataView = new DataView(new ArrayBuffer(0));
  /** Where the piece starts in the source. */
  #start: number;
  /** The position within the piece. */
  #at = 0;

  constructor(source: ByteSource, position = 0) {
    this.source = source;
    this.#start = position;
  }

  get position(): number {
    return this.#start + this.#at;
  }

  /** Whether the next `count` bytes are in memory; else {@link fill} gets them. */
  has(count: number): boolean {
    return this.#at + count <= this.#piece.byteLength;
  }

  /** Reads the next bytes, at least `count` where the source has as many. */
  async fill(count: number): Promise<void> {
    const length = Math.min(Math.max(count, PIECE_BYTES), this.source.size - this.position);
    const bytes = await readExactly(this.source, this.position, Math.max(length, 0), 'the pickle');
    this.#start = this.position;
    this.#at = 0;
    this.#piece = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** An unsigned byte; like the other numbers it must be in memory. */
  uint8(): number {
    return this.#piece.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#piece.getUint16(this.#take(2), true);
  }

  int32(): number {
    return this.#piece.getInt32(this.#take(4), true);
  }

  uint32(): number {
    return this.#piece.getUint32(this.#take(4), true);
  }

  /** An unsigned number of 8 bytes; one above 2^53 is rounded, and is larger than any file. */
  uint64(): number {
    return Number(this.#piece.getBigUint64(this.#take(8), true));
  }

  /** Big-endian, as pickles have it. */
  float64(): number {
    return this.#piece.getFloat64(this.#take(8), false);
  }

  /** The next bytes, a view that is valid until the next read. */
  async bytes(length: number): Promise<Uint8Array> {
    if (!this.has(length)) {
      partOf(this.source, this.position, length, 'a value of the pickle');
      await this.fill(length);
    }
    const at = this.#take(length);
    return new Uint8Array(this.#piece.buffer, this.#piece.byteOffset + at, length);
  }

  /** The next bytes as text in UTF-8, or one character a byte. */
  async text(length: number, encoding: 'utf-8' | 'latin1' = 'utf-8'): Promise<string> {
    const bytes = await this.bytes(length);
    return encoding === 'latin1' ? latin1(bytes) : this.#decoded(bytes);
  }

  /** The text up to the end of the line, in UTF-8 or one character a byte. */
  async line(encoding: 'utf-8' | 'latin1' = 'utf-8'): Promise<string> {
    for (let length = 0; length < MOST_LINE_BYTES; length++) {
      if (!this.has(length + 1)) await this.fill(Math.max(2 * length, 1));
      if (!this.has(length + 1)) break;
      if (this.#piece.getUint8(this.#at + length) === LINE_FEED) {
        const text = await this.text(length, encoding);
        this.#at++;
        return text;
      }
    }
    throw new PytorchFileError(`${this.source.name}: the line at byte ${this.position} of the pickle has no end`);
  }

  /** The next bytes as a source of their own, without reading them. */
  skip(length: number, what: string): ByteSource {
    const part = partOf(this.source, this.position, length, what);
    if (this.has(length)) this.#at += length;
    else {
      this.#start = this.position + length;
      this.#at = 0;
      this.#piece = new DataView(new ArrayBuffer(0));
    }
    return part;
  }

  #take(length: number): number {
    if (!this.has(length))
      throw new PytorchFileError(
        `${this.source.name}: the pickle ends within a value, at byte ${this.source.size}: ` +
          'the file is truncated or corrupt',
      );
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #decoded(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw new PytorchFileError(`${this.source.name}: a text before byte ${this.position} is not UTF-8`, { cause });
    }
  }
}

/** Text of one character a byte. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
