// The command that does what the page does, where a tab is too small for it.
import { shellWord } from '@logah/files';
import { UNTRAINED } from '../worker/protocol.js';

/** `logah predict` for a network of this name, or of a file of it, from a hypernetwork of the page. */
export function predictCommand(network: string, hypernet: string, seed: number): string {
  const from = hypernet === UNTRAINED ? '--untrained' : `--checkpoint ${hypernet}`;
  const drawn = seed === 0 ? '' : ` --seed ${seed}`;
  return `npx logah predict ${shellWord(network)} ${from}${drawn} --out network.safetensors`;
}
