// The curves of a run, from its metrics.
import { existsSync } from 'node:fs';
import { lineChart } from '@logah/charts';
import { readText } from '@logah/files/node';

export interface Curve {
  readonly steps: ReadonlyArray<{ readonly step: number; readonly taskLoss: number }>;
  readonly evaluations: ReadonlyArray<{ readonly step: number; readonly loss: number; readonly accuracy: number }>;
}

type Line =
  | ({ readonly type: 'step' } & Curve['steps'][number])
  | ({ readonly type: 'evaluation' } & Curve['evaluations'][number]);

const COLOR = '#2f7ed8';
const MEAN = '#e07b1f';

/** How many points the smoothed curve averages, and how many are drawn at most. */
const SMOOTHING = 50;
const MOST_POINTS = 2000;

/** Reads the metrics of a run, which it has written itself; none where they were removed. */
export async function curvesOf(path: string): Promise<Curve> {
  const text = existsSync(path) ? await readText(path) : '';
  const lines: Line[] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return {
    steps: lines.flatMap((line) => (line.type === 'step' ? [line] : [])),
    evaluations: lines.flatMap((line) => (line.type === 'evaluation' ? [line] : [])),
  };
}

/** The loss of predicted networks over the steps. */
export function lossChart({ steps }: Curve): string {
  const points = finite(steps.map(({ step, taskLoss }) => [step, taskLoss]));
  return lineChart({ title: 'Meta-training: loss of predicted networks', x: 'step', y: 'cross-entropy, nats' }, [
    { name: 'each step', color: COLOR, width: 1, points: thinned(points) },
    { name: `mean of ${SMOOTHING} steps`, color: MEAN, points: thinned(movingMean(points, SMOOTHING)) },
  ]);
}

/** How good networks of held-out architectures are, untrained. */
export function scoreChart({ evaluations }: Curve, isText: boolean): string {
  const title = 'Predicted networks of architectures never trained';
  return isText
    ? lineChart({ title, x: 'step', y: 'perplexity' }, [
        {
          name: 'perplexity',
          color: MEAN,
          points: finite(evaluations.map(({ step, loss }) => [step, Math.exp(loss)])),
        },
      ])
    : lineChart({ title, x: 'step', y: 'accuracy, per cent' }, [
        {
          name: 'accuracy',
          color: MEAN,
          points: finite(evaluations.map(({ step, accuracy }) => [step, 100 * accuracy])),
        },
      ]);
}

type Points = ReadonlyArray<readonly [x: number, y: number]>;

/** JSON has null for a number that is not finite, which is not 0. */
const finite = (points: ReadonlyArray<readonly [x: number, y: number | null]>): Points =>
  points.flatMap(([x, y]) => (y === null || !Number.isFinite(y) ? [] : [[x, y] as const]));

/** The means of `window` points that follow each other, at the last of them. */
export function movingMean(points: Points, window: number): Points {
  let sum = 0;
  return points.flatMap(([x, y], i) => {
    sum += y - (i >= window ? points[i - window][1] : 0);
    return i + 1 >= window ? [[x, sum / window] as const] : [];
  });
}

const thinned = (points: Points): Points => {
  const stride = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % stride === 0);
};
