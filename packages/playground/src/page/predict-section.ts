// The prediction: which hypernetwork, how far it is, what came out, and the file.
import { cardOf, isShipped } from '@logah/checkpoints/catalog';
import { counted } from '@logah/files';
import type { LayerStatistics } from '@logah/init-eval';
import { SEEDS } from '../digit-task.js';
import { percent, short, significant } from '../numbers.js';
import type { WorkerClient } from '../worker/client.js';
import { Stopped } from '../worker/client.js';
import { type NetworkFacts, type Prediction, type Remark, UNTRAINED } from '../worker/protocol.js';
import { predictCommand } from './command.js';
import { byId, hideButton, isBusy, make, messageOf, progressIn, say, setBusy } from './dom.js';
import type { LinkNote } from './link-note.js';
import type { PageState } from './state.js';

export interface PredictSectionOptions {
  readonly worker: WorkerClient;
  readonly state: () => PageState;
  readonly change: (changes: Partial<PageState>) => void;
  /** What of a link was not taken. */
  readonly note: LinkNote;
  /** Opens the network again in a worker that was stopped. */
  readonly reopen: () => Promise<void>;
}

/** Fills the section; it is told of the network that is being opened, and of the one that is open. */
export function predictSection({ worker, state, change, note, reopen }: PredictSectionOptions): {
  /** A network is going to be opened: nothing is predicted until then. */
  opening(): { readonly isWaiting: boolean };
  show(facts: NetworkFacts | null): void;
} {
  const hypernet = byId('hypernet', HTMLSelectElement);
  const seed = byId('seed', HTMLInputElement);
  const run = byId('predict-run', HTMLButtonElement);
  const stop = byId('predict-stop', HTMLButtonElement);
  const error = byId('predict-error', HTMLParagraphElement);
  const stopped = byId('predict-stopped', HTMLParagraphElement);
  const seedError = byId('seed-error', HTMLParagraphElement);
  const remarks = byId('hypernet-remarks', HTMLUListElement);
  const result = byId('prediction', HTMLDivElement);
  const progress = progressIn('predict-progress');
  let facts: NetworkFacts | null = null;
  let isOpening = true;
  let isPredicting = false;
  const mark = (changes: { readonly isOpening?: boolean; readonly isPredicting?: boolean }): void => {
    ({ isOpening = isOpening, isPredicting = isPredicting } = changes);
    setBusy(run, isOpening || isPredicting);
  };
  Object.assign(seed, { min: String(SEEDS.least), max: String(SEEDS.most), step: String(SEEDS.step) });
  seed.value = String(state().seed);

  function opening(): { readonly isWaiting: boolean } {
    mark({ isOpening: true });
    return { isWaiting: isPredicting };
  }

  function show(opened: NetworkFacts | null): void {
    // The network of a prediction that was stopped is opened again.
    if (opened?.name !== facts?.name) say(stopped, null);
    facts = opened;
    mark({ isOpening: false });
    result.hidden = true;
    say(error, null);
    const choices = opened?.hypernets ?? [];
    hypernet.replaceChildren(...choices.map(({ name }) => make('option', { value: name }, name)));
    const wanted = choices.find(({ name }) => name === state().hypernet);
    if (wanted !== undefined) hypernet.value = wanted.name;
    else if (opened !== null && state().hypernet !== '') dropHypernet();
    hypernet.disabled = choices.length === 0;
    run.disabled = !canRun();
    showRemarks();
  }

  /** A link may name a hypernetwork that does not fit its network. */
  function dropHypernet(): void {
    const { hypernet: named } = state();
    const instead = hypernet.value === '' ? 'none is chosen' : `${hypernet.value} is chosen`;
    note.add([
      `hypernet=${named}: ${isShipped(named) ? 'it does not fit this network' : 'none has that name'}; ${instead}`,
    ]);
    change({ hypernet: '' });
  }

  const canRun = (): boolean => facts !== null && facts.hypernets.length > 0 && facts.tooLarge === null;

  function showRemarks(): void {
    const chosen = facts?.hypernets.find(({ name }) => name === hypernet.value);
    const none = facts?.unfit != null ? ['No shipped hypernetwork fits this network.'] : [];
    const large = facts?.tooLarge != null ? [`${facts.tooLarge} The command below fills it.`] : [];
    const what =
      chosen === undefined ? [] : [`${chosen.title}${chosen.bytes === 0 ? '' : `, ${short(chosen.bytes, 'B')}`}`];
    remarks.replaceChildren(
      ...[...large, ...none, ...what, ...(chosen?.remarks ?? [])].map((text) => make('li', {}, text)),
    );
    const command = facts === null || chosen === undefined ? '' : predictCommand(facts.name, chosen.name, state().seed);
    byId('command', HTMLElement).textContent = command;
    byId('command-line', HTMLDivElement).hidden = command === '';
    if (facts?.unfit != null) {
      remarks.append(make('li', {}, make('details', {}, make('summary', {}, 'Why'), make('pre', {}, facts.unfit))));
    }
  }

  hypernet.addEventListener('change', () => {
    change({ hypernet: hypernet.value });
    showRemarks();
  });
  seed.addEventListener('change', () => {
    const { valueAsNumber: wanted } = seed;
    const isSeed = seed.validity.valid && Number.isSafeInteger(wanted);
    seed.setAttribute('aria-invalid', String(!isSeed));
    say(
      seedError,
      isSeed
        ? null
        : `A seed is a whole number from ${SEEDS.least} to ${SEEDS.most}; until there is one it stays ${state().seed}.`,
    );
    if (isSeed) change({ seed: wanted });
    showRemarks();
  });

  run.addEventListener('click', async () => {
    if (isBusy(run)) return;
    if (seed.getAttribute('aria-invalid') === 'true') {
      seed.focus();
      return;
    }
    say(error, null);
    say(stopped, null);
    result.hidden = true;
    mark({ isPredicting: true });
    stop.hidden = false;
    progress.show(0, 'Fetching the hypernetwork…');
    try {
      const request = { hypernet: hypernet.value, seed: state().seed };
      const prediction = await worker.call('predict', request, ({ phase, done, total, name }) => {
        progress.show(done / total, `${done} of ${counted(total, 'tensor')} ${phase}: ${name}`);
      });
      // Another network is opened next, and the worker then has no prediction.
      if (!isOpening) {
        showPrediction(prediction);
        result.hidden = false;
      }
    } catch (reason) {
      if (reason instanceof Stopped) say(stopped, 'Stopped: nothing was predicted.');
      else say(error, messageOf(reason));
    } finally {
      progress.hide();
      hideButton(stop, run);
      mark({ isPredicting: false });
    }
  });
  stop.addEventListener('click', () => {
    worker.stop();
    // What the new worker opens waits for nothing.
    mark({ isPredicting: false });
    void reopen();
  });
  for (const format of ['safetensors', 'onnx'] as const) {
    byId(`save-${format}`, HTMLButtonElement).addEventListener('click', async () => {
      try {
        say(error, null);
        download(await worker.call('save', { format }), `predicted.${format}`);
      } catch (reason) {
        if (!(reason instanceof Stopped)) say(error, messageOf(reason));
      }
    });
  }
  return { opening, show };
}

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  make('a', { href: url, download: name }).click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The diversity below which layers are as good as copies: that of what an untrained LoGAH predicts. */
const ALIKE = 0.1;

