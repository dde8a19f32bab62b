// A predicted network at work: it reads digits, and it is trained beside others.
import { DIGIT_PIXELS, DIGIT_SIDE } from '../digit-file.js';
import { type Choice, digitsArchitecture, digitsCard, LAYERS, WIDTHS } from '../digit-task.js';
import { percent, withArticle } from '../numbers.js';
import { Stopped, type WorkerClient } from '../worker/client.js';
import type { Answer } from '../worker/protocol.js';
import { digitPad, drawDigit } from './digit-pad.js';
import { byId, make, messageOf, say } from './dom.js';
import type { PageState } from './state.js';
import { trainPart } from './train-part.js';

export interface WorkSectionOptions {
  readonly worker: WorkerClient;
  readonly state: () => PageState;
  readonly change: (changes: Partial<PageState>) => void;
}

const SAMPLES = 24;

/** Fills the section, where a hypernetwork for digits ships. */
export function workSection({ worker, state, change }: WorkSectionOptions): void {
  const card = digitsCard();
  byId('no-digits', HTMLParagraphElement).hidden = card !== undefined;
  byId('digits-task', HTMLDivElement).hidden = card === undefined;
  if (card === undefined) return;
  const error = byId('work-error', HTMLParagraphElement);
  const request = byId('answer', HTMLParagraphElement).textContent;
  const architecture = (): string => digitsArchitecture(card, state().layers, state().width);
  let digit: Uint8Array | undefined;
  let label: number | undefined;

  let turn = 0;
  async function answer(): Promise<void> {
    if (digit === undefined) return;
    const own = ++turn;
    try {
      const given = await worker.call('answer', { architecture: architecture(), pixels: digit });
      if (own !== turn) return;
      say(error, null);
      showAnswer(given, label);
    } catch (reason) {
      if (own !== turn) return;
      // A prediction was stopped, and with it the worker that had this digit waiting.
      if (reason instanceof Stopped) void answer();
      else say(error, messageOf(reason));
    }
  }

  const pad = digitPad(byId('pad', HTMLCanvasElement), (pixels) => {
    digit = pixels;
    label = undefined;
    void answer();
  });
  byId('pad-clear', HTMLButtonElement).addEventListener('click', () => {
    pad.clear();
    digit = undefined;
    // What was still being worked out is of a digit that is gone.
    turn++;
    byId('answer', HTMLParagraphElement).textContent = request;
    byId('bars', HTMLDivElement).replaceChildren();
  });
  slider('layers', LAYERS);
  slider('width', WIDTHS);

  function slider(key: 'layers' | 'width', { least, most, step }: Choice): void {
    const input = byId(`${key}-count`, HTMLInputElement);
    const output = byId(`${key}-value`, HTMLOutputElement);
    Object.assign(input, { min: String(least), max: String(most), step: String(step), value: String(state()[key]) });
    output.textContent = input.value;
    input.addEventListener('input', () => {
      output.textContent = input.value;
    });
    input.addEventListener('change', () => {
      change({ [key]: Number(input.value) });
      void answer();
    });
  }

  const samples = byId('samples', HTMLDivElement);
  async function showSamples(): Promise<void> {
    try {
      const { pixels, labels } = await worker.call('digits', { count: SAMPLES });
      samples.replaceChildren(
        ...[...labels].map((of, i) => {
          const own = pixels.subarray(i * DIGIT_PIXELS, (i + 1) * DIGIT_PIXELS);
          const canvas = make('canvas', { width: String(DIGIT_SIDE), height: String(DIGIT_SIDE) });
          drawDigit(canvas, own);
          const button = make('button', { type: 'button', 'aria-label': `a handwritten ${of}` }, canvas);
          button.addEventListener('click', () => {
            digit = own.slice();
            label = of;
            pad.show(digit);
            void answer();
          });
          return button;
        }),
      );
    } catch (reason) {
      if (reason instanceof Stopped) void showSamples();
      else say(error, messageOf(reason));
    }
  }
  // Digits are fetched when the section comes near.
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      void showSamples();
    },
    { rootMargin: '200px' },
  );
  observer.observe(samples);
  trainPart({ architecture, state, change, error });
}

function showAnswer({ predicted, random }: Answer, label: number | undefined): void {
  const best = (probabilities: readonly number[]): number => probabilities.indexOf(Math.max(...probabilities));
  const [mine, other] = [best(predicted), best(random)];
  const truth = label === undefined ? '' : ` It is ${withArticle(label)}.`;
  byId('answer', HTMLParagraphElement).textContent =
    `Predicted, never trained: ${mine} (${percent(predicted[mine])}). Random: ${other} (${percent(random[other])}).${truth}`;
  byId('bars', HTMLDivElement).replaceChildren(barList('predicted', predicted, mine), barList('random', random, other));
}

function barList(name: string, probabilities: readonly number[], best: number): HTMLElement {
  return make(
    'figure',
    { class: name },
    make('figcaption', {}, name),
    make(
      'ol',
      { start: '0' },
      ...probabilities.map((share, digit) =>
        make(
          'li',
          digit === best ? { class: 'best' } : {},
          make('span', { class: 'digit' }, String(digit)),
          make('meter', { min: '0', max: '1', value: String(share), 'aria-label': `${digit}: ${percent(share)}` }),
          make('span', { class: 'share', 'aria-hidden': 'true' }, percent(share)),
        ),
      ),
    ),
  );
}
