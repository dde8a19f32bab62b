// A command's options from a JSON file, for those that were not given on the command line.
import type { Command } from 'commander';
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
      const known = command.options.map(({ long }) => long?.slice(2)).filter((name) => name !== 'config');
      throw new CliError(`${path}: unknown option "${key}"; known are ${known.join(', ')}`);
    }
    const name = option.attributeName();
    if (command.getOptionValueSource(name) === 'cli') continue;
    command.setOptionValueWithSource(name, parsed(option.parseArg, value, `${path}: ${key}`), 'config');
  }
}

function parseObject(text: string, path: string): object {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  } catch (cause) {
    throw new CliError(`${path}: not JSON`, { cause });
  }
  throw new CliError(`${path}: should be a JSON object of options`);
}

/** The value as its flag would have parsed it. */
function parsed(
  parse: ((text: string, previous: never) => unknown) | undefined,
  value: unknown,
  where: string,
): unknown {
  if (parse === undefined) return value;
  try {
    return (parse as (text: string) => unknown)(String(value));
  } catch (cause) {
    throw new CliError(
      `${where}: ${JSON.stringify(value)} is invalid. ${cause instanceof Error ? cause.message : ''}`,
      { cause },
    );
  }
}
