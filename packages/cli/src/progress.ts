// Progress of long work: a bar with rate and time left on a terminal, a line now and then in a pipe.
import { printable } from '@logah/files';
import { SingleBar } from 'cli-progress';
import { say } from './print.js';

export interface Progress {
  /** `done` of the total, and a few words on how it goes. */
  update(done: number, note: string): void;
  /** What was done before, and does not count for the rate. */
  skip(done: number): void;
  /** A line that stays. */
  say(text: string): void;
  stop(): void;
}

/** Seconds between lines where there is no terminal. */
const LINE_INTERVAL = 10;

/** Shows progress on standard error. `unit` names what is counted. */
export function showProgress(total: number, unit: string): Progress {
  return process.stderr.isTTY ? barProgress(total, unit) : lineProgress(total, unit);
}

function barProgress(total: number, unit: string): Progress {
  const bar = new SingleBar({
    format: `{bar} {percentage}% | {value}/{total} ${unit} | {rate}/s | {left} left | {note}`,
    hideCursor: true,
    stream: process.stderr,
    barsize: 24,
  });
  bar.start(total, 0, { note: '', rate: '-', left: '-' });
  const started = performance.now();
  let first = 0;
  return {
    update(done, note) {
      bar.update(done, { note: printable(note), ...pace(done - first, total - first, started) });
    },
    skip(done) {
      first = done;
    },
    say(text) {
      process.stderr.write(`\r\u001b[K${printable(text)}\n`);
      bar.render();
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(total: number, unit: string): Progress {
  const started = performance.now();
  let printed = started;
  let first = 0;
  return {
    update(done, note) {
      const now = performance.now();
      if (now - printed < LINE_INTERVAL * 1000 && done < total) return;
      printed = now;
      const { rate, left } = pace(done - first, total - first, started);
      say(`${done}/${total} ${unit} | ${rate}/s | ${left} left | ${note}`);
    },
    skip(done) {
      first = done;
    },
    say: (text) => say(text),
    stop() {},
  };
}

function pace(done: number, total: number, started: number): { rate: string; left: string } {
  // Nothing is known before the first is done.
  if (done <= 0) return { rate: '-', left: '-' };
  const seconds = (performance.now() - started) / 1000;
  const rate = done / seconds;
  return { rate: rate >= 10 ? rate.toFixed(0) : rate.toFixed(2), left: duration((total - done) / rate) };
}

/** Seconds as `42s`, `3m05s` or `2h07m`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
