// Training from three starts, with curves that grow.
import { Stopped, WorkerClient } from '../worker/client.js';
import type { StartName, TrainPoint } from '../worker/protocol.js';
import { byId, make, messageOf, progressIn, say } from './dom.js';
import { scoresOf } from './scores.js';
import type { PageState } from './state.js';

const STEPS = [20, 50, 100, 200, 500];
const RATES = [0.0003, 0.001, 0.003, 0.01];
/** Colours that read on light and on dark pages. */
const STARTS: Readonly<Record<StartName, { readonly title: string; readonly color: string }>> = {
  predicted: { title: 'predicted', color: '#2f7ed8' },
  mimetic: { title: 'mimetic', color: '#d9822b' },
  random: { title: 'random', color: '#8a8f98' },
};
const NAMES: readonly StartName[] = ['predicted', 'mimetic', 'random'];
/** Milliseconds between two drawings of the curves. */
const PAUSE = 250;
/** A loss is shown as the mean of so many steps. */
const SMOOTHING = 5;

export interface TrainPartOptions {
  readonly architecture: () => string;
  readonly state: () => PageState;
  readonly change: (changes: Partial<PageState>) => void;
  readonly error: HTMLElement;
}

/** Fills the part of the page that trains. */
export function trainPart({ architecture, state, change, error }: TrainPartOptions): void {
  const run = byId('train-run', HTMLButtonElement);
  const stop = byId('train-stop', HTMLButtonElement);
  const progress = progressIn('train-progress');
  // A worker of its own: networks answer while others train.
  const worker = new WorkerClient();
  choice('steps', STEPS);
  choice('rate', RATES);

  function choice(key: 'steps' | 'rate', values: readonly number[]): void {
    const select = byId(key, HTMLSelectElement);
    const all = [...new Set([...values, state()[key]])].sort((a, b) => a - b);
    select.replaceChildren(...all.map((value) => make('option', { value: String(value) }, String(value))));
    select.value = String(state()[key]);
    select.addEventListener('change', () => change({ [key]: Number(select.value) }));
  }

  run.addEventListener('click', async () => {
    const { steps, rate: learningRate, seed } = state();
    const points: TrainPoint[] = [];
    say(error, null);
    run.disabled = true;
    stop.hidden = false;
    progress.show(0, 'Starting…');
    let drawn: Promise<void> | undefined;
    const redraw = (): void => {
      drawn ??= showCurves(points, steps)
        .then(() => new Promise<void>((resolve) => setTimeout(resolve, PAUSE)))
        .finally(() => {
          drawn = undefined;
        });
    };
    try {
      await worker.call('train', { architecture: architecture(), steps, learningRate, seed }, (point) => {
        points.push(point);
        progress.show(point.step / steps, `step ${point.step} of ${steps}`);
        redraw();
      });
    } catch (reason) {
      if (!(reason instanceof Stopped)) say(error, messageOf(reason));
    } finally {
      progress.hide();
      run.disabled = false;
      stop.hidden = true;
    }
    await drawn;
    if (points.length > 0) await showCurves(points, steps);
  });
  stop.addEventListener('click', () => worker.stop());
}

/** The chart library is fetched when there is something to show. */
async function showCurves(points: readonly TrainPoint[], steps: number): Promise<void> {
  const { lineChart } = await import('@logah/charts');
  const holder = byId('curves', HTMLDivElement);
  // Two stand side by side where there is room.
  const width = 'narrow';
  const curve = (start: StartName, pick: (point: TrainPoint) => number | null) =>
    points.flatMap((point) => {
      const value = point.start === start ? pick(point) : null;
      return value === null ? [] : [[point.step, value] as const];
    });
  const seriesOf = (pick: (point: TrainPoint) => number | null, smoothing: number) =>
    NAMES.map((start) => ({
      name: STARTS[start].title,
      color: STARTS[start].color,
      points: smoothed(curve(start, pick), smoothing),
    }));
  const accuracy = lineChart(
    { title: 'Right answers on test digits', x: 'step', y: 'per cent' },
    seriesOf(({ accuracy: share }) => (share === null ? null : 100 * share), 1),
    { width, xMax: steps },
  );
  const loss = lineChart(
    { title: 'Loss of the training batches', x: 'step', y: 'cross-entropy, nats' },
    seriesOf(({ loss: value }) => value, SMOOTHING),
    { width, xMax: steps },
  );
  holder.innerHTML = `<figure>${accuracy}</figure><figure>${loss}</figure>`;
  showScores(points);
}

type Points = ReadonlyArray<readonly [step: number, value: number]>;

const smoothed = (points: Points, window: number): Points =>
  points.map(([step], i) => {
    const last = points.slice(Math.max(0, i + 1 - window), i + 1);
    return [step, last.reduce((sum, [, value]) => sum + value, 0) / last.length] as const;
  });

function showScores(points: readonly TrainPoint[]): void {
  const { step, of } = scoresOf(points, NAMES);
  const cell = (share: number | null): HTMLElement =>
    make('td', {}, share === null ? '–' : `${(100 * share).toFixed(1)} %`);
  const head = ['Start', 'Untrained', `After ${step} steps`];
  const row = (start: StartName): HTMLElement => {
    const { untrained, trained } = of(start);
    return make('tr', {}, make('th', { scope: 'row' }, STARTS[start].title), cell(untrained), cell(trained));
  };
  byId('scores', HTMLDivElement).replaceChildren(
    make(
      'table',
      {},
      make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { scope: 'col' }, text)))),
      make('tbody', {}, ...NAMES.map(row)),
    ),
  );
}
