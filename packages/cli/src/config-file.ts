// A command's options from a JSON file, for those that were not given on the command line.

import { messageOf, parseJson, shortJson } from '@logah/files';
import { didYouMean } from '@logah/graph-ir';
import type { Command, Option } from 'commander';
import { CliError } from './errors.js';
import { kebab } from './options.js';
import { readTextFile } from './text-file.js';

/**
 * Sets options from a JSON object whose keys are the long flags without dashes ("meta-batch" or "metaBatch"). What the command line gives stays.
 * Throws {@link CliError} naming the file and a key that is unknown or a value that its option refuses.
 */
export async function applyConfigFile(command: Command, path: string): Promise<void> {
  const text = await readTextFile(path);
  for (const [key, value] of Object.entries(parseObject(text, path))) {
    const option = command.options.find(({ long }) => long === `--${key}` || long === `--${kebab(key)}`);
    if (!option || option.long === '--config') {
      const known = command.options.flatMap(({ long }) => (long === undefined ? [] : [long.slice(2)]));
      const others = known.filter((name) => name !== 'config');
      throw new CliError(
        `${path}: unknown option "${key}"; known are ${others.join(', ')}${didYouMean(kebab(key), others)}`,
      );
    }
    const name = option.attributeName();
    if (command.getOptionValueSource(name) === 'cli') continue;
    if (value === false && !option.required && !option.optional) continue;
    command.setOptionValueWithSource(name, parsed(option, value, `${path}: ${key}`), 'config');
  }
}

function parseObject(text: string, path: string): object {
  const json = parseJson(text, path, CliError);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new CliError(`${path}: should be a JSON object of options`);
}

/** The value as its flag would have parsed it. */
function parsed({ parseArg, required, optional, negate }: Option, value: unknown, where: string): unknown {
  if (!required && !optional) {
    if (value === true) return !negate;
    throw new CliError(`${where}: ${shortJson(value)} is invalid. It is a flag: true, or left out.`);
  }
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new CliError(`${where}: ${shortJson(value)} is invalid. A text or a number was wanted.`);
  if (parseArg === undefined) return String(value);
  try {
    return (parseArg as (text: string) => unknown)(String(value));
  } catch (cause) {
    throw new CliError(`${where}: ${shortJson(value)} is invalid. ${messageOf(cause)}`, { cause });
  }
}
