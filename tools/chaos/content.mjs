// What is in a folder, for comparing it with another.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A hash of every file of a folder by its name, without what tells the time: seconds, and events for TensorBoard. */
export function contentOf(place) {
  const content = {};
  for (const path of filesOf(place)) {
    if (path.includes('tfevents')) continue;
    content[relative(place, path)] = createHash('sha256')
      .update(timeless(path, readFileSync(path)))
      .digest('hex');
  }
  return content;
}

/** The bytes of all files of a folder. */
export const bytesOf = (place) => filesOf(place).reduce((sum, path) => sum + statSync(path).size, 0);

const filesOf = (place) =>
  readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

const timeless = (path, bytes) =>
  /\.(jsonl|json|html)$/.test(path) ? String(bytes).replace(/"seconds": ?[\d.e-]+/g, '') : bytes;

/** Names of files that are lost, of other content, and too many. */
export const differences = (wanted, found) => ({
  lost: Object.keys(wanted).filter((name) => found[name] === undefined),
  different: Object.keys(wanted).filter((name) => found[name] !== undefined && found[name] !== wanted[name]),
  stray: Object.keys(found).filter((name) => wanted[name] === undefined),
});
