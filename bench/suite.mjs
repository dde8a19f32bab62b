// Every benchmark, one after the other: as JSON, and as the tables of docs/performance.md.
// usage: node bench/suite.mjs [--python PATH] [--write]     (--write puts both into docs/; PyTorch is optional)
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { duration, table } from './measure.mjs';

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, write: { type: 'boolean' } },
});
const file = (path) => new URL(path, import.meta.url).pathname;

/** What a benchmark prints as JSON; each runs in a process of its own, so that none finds what another left in memory. */
function run(name, ...args) {
  console.error(`${name} …`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file(`${name}.mjs`), ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return JSON.parse(stdout);
}

const results = {
  machine: {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    gigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  },
  limits: run('limits'),
  growth: run('growth'),
  ways: [...run('ways'), ...run('wasm-products'), ...run('layers')],
  prediction: run('prediction', '--json'),
  training: run('training-step', '--python', values.python, '--json').rows,
};

const times = (ratio, digits = 1) => (ratio === undefined || ratio === null ? '–' : `${ratio.toFixed(digits)} ×`);
const giga = (perSecond, digits = 0) => (perSecond / 1e9).toFixed(digits);

function markdown({ machine, limits, growth, ways, prediction, training }) {
  const share = ({ operations, seconds }) =>
    operations === undefined
      ? ''
      : `, ${Math.round((100 * operations) / seconds / limits.productsPerSecond)} % of the peak`;
  const steps = ({ points }) =>
    points
      .map((point) => `${point.size}: ${duration(point.seconds)} (${times(point.ratio, 2)}${share(point)})`)
      .join('; ');
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.gigabytes} GB, Node.js ${machine.node}; medians. The limits of this machine, measured in the same run: products of matrices ${giga(limits.productsPerSecond)} billion operations a second (${giga(limits.productsPerSecondOneThread)} on one thread), copying ${giga(limits.bytesCopiedPerSecond, 1)} GB/s, writing to the disk ${giga(limits.bytesWrittenPerSecond, 1)} GB/s.`,
    '### Against PyTorch',
    table(
      ['step', 'ours', 'PyTorch', 'ratio'],
      training.map(({ name, seconds, peerSeconds, ratio }) => [
        name,
        duration(seconds),
        peerSeconds === undefined ? '–' : duration(peerSeconds),
        times(ratio, 2),
      ]),
    ),
    '### Predicting and writing a network',
    table(
      ['target', 'hypernetwork', 'type', 'file', 'predicted and written', 'the disk alone', 'peak memory'],
      prediction.map((row) => [
        row.architecture,
        row.variant,
        row.dtype,
        `${row.gigabytes.toFixed(2)} GB`,
        duration(row.seconds),
        duration(row.diskSeconds),
        `${row.peakMB} MB`,
      ]),
    ),
    '### One way against another',
    table(
      ['package', 'what', 'seconds', 'baseline', 'its seconds', 'times faster'],
      ways.map(({ part, what, seconds, baseline, baselineSeconds, ratio }) => [
        part,
        what,
        duration(seconds),
        baseline,
        duration(baselineSeconds),
        times(ratio),
      ]),
    ),
    '### How cost grows',
    table(
      ['package', 'what', 'with', 'seconds (times the first)'],
      growth.map((series) => [series.part, series.what, series.unit, steps(series)]),
    ),
  ].join('\n\n');
}

const text = markdown(results);
if (values.write) {
  const [begin, end] = ['<!-- suite -->', '<!-- end of suite -->'];
  const path = file('../docs/performance.md');
  const document = readFileSync(path, 'utf8');
  const [before, after] = [document.indexOf(begin) + begin.length, document.indexOf(end)];
  if (before < begin.length || after < before) throw new Error(`${path}: "${begin}" and "${end}" are wanted`);
  writeFileSync(path, `${document.slice(0, before)}\n\n${text}\n\n${document.slice(after)}`);
  writeFileSync(file('../docs/results/benchmarks.json'), `${JSON.stringify(results, null, 2)}\n`);
} else console.log(JSON.stringify(results, null, 2));
console.error(`\n${text}`);
