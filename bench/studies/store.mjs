// Results of runs in a folder, each in a file named by what the run is made of: what is there is not made again.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Text that is the same for the same settings, in whatever order they are given; what is undefined counts as absent. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

/** The name of a run: 16 hexadecimal digits of the hash of its settings. */
export const idOf = (settings) => createHash('sha256').update(canonical(settings)).digest('hex').slice(0, 16);

/**
 * What `make` gives for these settings, `{ settings, result, seconds }`: from the folder where it is there, else made and put there.
 * A result is plain data.
 */
export async function kept(folder, kind, settings, make) {
  const path = join(folder, `${kind}-${idOf(settings)}.json`);
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8'));
  const started = performance.now();
  const result = await make();
  const record = { settings, result, seconds: round((performance.now() - started) / 1000) };
  await mkdir(folder, { recursive: true });
  await writeFile(`${path}.part`, `${JSON.stringify(record)}\n`);
  await rename(`${path}.part`, path);
  return record;
}

/** Five significant digits, which is more than any of these numbers can be trusted to. */
export const round = (value) => (Number.isFinite(value) ? Number(value.toPrecision(5)) : value);
