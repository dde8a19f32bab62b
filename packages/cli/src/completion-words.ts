// The names that a shell offers where a command takes one: presets, checkpoints that ship, sets of architectures.
import { CARDS } from '@logah/checkpoints/catalog';
import { ARCHITECTURE_PRESETS } from '@logah/graph-ir';
import type { Command, Option } from 'commander';
import { ARCHITECTURE_SETS } from './architecture-set.js';

const PRESETS = Object.keys(ARCHITECTURE_PRESETS);
const CHECKPOINTS = CARDS.map(({ name }) => name);

/** By a command's name and what its help calls the argument or option. */
const NAMES = new Map<string, readonly string[]>([
  ['info in', [...PRESETS, ...CHECKPOINTS]],
  ['dataset name', ARCHITECTURE_SETS],
  ['predict --checkpoint', CHECKPOINTS],
  ['train --dataset', ARCHITECTURE_SETS],
]);

/** The words that a command takes as its first argument; none where it takes none, or any. */
export function argumentWords(command: Command): readonly string[] {
  const [first] = command.registeredArguments;
  if (first === undefined) return [];
  if (first.argChoices !== undefined) return first.argChoices;
  return first.name() === 'arch' ? PRESETS : (NAMES.get(`${command.name()} ${first.name()}`) ?? []);
}

/** The words that an option of a command takes; none where it takes none, or any. */
export const optionWords = (command: Command, { long, argChoices }: Option): readonly string[] =>
  argChoices ?? NAMES.get(`${command.name()} ${long}`) ?? [];
