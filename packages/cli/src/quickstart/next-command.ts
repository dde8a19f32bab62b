// What the quick start says to do next: a command that can be typed as it stands.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { shellWord } from '@logah/files';

/** Paths of Windows are among what needs no quotes. */
const BARE = /^[\w./\\:@%+,=-]+$/;

/** The command that predicts a network which the quick start did not, with the hypernetwork in a file. */
export const predictCommand = (hypernet: string, out: string): string =>
  `${ownCommand()} predict vit:layers=5,heads=4,hidden=72,mlp=288,patch=8 --checkpoint ${shellWord(hypernet, BARE)} --out ${shellWord(out, BARE)}`;

/** How `logah` is called here: through npx where it is installed in this folder or one above it, as in a clone. */
function ownCommand(): string {
  for (let folder = resolve('.'); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', '.bin', 'logah'))) return 'npx logah';
    if (dirname(folder) === folder) return 'logah';
  }
}
