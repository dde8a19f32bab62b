// Whether a file is the one that its card describes.
import { type CheckpointCard, CheckpointError } from './card.js';

/** Throws {@link CheckpointError} unless the bytes are those of the card. */
export async function verifyChecksum(
  { name, file, sha256 }: CheckpointCard,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) {
    throw new CheckpointError(
      `${file}: not the checkpoint ${name}; its SHA-256 should be ${sha256}, got ${found}: install the package again`,
    );
  }
}
