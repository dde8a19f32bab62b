// How long it takes to fill a network and write it, how much memory, and how long the disk alone takes for the same bytes.
// usage: node bench/prediction.mjs [--dir FOLDER] [--json]
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './measure.mjs';

const { values } = parseArgs({ options: { dir: { type: 'string', default: tmpdir() }, json: { type: 'boolean' } } });
const REPETITIONS = 3;
const LOGAH = new URL('../packages/cli/bin/logah.js', import.meta.url).pathname;
/** Adds the peak memory of a process to what it prints. */
const REPORT_PEAK = "data:text/javascript,process.on('exit',()=>console.error('peak '+process.resourceUsage().maxRSS))";

function logah(...args) {
  const command = ['--import', REPORT_PEAK, LOGAH, ...args, '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(stderr);
  return { seconds: JSON.parse(stdout).seconds, peakMB: Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024 };
}

/** Seconds to write as many bytes from one buffer, and have them on the disk. */
function diskSeconds(path, bytes) {
  const piece = Buffer.alloc(16 * 2 ** 20, 1);
  const start = performance.now();
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes; written += piece.length)
    writeSync(file, piece, 0, Math.min(piece.length, bytes - written));
  fsyncSync(file);
  closeSync(file);
  rmSync(path);
  return (performance.now() - start) / 1000;
}

const folder = mkdtempSync(join(values.dir, 'logah-bench-'));
const rows = [];
try {
  for (const [architecture, dtype, variant] of [
    ['vit-s', 'F32', 'tiny'],
    ['gpt2:tied=false', 'F32', 'tiny'],
    ['vit-l', 'F32', 'tiny'],
    ['gpt2-large:tied=false', 'F32', 'tiny'],
    ['gpt2-large:tied=false', 'F32', 'template-gpt2'],
    ['gpt2-large:tied=false', 'BF16', 'tiny'],
  ]) {
    const out = join(folder, 'net.safetensors');
    const runs = [];
    for (let i = 0; i < REPETITIONS; i++) {
      rmSync(out, { force: true });
      const written = logah(
        'predict',
        architecture,
        '--untrained',
        '--variant',
        variant,
        '--out',
        out,
        '--dtype',
        dtype,
      );
      const disk = diskSeconds(join(folder, 'raw'), statSync(out).size);
      runs.push({ ...written, disk, bytes: statSync(out).size });
    }
    const of = (key) => median(runs.map((run) => run[key]));
    rows.push({
      architecture,
      variant,
      dtype,
      gigabytes: runs[0].bytes / 1e9,
      seconds: of('seconds'),
      diskSeconds: of('disk'),
      peakMB: Math.round(of('peakMB')),
    });
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (values.json) console.log(JSON.stringify(rows, null, 2));
else
  for (const row of rows)
    console.log(
      `${row.architecture} from ${row.variant}, ${row.dtype}: ${row.gigabytes.toFixed(2)} GB in ${row.seconds.toFixed(2)} s (the disk alone ${row.diskSeconds.toFixed(2)} s), peak ${row.peakMB} MB`,
    );
