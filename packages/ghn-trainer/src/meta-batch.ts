// One step of meta-training without the update: several networks, one mini-batch, and the gradients of the hypernetwork.
import type { Batch } from '@logah/data';
import type { ComputationalGraph, Graph } from '@logah/graph-ir';
import { embedNodes, type Hypernet, lowerFor, predictTensors } from '@logah/hypernet';
import { forward, type Task } from '@logah/network';
import { createRandom, type Random } from '@logah/random';
import { sumOfNorms, type TensorRecord, takeNumber } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import { batchParts } from './batch-rows.js';
import { changeByTraining, type InnerLoop } from './inner-loop.js';
import { referenceRows } from './reference-rows.js';

export interface MetaBatchOptions {
  /** γ: the weight of the predicted tensors' Frobenius norms in the loss. */
  readonly predictedParameterRegularization: number;
  /**
   * Wires graphs and reads the embeddings of a meta-batch as the reference does, so that its runs can be followed; see
   * `LoweringOptions` and `reference-rows.ts`. False by default: every network is predicted from its own nodes.
   */
  readonly reference?: boolean;
  /** Trains every predicted network a little before its loss is taken; not by default. */
  readonly innerLoop?: InnerLoop;
}

/** A network to predict. */
export interface MetaNetwork {
  readonly graph: Graph;
  /** Draws what is not predicted (class-token rows); without it they are 0. */
  readonly random?: Random;
}

export interface MetaBatchResult {
  /** The mean over the networks of the task's loss and the regulariser. */
  readonly loss: number;
  /** The mean of the task's loss alone. */
  readonly taskLoss: number;
  /** The share of correct answers, over all networks. */
  readonly accuracy: number;
  /** Of `loss`, by parameter of the hypernetwork; the caller owns them. */
  readonly gradients: TensorRecord;
}

/**
 * Loss and gradients of a meta-batch (arXiv 2405.16287 §3.3): `mean over networks of (task loss + γ Σ ‖p‖_F)`, where p runs over all predicted
 * tensors. One network after the other, so memory is that of the largest one.
 */
export async function metaBatchGradients(
  hypernet: Hypernet,
  networks: readonly MetaNetwork[],
  batch: Batch,
  task: Task,
  options: MetaBatchOptions,
): Promise<MetaBatchResult> {
  const names = Object.keys(hypernet.parameters);
  let sums: tf.Tensor[] | undefined;
  const totals = { loss: 0, taskLoss: 0, correct: 0, answers: 0 };
  const { reference = false } = options;
  const lowered = networks.map(({ graph }) => lowerFor(hypernet, graph, { reference }));
  for (const [index, network] of networks.entries()) {
    const embed = reference ? referenceRows(lowered, index) : embedOwn(lowered[index]);
    const member = { ...network, lowered: lowered[index], embed };
    const result = await networkGradients(hypernet, names, member, batch, task, options);
    const { value, grads, taskLoss, correct, answers } = result;
    totals.loss += value;
    totals.taskLoss += taskLoss;
    totals.correct += correct;
    totals.answers += answers;
    const previous: tf.Tensor[] | undefined = sums;
    sums = previous === undefined ? grads : grads.map((grad, i) => tf.add(previous[i], grad));
    if (previous !== undefined) tf.dispose([previous, grads]);
  }
  const count = networks.length;
  const means = (sums ?? []).map((sum) => (count === 1 ? sum : tf.div(sum, count)));
  if (count > 1) tf.dispose(sums ?? []);
  return {
    loss: totals.loss / count,
    taskLoss: totals.taskLoss / count,
    accuracy: totals.correct / totals.answers,
    gradients: Object.fromEntries(names.map((name, i) => [name, means[i]])),
  };
}

/** A network of a meta-batch, and how the embeddings of its nodes come about. */
interface Member extends MetaNetwork {
  readonly lowered: ComputationalGraph;
  embed(hypernet: Hypernet): tf.Tensor2D;
}

const embedOwn =
  (lowered: ComputationalGraph) =>
  (hypernet: Hypernet): tf.Tensor2D =>
    embedNodes(hypernet, lowered);

async function networkGradients(
  hypernet: Hypernet,
  names: readonly string[],
  { graph, random, lowered, embed }: Member,
  batch: Batch,
  task: Task,
  { predictedParameterRegularization: gamma, innerLoop }: MetaBatchOptions,
) {
  const drawn = random?.state();
  /** All parameters as they are predicted, and the predicted ones among them; what is drawn is the same each time. */
  const predictStart = () => {
    const draws = drawn === undefined ? {} : { random: createRandom(drawn) };
    const predicted = predictTensors(hypernet, lowered, { ...draws, embeddings: embed(hypernet) });
    const complete = graph.parameters.map(
      ({ name, shape }) => [name, predicted[name] ?? tf.zeros([...shape])] as const,
    );
    return { predicted, complete };
  };
  const parts = innerLoop === undefined ? [] : batchParts(batch, innerLoop.steps + 1);
  const last = parts.at(-1) ?? batch;
  let change: TensorRecord | undefined;
  try {
    if (innerLoop !== undefined) {
      const start = tf.tidy(() => Object.fromEntries(predictStart().complete));
      change = await changeByTraining(graph, start, parts.slice(0, -1), task, innerLoop.learningRate).finally(() => {
        tf.dispose(Object.values(start));
      });
    }
    const { value, loss, output, grads } = reachedGradients(hypernet.parameters, names, () => {
      const { predicted, complete } = predictStart();
      const parameters = Object.fromEntries(
        complete.map(([name, tensor]) => [name, change === undefined ? tensor : tf.add(tensor, change[name])]),
      );
      const [output] = forward(graph, parameters, { [graph.inputs[0]]: last.inputs });
      const loss = task.loss(output, last);
      const value = tf.add<tf.Scalar>(loss, tf.mul(sumOfNorms(Object.values(predicted)), gamma));
      return { value, loss, output };
    });
    try {
      const { correct, answers } = await task.judge(output, last);
      return { value: await takeNumber(value), grads, taskLoss: await takeNumber(loss), correct, answers };
    } finally {
      output.dispose();
    }
  } finally {
    tf.dispose([parts.map(({ inputs, labels }) => [inputs, labels]), Object.values(change ?? {})]);
  }
}

/** What a network gives: the number to make small, and what else is read of it. */
interface Pass {
  readonly value: tf.Scalar;
  readonly loss: tf.Scalar;
  readonly output: tf.Tensor;
}

/**
 * What `run` gives, which the caller owns, and the gradients of its value by parameter; a parameter that this network does not read, such as a
 * template of another kind of layer, has 0.
 */
function reachedGradients(parameters: TensorRecord, names: readonly string[], run: () => Pass) {
  const tensors = names.map((name) => parameters[name]);
  const passes: Pass[] = [];
  try {
    const { value, grads } = tf.engine().gradients(
      () => {
        const pass = run();
        // They are read when the gradients are there: a GPU cannot be read in the middle of a pass.
        passes.push({ ...pass, loss: tf.keep(pass.loss), output: tf.keep(pass.output) });
        return pass.value;
      },
      tensors,
      undefined,
      true,
    );
    // tfjs types gradients that are not there as tensors.
    const found: ReadonlyArray<tf.Tensor | null | undefined> = grads;
    const [{ loss, output }] = passes;
    return {
      value: value as tf.Scalar,
      loss,
      output,
      grads: tensors.map(({ shape }, i) => found[i] ?? tf.zeros(shape)),
    };
  } catch (error) {
    tf.dispose(passes.flatMap(({ loss, output }) => [loss, output]));
    throw error;
  }
}
