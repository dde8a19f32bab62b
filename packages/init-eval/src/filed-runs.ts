// The runs of a comparison as files of a folder: each has the name that its network, start, data and recipe give it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DatasetOptions, datasetIdentity } from '@logah/data/node';
import { parseJson } from '@logah/files';
import { readText } from '@logah/files/node';
import type { Graph } from '@logah/graph-ir';
import { EvaluationError } from './errors.js';
import { initializerIdentity } from './initializer-spec.js';
import type { Job } from './job.js';
import { areScores, isCount } from './network-state.js';
import type { RunKey, RunRecord } from './results.js';
import { checkRecipe, type EpochScore, type Recipe } from './training.js';

/** What is compared, and where its runs are kept. */
export interface ComparisonOptions {
  /** Where runs are kept; a comparison that was stopped goes on from there, and another one uses what it shares. */
  readonly folder: string;
  /** Architectures by the name that the results give them. */
  readonly graphs: ReadonlyMap<string, Graph>;
  /** As {@link readInitializer} reads them. */
  readonly initializers: readonly string[];
  readonly learningRates: readonly number[];
  readonly seeds: readonly number[];
  readonly recipe: Omit<Recipe, 'learningRate' | 'seed'>;
  readonly data: DatasetOptions;
}

/** A run to make, and where it is kept when it is done. */
export interface FiledRun {
  /** The name of its files, without their endings. */
  readonly id: string;
  readonly job: Job;
  readonly path: string;
}

/**
 * All runs, architecture by architecture, seeds last, so that the first results come for every initialiser. Throws
 * {@link EvaluationError} for a recipe or initialiser at fault and for two that are the same; DataError for data that
 * cannot be read.
 */
export async function fileRuns(options: ComparisonOptions): Promise<FiledRun[]> {
  const { folder, graphs, initializers, learningRates, seeds, recipe, data } = options;
  const identities = new Map<string, string>();
  const content = await datasetIdentity(data);
  const taken = new Map<string, RunKey>();
  for (const initializer of initializers) identities.set(initializer, await initializerIdentity(initializer));
  const runs: FiledRun[] = [];
  for (const [architecture, graph] of graphs) {
    for (const seed of seeds) {
      for (const learningRate of learningRates) {
        for (const initializer of initializers) {
          const key = { architecture, initializer, learningRate, seed };
          const whole = { ...recipe, learningRate, seed };
          checkRecipe(whole);
          // The name of the architecture is not part of it: what counts is the graph.
          const { name: _, ...network } = graph;
          const id = hashOf([network, identities.get(initializer), content, whole]);
          const twin = taken.get(id);
          if (twin !== undefined)
            throw new EvaluationError(`${sayKey(key)} is the same run as ${sayKey(twin)}: name each once`);
          taken.set(id, key);
          const isReported = seed === seeds[0];
          const job = { key, graph, recipe: whole, statePath: join(folder, `${id}.safetensors`), isReported };
          runs.push({ id, job, path: join(folder, runName(id)) });
        }
      }
    }
  }
  return runs;
}

/** The name of the file of a run that is done. */
export const runName = (id: string): string => `${id}.json`;

/** 16 hexadecimal digits that stand for a value of JSON. */
export const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

const sayKey = ({ architecture, initializer, learningRate, seed }: RunKey): string =>
  `${architecture} from ${initializer}, rate ${learningRate}, seed ${seed}`;

/** A run that is done; undefined for one that is not. Throws {@link EvaluationError} for a file that is none. */
export async function readRun({ path, job }: FiledRun): Promise<RunRecord | undefined> {
  if (!existsSync(path)) return undefined;
  const wanted = `${path}: not a run that was kept; delete the file to make it again`;
  const kept = parseJson(await readText(path, EvaluationError), wanted, EvaluationError);
  if (!isRecord(kept) || !isWhole(kept, job.recipe.epochs)) throw new EvaluationError(wanted);
  // The same network may have had another name when the run was made.
  return { ...kept, scores: kept.scores.map(withNumbers), ...job.key };
}

/** Those runs that are done, in order. Throws {@link EvaluationError} for a file that is none. */
export async function keptRuns(filed: readonly FiledRun[]): Promise<RunRecord[]> {
  const runs: RunRecord[] = [];
  for (const one of filed) {
    const run = await readRun(one);
    if (run !== undefined) runs.push(run);
  }
  return runs;
}

/** A run has a score for each epoch, unless it diverged. */
const isWhole = ({ scores, isDiverged }: RunRecord, epochs: number): boolean =>
  isDiverged ? scores.length <= epochs + 1 : scores.length === epochs + 1;

/** What tells a run is added by the caller. */
const isRecord = (value: unknown): value is RunRecord =>
  isObject(value) &&
  areScores(value.scores) &&
  typeof value.isDiverged === 'boolean' &&
  isCount(value.parameters) &&
  typeof value.seconds === 'number' &&
  value.seconds >= 0 &&
  (value.stepsPerEpoch === undefined || isCount(value.stepsPerEpoch)) &&
  (value.start === undefined || isStartReport(value.start));

const isStartReport = (value: unknown): boolean =>
  isObject(value) &&
  (value.diversity === null || typeof value.diversity === 'number') &&
  Array.isArray(value.layers) &&
  value.layers.every((layer) => isObject(layer) && typeof layer.name === 'string') &&
  Array.isArray(value.findings) &&
  value.findings.every(
    (finding) => isObject(finding) && typeof finding.kind === 'string' && Array.isArray(finding.parameters),
  ) &&
  isObject(value.untrainedRows) &&
  Object.values(value.untrainedRows).every(isCount);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** JSON has null for numbers that are not finite, as those of a run that diverged; only before training it is right. */
const withNumbers = (score: EpochScore): EpochScore => ({
  ...score,
  loss: score.loss ?? Number.NaN,
  accuracy: score.accuracy ?? Number.NaN,
  top5Accuracy: score.top5Accuracy ?? Number.NaN,
  trainLoss: score.epoch === 0 ? null : (score.trainLoss ?? Number.NaN),
});
