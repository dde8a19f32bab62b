// One run of a comparison, from its start to its last epoch, with its state on disk after each.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Dataset } from '@logah/data/node';
import { messageOf } from '@logah/files';
import { type Graph, parameterCount } from '@logah/graph-ir';
import { classification, languageModelling, misfitOf } from '@logah/network';
import { areFinite, type TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from './errors.js';
import { readInitializer } from './initializer-spec.js';
import { startRandom } from './initializers.js';
import { readNetworkState, type SavedNetwork, writeNetworkState } from './network-state.js';
import { disposeState, type NetworkState, startState } from './optimizer.js';
import type { RunKey, RunRecord, StartReport } from './results.js';
import { diversity, findings, layerStatistics, untrainedRows } from './statistics.js';
import { type EpochScore, type Recipe, stepsPerEpoch, trainNetwork } from './training.js';

/** A run to make. */
export interface Job {
  readonly key: RunKey;
  readonly graph: Graph;
  readonly recipe: Recipe;
  /** Where the state is kept while the run goes on. */
  readonly statePath: string;
  /** Whether the run reports what its start was like. */
  readonly isReported: boolean;
}

const MOMENTS = { sgd: ['velocity'], adamw: ['first', 'second'] } as const;

/** Who is told how a run goes. */
export interface JobListener {
  /** Of every step. */
  readonly onStep?: (step: number, steps: number) => void;
  /** Of what should not be, in a sentence. */
  readonly onNote?: (text: string) => void;
}

/**
 * Makes a run, going on from its saved state where there is one that can be read. Throws {@link EvaluationError} when
 * network and data do not fit, and for a start that is not finite.
 */
export async function runJob(
  { key, graph, recipe, statePath, isReported }: Job,
  data: Dataset,
  { onStep, onNote = () => {} }: JobListener = {},
): Promise<RunRecord> {
  const misfit = misfitOf(graph, data);
  if (misfit !== undefined) throw new EvaluationError(misfit);
  const initial = async (): Promise<TensorRecord> => {
    const start = await (await readInitializer(key.initializer))(graph, startRandom(key.seed));
    for (const [name, tensor] of Object.entries(start)) {
      if (!(await areFinite([tensor])))
        throw new EvaluationError(`"${key.initializer}" gives "${name}" values that are NaN or infinite`);
    }
    return start;
  };
  const began = performance.now();
  const saved = (await readSaved(statePath, graph, recipe, data.train.length, onNote)) ?? {
    state: startState(recipe.optimizer, await initial()),
    scores: [],
    seconds: 0,
  };
  // A run that was stopped in its first epoch scores its start once more.
  const scores: EpochScore[] = saved.state.epoch === 0 ? [] : [...saved.scores];
  const seconds = (): number => saved.seconds + (performance.now() - began) / 1000;
  let report: StartReport | undefined;
  let isDiverged = false;
  const events = trainNetwork({
    graph,
    task: data.kind === 'images' ? classification : languageModelling,
    train: data.train,
    test: data.test,
    recipe,
    state: saved.state,
    ...(onStep === undefined ? {} : { onStep }),
  });
  for await (const event of events) {
    scores.push(event.score);
    isDiverged = event.isDiverged;
    const isLast = isDiverged || event.score.epoch === recipe.epochs;
    if (isLast && isReported) report = await reportOn(graph, initial, event.state);
    if (!isLast) await writeNetworkState(statePath, { state: event.state, scores, seconds: seconds() });
  }
  await rm(statePath, { force: true });
  return {
    ...key,
    parameters: parameterCount(graph),
    scores,
    isDiverged,
    seconds: seconds(),
    stepsPerEpoch: stepsPerEpoch(data.train.length, recipe.batch),
    ...(report === undefined ? {} : { start: report }),
  };
}

/** The state of a run that was stopped; undefined for one that was not, or whose state is damaged. */
async function readSaved(
  path: string,
  graph: Graph,
  { optimizer, epochs, batch }: Recipe,
  samples: number,
  onNote: (text: string) => void,
): Promise<SavedNetwork | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const saved = await readNetworkState(path, graph, MOMENTS[optimizer.type]);
    const { epoch, step } = saved.state;
    const wanted = epoch * stepsPerEpoch(samples, batch);
    if (epoch >= epochs || step !== wanted) {
      disposeState(saved.state);
      throw new EvaluationError(
        `${path}: a run of ${epochs} epochs that goes on has fewer behind it, and after ${epoch} it has made ${wanted} steps; got ${step}`,
      );
    }
    return saved;
  } catch (cause) {
    onNote(`The state of a run is damaged, so the run begins anew (${messageOf(cause)}).`);
    return undefined;
  }
}

/** What the start was like, made anew, and what training did not reach of it. */
async function reportOn(
  graph: Graph,
  initial: () => Promise<TensorRecord>,
  trained: NetworkState,
): Promise<StartReport> {
  const start = await initial();
  const layers = await layerStatistics(start);
  const report = {
    diversity: await diversity(start),
    layers,
    findings: findings(graph, layers),
    untrainedRows: await untrainedRows(start, trained.parameters),
  };
  tf.dispose(Object.values(start));
  return report;
}
