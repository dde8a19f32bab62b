// Training from three starts, with curves that grow.

import { counted } from '@logah/files';
import { bestRates, type Rates, TRIED } from '../best-rates.js';
import { STEPS } from '../digit-task.js';
import { Stopped, WorkerClient } from '../worker/client.js';
import type { StartName, TrainPoint } from '../worker/protocol.js';
import { byId, hideButton, isBusy, make, messageOf, progressIn, say, setBusy } from './dom.js';
import { scoresOf, stoppedAfter } from './scores.js';
import type { PageState } from './state.js';

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
  const stopped = byId('train-stopped', HTMLParagraphElement);
  const progress = progressIn('train-progress');
  // A worker of its own: networks answer while others train.
  const worker = new WorkerClient();
  const [steps, rate] = [byId('steps', HTMLSelectElement), byId('rate', HTMLSelectElement)];
  const numbers = (values: readonly number[]): HTMLElement[] =>
    [...new Set(values)].sort((a, b) => a - b).map((value) => make('option', { value: String(value) }, String(value)));
  const own = state();
  steps.replaceChildren(...numbers([...STEPS.offered, own.steps]));
  rate.replaceChildren(
    make('option', { value: 'best' }, 'each start’s best'),
    ...numbers(own.rate === 'best' ? TRIED : [...TRIED, own.rate]),
  );
  steps.value = String(own.steps);
  rate.value = String(own.rate);
  steps.addEventListener('change', () => {
    change({ steps: Number(steps.value) });
    showRates();
  });
  rate.addEventListener('change', () => {
    change({ rate: rate.value === 'best' ? 'best' : Number(rate.value) });
    showRates();
  });
  showRates();

  function showRates(): void {
    const rates = ratesOf(state());
    const each = NAMES.map((start) => `${STARTS[start].title} ${rates[start]}`).join(', ');
    byId('rates', HTMLParagraphElement).textContent =
      state().rate === 'best'
        ? `Rates: ${each}. Each was its start’s best of ${TRIED.join(', ')} after ${bestRates(state().steps).steps} steps, by the mean of three seeds on ` +
          'digits that are not shown here, with 3 layers and width 48.'
        : 'One rate for all starts is seldom fair: what is best for one is too much or too little for another.';
  }

  run.addEventListener('click', async () => {
    if (isBusy(run)) return;
    const { steps, seed, layers, width } = state();
    const network = `Of the network with ${counted(layers, 'layer')} and width ${width}, seed ${seed}.`;
    const rates = ratesOf(state());
    const points: TrainPoint[] = [];
    say(error, null);
    say(stopped, null);
    setBusy(run, true);
    stop.hidden = false;
    progress.show(0, 'Starting…');
    let drawn: Promise<void> | undefined;
    const redraw = (): void => {
      drawn ??= showCurves(points, { steps, rates, network })
        .then(() => new Promise<void>((resolve) => setTimeout(resolve, PAUSE)))
        .finally(() => {
          drawn = undefined;
        });
    };
    try {
      await worker.call('train', { architecture: architecture(), steps, rates, seed }, (point) => {
        points.push(point);
        progress.show(point.step / steps, `step ${point.step} of ${steps}`);
        redraw();
      });
    } catch (reason) {
      if (reason instanceof Stopped) say(stopped, stoppedAfter(points, steps));
      else say(error, messageOf(reason));
    } finally {
      progress.hide();
      setBusy(run, false);
      hideButton(stop, run);
    }
    await drawn;
    if (points.length > 0) await showCurves(points, { steps, rates, network });
  });
  stop.addEventListener('click', () => worker.stop());
}

const ratesOf = ({ rate, steps }: PageState): Rates =>
  rate === 'best' ? bestRates(steps).rates : { predicted: rate, mimetic: rate, random: rate };

/** What is trained; by the time that it is shown the page's choices may be others. */
interface Training {
  readonly steps: number;
  readonly rates: Rates;
  /** In words. */
  readonly network: string;
}

/** The chart library is fetched when there is something to show. */
async function showCurves(points: readonly TrainPoint[], { steps, rates, network }: Training): Promise<void> {
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
  byId('trained', HTMLParagraphElement).textContent = network;
  showScores(points, rates);
}

type Points = ReadonlyArray<readonly [step: number, value: number]>;

const smoothed = (points: Points, window: number): Points =>
  points.map(([step], i) => {
    const last = points.slice(Math.max(0, i + 1 - window), i + 1);
    return [step, last.reduce((sum, [, value]) => sum + value, 0) / last.length] as const;
  });

function showScores(points: readonly TrainPoint[], rates: Rates): void {
  const { step, of } = scoresOf(points, NAMES);
  const cell = (share: number | null): HTMLElement =>
    make('td', {}, share === null ? '–' : `${(100 * share).toFixed(1)} %`);
  const head = ['Start', 'Rate', 'Untrained', `After ${counted(step, 'step')}`];
  const row = (start: StartName): HTMLElement => {
    const { untrained, trained } = of(start);
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, STARTS[start].title),
      make('td', {}, String(rates[start])),
      cell(untrained),
      cell(trained),
    );
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
