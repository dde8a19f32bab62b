// The studies of docs/studies. Each command makes the runs that are not there yet, then writes the numbers, pictures and tables.
//   node bench/studies/main.mjs STUDY… --cifar10 DIR [--text DIR] [--runs FOLDER] [scale, see --help]
// With --write-only nothing is run: pictures and tables are those of the numbers that are there.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setThreadsCount } from '@logah/backend-ort';
import { standalone } from '@logah/charts';
import * as tf from '@tensorflow/tfjs-core';
import { HELP, readOptions } from './options.mjs';
import { STUDIES } from './studies.mjs';
import { withTables } from './tables.mjs';

const OUT = fileURLToPath(new URL('../../docs/studies/', import.meta.url));

const { names, options, isHelp } = readOptions(process.argv.slice(2), Object.keys(STUDIES));
if (isHelp) {
  console.log(HELP);
  process.exit();
}
if (!options.isWriteOnly) {
  setThreadsCount(options.threads);
  await tf.setBackend('ort');
}
for (const name of names) {
  const study = STUDIES[name];
  const numbers = join(OUT, `${name}.json`);
  if (!options.isWriteOnly) {
    const made = await study.run({ folder: options.runs, options });
    await writeFile(numbers, `${JSON.stringify({ command: options.command, ...made })}\n`);
  }
  const results = JSON.parse(await readFile(numbers, 'utf8'));
  for (const [picture, svg] of Object.entries(study.pictures(results)))
    await writeFile(join(OUT, `${picture}.svg`), standalone(svg));
  const page = join(OUT, `${name}.md`);
  const text = await readFile(page, 'utf8').catch(() => `# ${study.title}\n`);
  await writeFile(page, withTables(text, study.tables(results)));
  for (const line of study.summary?.(results) ?? []) console.log(line);
  console.log(`docs/studies/${name}.md and ${name}.json are written.`);
}
