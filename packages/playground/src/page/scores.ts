// How starts compare at the last step at which all of them were scored.
import { counted } from '@logah/files';
import type { StartName, TrainPoint } from '../worker/protocol.js';

export interface Scores {
  /** 0 before any. */
  readonly step: number;
  /** Shares of right answers; null where there is none yet. */
  readonly of: (start: StartName) => { readonly untrained: number | null; readonly trained: number | null };
}

/** One start is scored after the other: the table waits for the last of them. */
export function scoresOf(points: readonly TrainPoint[], starts: readonly StartName[]): Scores {
  const scored = (start: StartName): TrainPoint[] =>
    points.filter((point) => point.start === start && point.accuracy !== null);
  const step = Math.min(...starts.map((start) => scored(start).at(-1)?.step ?? 0));
  const at = (start: StartName, when: number): number | null =>
    scored(start).find((point) => point.step === when)?.accuracy ?? null;
  return { step, of: (start) => ({ untrained: at(start, 0), trained: at(start, step) }) };
}

/** Where a training of so many steps was stopped, in words: after the last step that any start took. */
export function stoppedAfter(points: readonly TrainPoint[], steps: number): string {
  const last = Math.max(0, ...points.map(({ step }) => step));
  return last === 0
    ? 'Stopped before the first step: nothing was trained.'
    : `Stopped after ${last} of ${counted(steps, 'step')}.`;
}
