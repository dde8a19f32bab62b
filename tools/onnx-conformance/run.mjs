// Counts what the project makes of ONNX's backend tests: node tools/onnx-conformance/run.mjs [--backend ort|cpu|wasm] [--cases FOLDER] [--filter TEXT] [--update].
// A count that is worse than the one in counts.json, or a wrong number, is an error. The first run makes the cases with Python (pip install onnx numpy).
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const here = new URL('.', import.meta.url).pathname;
const countsFile = join(here, 'counts.json');
const readme = join(here, '../../packages/graph-ir/README.md');
const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'ort' },
    cases: { type: 'string', default: join(tmpdir(), 'onnx-backend-tests') },
    filter: { type: 'string', default: '' },
    update: { type: 'boolean', default: false },
  },
});
const { backend, cases, filter } = options;
if (!existsSync(cases)) execFileSync('python3', [join(here, 'make_cases.py'), cases], { stdio: 'inherit' });

const list = readdirSync(cases)
  .filter((name) => name.includes(filter))
  .sort();
const listFile = join(mkdtempSync(join(tmpdir(), 'onnx-conformance-')), 'list.json');
writeFileSync(listFile, JSON.stringify(list));

const rows = [];
/** A worker that dies takes its case with it, not the others. */
for (let start = 0; start < list.length; ) {
  const worker = spawn(process.execPath, [join(here, 'worker.mjs'), cases, listFile, backend, String(start)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let last = start - 1;
  for await (const line of createInterface({ input: worker.stdout })) {
    if (!line.startsWith('{"at"')) continue;
    const row = JSON.parse(line);
    if (row.done) last = row.at;
    else rows.push(row);
  }
  if (last < list.length - 1)
    rows.push({ name: list[last + 1], model: 'plain', outcome: 'crashed', why: 'the process ended' });
  start = last < list.length - 1 ? last + 2 : list.length;
}

const MODELS = ['plain', 'stored', 'constant'];
const OUTCOMES = ['agrees', 'wrong', 'refused', 'crashed'];
const counts = Object.fromEntries(
  MODELS.map((model) => {
    const own = rows.filter((row) => row.model === model);
    const of = (outcome) => own.filter((row) => row.outcome === outcome).length;
    return [
      model,
      {
        ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, of(outcome)])),
        written: own.filter((row) => row.written).length,
      },
    ];
  }),
);
for (const row of rows)
  if (row.outcome === 'wrong' || row.outcome === 'crashed')
    console.log(`${row.outcome}: ${row.name} (${row.model}): ${row.why}`);
console.table(counts);

const known = existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : {};
const problems = MODELS.flatMap((model) => {
  const [now, before] = [counts[model], known[backend]?.[model]];
  const found = now.wrong + now.crashed > 0 ? [`${model}: ${now.wrong} wrong, ${now.crashed} crashed`] : [];
  if (before === undefined || filter !== '') return found;
  return [
    ...found,
    ...['agrees', 'written']
      .filter((key) => now[key] < before[key])
      .map((key) => `${model}: ${now[key]} ${key}, ${before[key]} before`),
  ];
});
if (options.update && filter === '') {
  known[backend] = counts;
  writeFileSync(countsFile, `${JSON.stringify(known, null, 2)}\n`);
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8').replace(
      /(<!-- conformance -->\n)[\s\S]*?(<!-- \/conformance -->)/,
      `$1${table(known)}$2`,
    ),
  );
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}

function table(all) {
  const names = { plain: 'as it is', stored: 'inputs stored in the model', constant: 'all inputs constant' };
  const lines = Object.entries(all).flatMap(([name, models]) =>
    MODELS.map(
      (model) =>
        `| ${name} | ${names[model]} | ${[...OUTCOMES, 'written'].map((key) => models[model][key]).join(' | ')} |`,
    ),
  );
  return `\n| backend | model | agrees | wrong | refused | crashed | written again |\n| --- | --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n\n`;
}
