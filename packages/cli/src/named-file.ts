// Files whose names promise what is written into them.
import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { own } from '@logah/files';
import { InvalidArgumentError } from 'commander';

/**
 * The parser of an option that writes a file of these endings. Devices and pipes have names of their own. Throws
 * InvalidArgumentError for a name that promises something else, or nothing; `instead` says what makes the file of
 * another ending.
 */
export const fileOf =
  (endings: readonly string[], instead: Readonly<Record<string, string>> = {}) =>
  (path: string): string => {
    if (/[/\\]$/.test(path)) throw new InvalidArgumentError(`That is a folder: name a file in it, *${endings[0]}.`);
    const ending = extname(path).toLowerCase();
    if (endings.includes(ending) || isDevice(path)) return path;
    const hint = own(instead, ending);
    throw new InvalidArgumentError(
      `What is written is ${endings[0].slice(1)}: name it *${endings.join(' or *')}${hint === undefined ? '' : `; ${hint}`}.`,
    );
  };

function isDevice(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}