function showPrediction(prediction: Prediction): void {
  const { parameters, seconds, backend, why, hypernet, diversity, findings, layers } = prediction;
  const alike =
    diversity === null
      ? ''
      : ` Diversity ${diversity.toFixed(2)} (0: layers of one shape are all alike, 1: as unlike as can be).`;
  byId('prediction-summary', HTMLParagraphElement).textContent =
    `${counted(parameters, 'parameter')} in ${seconds.toFixed(1)} s from ${hypernet}, on ${backend}${why === null ? '' : ` (${why})`}.${alike}`;
  const copies: readonly Remark[] =
    diversity !== null && diversity < ALIKE
      ? [
          {
            text: `copies: layers of one shape are nearly the same (diversity ${diversity.toFixed(2)})`,
            advice:
              'They begin by learning the same, and the network trains like one of fewer layers. Take another start.',
            isTrouble: true,
          },
        ]
      : [];
  const all = [...copies, ...findings];
  const none = make('li', { class: 'good' }, 'No sign of trouble: nothing explodes, vanishes, collapses or repeats.');
  byId('findings', HTMLUListElement).replaceChildren(
    ...(all.some(({ isTrouble }) => isTrouble) ? [] : [none]),
    ...all.map(({ text, advice, isTrouble }) =>
      make('li', isTrouble ? { class: 'bad' } : {}, text, make('span', { class: 'advice' }, advice)),
    ),
  );
  byId('evidence', HTMLParagraphElement).textContent = evidenceOf(hypernet);
  showLayers(layers);
}

