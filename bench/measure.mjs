// How long things take, and how the results are shown.

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Seconds that `run` takes: the median of as many times, after some that do not count. */
export async function secondsOf(run, { repetitions = 7, warmUp = 2 } = {}) {
  const times = [];
  for (let i = 0; i < warmUp + repetitions; i++) {
    const start = performance.now();
    await run();
    if (i >= warmUp) times.push((performance.now() - start) / 1000);
  }
  return median(times);
}

/**
 * Two ways to do the same, in turns, so that a machine that slows down slows both. `ratio` is how often the first is contained in the second.
 */
export async function compare(ours, baseline, { repetitions = 7, warmUp = 2 } = {}) {
  const times = { ours: [], baseline: [] };
  for (let i = 0; i < warmUp + repetitions; i++)
    for (const [name, run] of [
      ['ours', ours],
      ['baseline', baseline],
    ]) {
      const start = performance.now();
      await run();
      if (i >= warmUp) times[name].push((performance.now() - start) / 1000);
    }
  const [seconds, baselineSeconds] = [median(times.ours), median(times.baseline)];
  return { seconds, baselineSeconds, ratio: baselineSeconds / seconds };
}

/** 0.0034 as "3.4 ms". */
export function duration(seconds) {
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, 'µs'] : seconds < 1 ? [seconds * 1e3, 'ms'] : [seconds, 's'];
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${unit}`;
}

/** A Markdown table with columns as wide as their widest cells. */
export function table(head, rows) {
  const length = (cell) => [...cell].length;
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => length(cells[i]))));
  const line = (cells) => `| ${cells.map((cell, i) => cell + ' '.repeat(widths[i] - length(cell))).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
