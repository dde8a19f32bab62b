// One network trained from three starts at once, on the same batches.
import { type DataSource, epochBatches } from '@logah/data';
import type { Graph } from '@logah/graph-ir';
import {
  type AdamWState,
  classification,
  evaluateNetwork,
  initAdamW,
  networkGradients,
  updateAdamW,
} from '@logah/network';
import { createRandom, deriveSeed } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from './backend.js';
import { digitImages, loadDigits, requireDigitsCard } from './digits.js';
import type { Calls, StartName, TrainPoint, TrainSettings } from './protocol.js';
import { graphOf, startParameters } from './starts.js';

const BATCH = 32;
/** Steps between two scores on test digits. */
const SCORED = 10;

interface Runner {
  readonly start: StartName;
  parameters: TensorRecord;
  state: AdamWState;
}

/** Trains all starts step by step, telling of each; their learning rates fall to 0 as half a cosine. */
export async function trainSideBySide(
  settings: TrainSettings,
  progress: (point: TrainPoint) => void,
): Promise<Calls['train']['result']> {
  const { architecture, steps, rates, seed } = settings;
  const backend = await useBackend();
  const graph = graphOf(architecture);
  const card = requireDigitsCard();
  const digits = await loadDigits();
  const train = digitImages(digits.train, card);
  const test = digitImages(digits.test, card);
  const runners: Runner[] = [];
  for (const start of ['predicted', 'mimetic', 'random'] as const) {
    const parameters = await startParameters(graph, start, seed);
    runners.push({ start, parameters, state: initAdamW(parameters) });
  }
  const score = async ({ start, parameters }: Runner, step: number, loss: number | null): Promise<void> => {
    const isScored = step % SCORED === 0 || step === steps;
    const accuracy = isScored ? (await evaluateNetwork(graph, parameters, test, classification)).accuracy : null;
    progress({ start, step, loss, accuracy });
  };
  for (const runner of runners) await score(runner, 0, null);
  const batches = batchesOf(train, steps, seed);
  for (let step = 1; step <= steps; step++) {
    const share = (1 + Math.cos((Math.PI * (step - 1)) / steps)) / 2;
    for (const runner of runners) {
      const rate = share * rates[runner.start];
      await score(runner, step, await stepOf(graph, runner, train, batches[step - 1], rate));
    }
  }
  for (const { parameters, state } of runners) {
    tf.dispose([parameters, state.first, state.second].map((record) => Object.values(record)));
  }
  return { backend };
}

/** Samples of each step: epoch after epoch in a random order. */
function batchesOf({ length }: DataSource, steps: number, seed: number): number[][] {
  const batches: number[][] = [];
  for (let epoch = 0; batches.length < steps; epoch++) {
    batches.push(...epochBatches(length, BATCH, createRandom(deriveSeed(seed, epoch))));
  }
  return batches.slice(0, steps);
}

/** One update; the loss before it, in nats. */
async function stepOf(
  graph: Graph,
  runner: Runner,
  source: DataSource,
  indices: readonly number[],
  rate: number,
): Promise<number> {
  const batch = source.batch(indices);
  const { loss, gradients } = await networkGradients(graph, runner.parameters, batch, classification);
  const { parameters, state } = runner;
  const updated = updateAdamW(parameters, gradients, state, rate);
  tf.dispose([batch.inputs, batch.labels, ...Object.values(gradients)]);
  tf.dispose([parameters, state.first, state.second].map((record) => Object.values(record)));
  runner.parameters = updated.parameters;
  runner.state = updated.state;
  return loss;
}
