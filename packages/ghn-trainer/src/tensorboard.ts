// Scalars as a TensorBoard event file: TFRecord framing around `Event` messages of tensorflow/core/util/event.proto.
import { join } from 'node:path';
import { crc32c } from '@aws-crypto/crc32c';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { appendToFile } from '@logah/files/node';

/** Field numbers of Event and Summary.Value. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2 } as const;

const MASK_DELTA = 0xa282ead8;

/** An event file that scalars are appended to. */
export interface EventFile {
  readonly path: string;
  /** Appends one event with these values by tag. */
  scalars(step: number, values: Readonly<Record<string, number>>): Promise<void>;
}

/** A new event file in a folder, under a name that TensorBoard finds. */
export async function createEventFile(folder: string): Promise<EventFile> {
  const seconds = Date.now() / 1000;
  const path = join(folder, `events.out.tfevents.${Math.floor(seconds)}.logah.${process.pid}`);
  const version = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(seconds);
  await appendToFile(
    path,
    record(version.tag(EVENT.fileVersion, WireType.LengthDelimited).string('brain.Event:2').finish()),
  );
  return {
    path,
    async scalars(step, values) {
      const summary = new BinaryWriter();
      for (const [tag, value] of Object.entries(values)) {
        const message = new BinaryWriter()
          .tag(VALUE.tag, WireType.LengthDelimited)
          .string(tag)
          .tag(VALUE.simpleValue, WireType.Bit32)
          .float(value)
          .finish();
        summary.tag(SUMMARY_VALUE, WireType.LengthDelimited).bytes(message);
      }
      const event = new BinaryWriter()
        .tag(EVENT.wallTime, WireType.Bit64)
        .double(Date.now() / 1000)
        .tag(EVENT.step, WireType.Varint)
        .int64(step)
        .tag(EVENT.summary, WireType.LengthDelimited)
        .bytes(summary.finish());
      await appendToFile(path, record(event.finish()));
    },
  };
}

/** A TFRecord: length, its masked checksum, the bytes, their masked checksum; little-endian. */
function record(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + 4 + bytes.length + 4);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maskedChecksum(out.subarray(0, 8)), true);
  out.set(bytes, 12);
  view.setUint32(12 + bytes.length, maskedChecksum(bytes), true);
  return out;
}

function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes);
  return (((checksum >>> 15) | (checksum << 17)) + MASK_DELTA) >>> 0;
}
