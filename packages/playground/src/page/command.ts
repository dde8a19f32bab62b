// The command that does what the page does, where a tab is too small for it.

import { UNTRAINED } from '../worker/protocol.js';

/** `logah predict` for a network of this name, or of a file of it, from a hypernetwork of the page. */
export function predictCommand(network: string, hypernet: string, seed: number): string {
  const from = hypernet === UNTRAINED ? '--untrained' : `--checkpoint ${hypernet}`;
  const drawn = seed === 0 ? '' : ` --seed ${seed}`;
  return `npx logah predict ${quoted(network)} ${from}${drawn} --out network.safetensors`;
}

/** A word as a POSIX shell takes it. */
const quoted = (word: string): string => (/^[\w:=,./@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
