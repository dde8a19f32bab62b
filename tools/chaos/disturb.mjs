// Killing a command within its work, and letting it go on.
import { mkdirSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { runWhole, start } from './commands.mjs';
import { bytesOf, contentOf, differences } from './content.mjs';

/** A moment that comes after the end of the command is drawn anew, so often. */
const TRIES = 20;

/** What a command leaves when nobody disturbs it, its bytes, how long it takes, and how often it changes its folder. */
export async function undisturbed(folder, name) {
  const place = mkdtempSync(join(folder, 'whole-'));
  mkdirSync(join(place, 'run', 'runs'), { recursive: true });
  const began = performance.now();
  const watched = watchChanges(place);
  const { code, said } = await runWhole(place, name);
  watched.close();
  if (code !== 0) throw new Error(`${name} fails without being disturbed: ${said}`);
  const milliseconds = performance.now() - began;
  return { content: contentOf(place), bytes: bytesOf(place), milliseconds, changes: watched.count() };
}

/** Kills a command once or twice in one folder, lets it come to its end, and says how that differs from `whole`. */
export async function disturb(folder, name, whole, random) {
  const place = mkdtempSync(join(folder, 'killed-'));
  try {
    const wanted = random.next() < 0.25 ? 2 : 1;
    let late = 0;
    for (let kills = 0; kills < wanted; ) {
      mkdirSync(join(place, 'run', 'runs'), { recursive: true });
      // By the clock, or right after something changed in the folder: what can be lost is lost there.
      const moment =
        random.next() < 0.4
          ? { milliseconds: random.next() * whole.milliseconds }
          : { change: 1 + random.below(whole.changes), milliseconds: random.below(8) };
      if (await isKilled(place, name, moment)) kills++;
      else {
        if (++late > TRIES) throw new Error(`${name} cannot be killed: it always ends before`);
        // It came to its end: from the beginning, so that there is work to disturb.
        rmSync(place, { recursive: true });
        kills = 0;
      }
    }
    const { code, said } = await runWhole(place, name);
    if (code !== 0) return { kills: wanted, late, lost: [`all: ${said}`], different: [], stray: [] };
    return { kills: wanted, late, ...differences(whole.content, contentOf(place)) };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Kills a command so long after its start, or after so many changes in its folder; false when it ended before. */
function isKilled(place, name, { change, milliseconds }) {
  const child = start(place, name);
  return new Promise((resolve) => {
    let timer;
    const killSoon = () => {
      timer ??= setTimeout(() => child.kill('SIGKILL'), milliseconds);
    };
    const watched = watchChanges(place, () => {
      if (watched.count() >= change) killSoon();
    });
    if (change === undefined) killSoon();
    child.on('exit', (_, signal) => {
      clearTimeout(timer);
      watched.close();
      resolve(signal === 'SIGKILL');
    });
  });
}

/** Counts what changes in the places that the commands write to; recursive watching comes late on Linux. */
function watchChanges(place, onChange = () => {}) {
  let count = 0;
  const watchers = ['', 'run', 'run/runs'].map((part) =>
    watch(join(place, part), () => {
      count++;
      onChange();
    }),
  );
  return { count: () => count, close: () => watchers.forEach((watcher) => watcher.close()) };
}