/** Rows of the table before all are asked for. */
const FIRST_ROWS = 12;

function showLayers(layers: readonly LayerStatistics[]): void {
  const head = ['Tensor', 'Shape', 'Deviation', 'Effective rank'];
  const rows = layers.map(layerRow);
  const later = rows.slice(FIRST_ROWS);
  for (const row of later) row.hidden = true;
  const table = make(
    'table',
    {},
    make('thead', {}, make('tr', {}, ...head.map((text) => make('th', { scope: 'col' }, text)))),
    make('tbody', {}, ...rows),
  );
  const more = make('button', { type: 'button', 'aria-expanded': 'false' }, `All ${counted(layers.length, 'tensor')}`);
  more.addEventListener('click', () => {
    const isOpen = more.getAttribute('aria-expanded') === 'true';
    for (const row of later) row.hidden = isOpen;
    more.setAttribute('aria-expanded', String(!isOpen));
    more.textContent = isOpen ? `All ${counted(layers.length, 'tensor')}` : `The first ${FIRST_ROWS}`;
  });
  byId('layers', HTMLElement).replaceChildren(table, ...(later.length === 0 ? [] : [more]));
}

/** What is known of networks that a hypernetwork filled: a shipped one was measured. */
function evidenceOf(hypernet: string): string {
  if (hypernet === UNTRAINED)
    return 'An untrained hypernetwork shows how a prediction looks; its networks train worse than random ones.';
  const { reached, task } = cardOf(hypernet);
  const values = reached.map(({ accuracy, loss }) =>
    task.kind === 'text' && loss !== undefined ? Math.exp(loss) : 100 * accuracy,
  );
  const range = `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
  const measure = task.kind === 'text' ? `a perplexity of ${range}` : `${range} % right answers`;
  return (
    `Predicted weights are less diverse than random ones by nature: that alone is no fault. Networks that ${hypernet} had never ` +
    `seen reach ${measure} before any training; how they train, next to other starts, is in docs/results.md.`
  );
}

/** Values of √(2 / fan-in) fill the bar half. */
function layerRow({ name, shape, std, matrix }: LayerStatistics): HTMLElement {
  const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
  // Of vectors and encodings of positions the scale says nothing.
  const relative = matrix === undefined ? null : std / Math.sqrt(2 / fanIn) / 2;
  const smaller = Math.min(shape[0] ?? 1, fanIn);
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, name),
    make('td', {}, shape.join(' × ')),
    make('td', {}, ...bar(relative), significant(std)),
    matrix === undefined
      ? make('td', {}, '–')
      : make(
          'td',
          {},
          ...bar(matrix.effectiveRank / smaller),
          `${significant(matrix.effectiveRank)} of ${smaller} (${percent(matrix.effectiveRank / smaller)})`,
        ),
  );
}

const bar = (share: number | null): HTMLElement[] =>
  share === null
    ? []
    : [make('meter', { min: '0', max: '1', value: String(Math.min(1, share)), 'aria-hidden': 'true' })];
