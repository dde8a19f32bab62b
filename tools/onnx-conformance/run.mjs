// Counts what the project makes of ONNX's backend tests: node tools/onnx-conformance/run.mjs [--backend ort|cpu|wasm] [--cases FOLDER] [--filter TEXT] [--update]
// [--rows FILE], which gets a line of JSON for each model. A count that is worse than the one in counts.json, or a wrong number, is an error. The first run makes the cases with Python (pip install onnx numpy).
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
    rows: { type: 'string' },
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

if (options.rows !== undefined) writeFileSync(options.rows, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const MODELS = ['plain', 'stored', 'constant'];
const OUTCOMES = ['agrees', 'wrong', 'refused', 'crashed'];
/** What becomes of those that agree when they are written again and run in ONNX Runtime; "beyond" is what it cannot run or gets wrong itself. */
const WRITTEN = { agrees: 'written', wrong: 'writtenWrong', rejected: 'writtenRejected', refused: 'writtenRefused' };
const COUNTS = [...OUTCOMES, ...Object.values(WRITTEN), 'beyond'];
const counts = Object.fromEntries(
  MODELS.map((model) => {
    const own = rows.filter((row) => row.model === model);
    const of = (outcome) => own.filter((row) => row.outcome === outcome).length;
    return [
      model,
      {
        ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, of(outcome)])),
        ...(backend === 'ort'
          ? Object.fromEntries(
              Object.entries({ ...WRITTEN, beyond: 'beyond' }).map(([outcome, key]) => [
                key,
                own.filter((row) => row.written === outcome).length,
              ]),
            )
          : {}),
      },
    ];
  }),
);
for (const row of rows) {
  const name = `${row.name} (${row.model})`;
  if (row.outcome === 'wrong' || row.outcome === 'crashed') console.log(`${row.outcome}: ${name}: ${row.why}`);
  if (row.written === 'wrong' || row.written === 'rejected')
    console.log(`${row.written} when it is written again: ${name}: ${row.whyWritten}`);
}
console.table(counts);

const known = existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : {};
const problems = MODELS.flatMap((model) => {
  const [now, before] = [counts[model], known[backend]?.[model]];
  const found = ['wrong', 'crashed', 'writtenWrong', 'writtenRejected']
    .filter((key) => now[key] > 0)
    .map((key) => `${model}: ${now[key]} ${key}`);
  if (before === undefined || filter !== '') return found;
  return [
    ...found,
    ...['agrees', 'written']
      .filter((key) => now[key] < (before[key] ?? 0))
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
  const body = Object.entries(all).flatMap(([name, models]) =>
    MODELS.map((model) => [name, names[model], ...COUNTS.map((key) => `${models[model][key] ?? ''}`)]),
  );
  const written = ['agrees', 'wrong', 'rejected', 'refused'].map((key) => `written again: ${key}`);
  const rows = [['backend', 'model', ...OUTCOMES, ...written, 'beyond'], ...body];
  // As the formatter has it: columns as wide as their longest cell.
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const [head, ...lines] = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `\n${[head, rule, ...lines].join('\n')}\n\n`;
}
