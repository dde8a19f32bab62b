// The pure parts of the studies, and that their pages say what their numbers say.
import '@logah/backend-ort';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { forward, randomParameters } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedPart } from '../bench/studies/architectures.mjs';
import { byPiece, passThrough, piecesOf } from '../bench/studies/blocks.mjs';
import { reachedSteps } from '../bench/studies/costs.mjs';
import { nearestRows } from '../bench/studies/data.mjs';
import { graphOf } from '../bench/studies/graphs.mjs';
import { flagsOf, historyOf, scheduleOf } from '../bench/studies/meta-training.mjs';
import { readOptions } from '../bench/studies/options.mjs';
import { parametersOf } from '../bench/studies/rank.mjs';
import { canonical, idOf, kept } from '../bench/studies/store.mjs';
import { STUDIES } from '../bench/studies/studies.mjs';
import { withTables } from '../bench/studies/tables.mjs';
import { rankErrors } from '../bench/studies/weights.mjs';

beforeAll(() => tf.setBackend('ort'));

const PAGES = fileURLToPath(new URL('../docs/studies/', import.meta.url));

describe('pages of studies', () => {
  it.each(Object.entries(STUDIES))('%s: its tables are those of its numbers', (name, study) => {
    const results = JSON.parse(readFileSync(join(PAGES, `${name}.json`), 'utf8'));
    const page = readFileSync(join(PAGES, `${name}.md`), 'utf8');
    expect(page).toBe(withTables(page, study.tables(results)));
    for (const picture of Object.keys(study.pictures(results))) {
      expect(existsSync(join(PAGES, `${picture}.svg`)), picture).toBe(true);
      expect(page).toContain(`(${picture}.svg)`);
    }
    expect(results.command).not.toContain('../');
  });
});

describe('runs', () => {
  it('have the same name for the same settings in any order, another for others', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (settings) => {
        const turned = Object.fromEntries(Object.entries(settings).reverse());
        expect(idOf({ ...turned, absent: undefined })).toBe(idOf(settings));
        expect(canonical({ settings: [settings] })).not.toBe(canonical({ settings }));
      }),
    );
    expect(idOf({ rate: 1e-3 })).not.toBe(idOf({ rate: 2e-3 }));
  });

  it('are made once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'logah-studies-'));
    let made = 0;
    const make = async () => ({ made: ++made });
    const first = await kept(folder, 'run', { rate: 1 }, make);
    expect(await kept(folder, 'run', { rate: 1 }, make)).toEqual(first);
    expect((await kept(folder, 'run', { rate: 2 }, make)).result).toEqual({ made: 2 });
    rmSync(folder, { recursive: true });
  });

  it('of meta-training take options by their names, whole epochs, and keep what they were like', () => {
    expect(flagsOf({ metaBatch: 2, lr: undefined, dataDir: 'd' })).toEqual(['--meta-batch', '2', '--data-dir', 'd']);
    expect(scheduleOf(300)).toEqual({ epochs: 10, stepsPerEpoch: 30, warmupEpochs: 1, ema: 1 - 1 / 30 });
    expect(scheduleOf(3000).ema).toBe(0.995);
    expect(() => scheduleOf(305)).toThrow('steps of meta-training should be a multiple of 10, got 305');
    const steps = Array.from({ length: 40 }, (_, i) => ({ type: 'step', step: i + 1, taskLoss: i, seconds: 0.5 }));
    const history = historyOf([...steps, { type: 'evaluation', step: 40, loss: 1, accuracy: 0.5 }]);
    expect(history).toMatchObject({ seconds: 20, steps: 40, heldOut: [{ step: 40, loss: 1, accuracy: 0.5 }] });
    expect(history.loss).toHaveLength(20);
    expect(history.loss[0]).toEqual({ step: 2, loss: 0.5 });
  });

  it('read their scale from the command line, and refuse what is none', () => {
    const known = ['why'];
    expect(readOptions(['why', '--train-samples', '77'], known).options).toMatchObject({ trainSamples: 77, seeds: 3 });
    expect(() => readOptions(['what'], known)).toThrow('there is no study "what"; there are why');
    expect(() => readOptions(['why', '--seeds', '0'], known)).toThrow('--seeds should be a positive integer, got "0"');
    expect(readOptions(['why', '--logah-ranks', 'none'], known).options.logahRanks).toEqual([]);
    expect(() => readOptions(['why', '--logah-ranks', '1.5'], known)).toThrow(
      '--logah-ranks should be positive integers',
    );
    expect(() => readOptions(['why', '--rates', 'x'], known)).toThrow('--rates should be positive numbers');
  });
});

describe('pieces of a network', () => {
  it.each([
    'gpt2:layers=3,heads=2,hidden=16,vocab=20,context=8,tied=false',
    'llama:layers=2,heads=2,kvHeads=2,hidden=16,mlp=32,vocab=20,context=8',
  ])('%s: one after the other they give what the network gives', async (text) => {
    const graph = buildArchitecture(parseArchitecture(text));
    const parameters = randomParameters(graph, createRandom(1));
    const pieces = piecesOf(graph);
    async function* tensors() {
      for (const { name, shape } of graph.parameters) yield { name, shape, data: parameters[name].dataSync() };
    }
    const ids = tf.tensor2d([[3, 1, 4, 1, 5]], undefined, 'int32');
    const [whole] = forward(graph, parameters, { [graph.inputs[0]]: ids });
    let signal = ids;
    for await (const { piece, place, parameters: own } of byPiece(pieces, tensors()))
      signal = passThrough(piece, own, signal, { hasGradient: place > 0 }).output;
    expect(signal.shape).toEqual(whole.shape);
    expect(tf.max(tf.abs(tf.sub(signal, whole))).dataSync()[0]).toBeLessThan(1e-5);
  });

  it('refuses tensors out of order', async () => {
    const graph = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=16,vocab=20,context=8,tied=false'));
    const [{ name, shape }] = graph.parameters.slice(-1);
    async function* tensors() {
      yield { name, shape, data: new Float32Array(20 * 16) };
    }
    await expect(byPiece(piecesOf(graph), tensors()).next()).rejects.toThrow(`"${name}" comes out of order`);
  });

  it('passes a gradient back whole where blocks write nothing', () => {
    const graph = buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=16,vocab=20,context=8,tied=false'));
    const [, block] = piecesOf(graph);
    const zeros = Object.fromEntries(block.parameters.map(({ name, shape }) => [name, tf.zeros([...shape])]));
    const { gradient } = passThrough(block, zeros, tf.ones([1, 4, 16]), { hasGradient: true });
    expect(gradient).toBeCloseTo(1, 6);
  });
});

describe('numbers of studies', () => {
  it('the error that a rank leaves is that of the truncated decomposition', () => {
    const matrix = Matrix.from1DArray(6, 4, [...createRandom(3).normals(24, 0, 1)]);
    const svd = new SingularValueDecomposition(matrix);
    const [half] = rankErrors(svd.diagonal, [0.5]);
    const kept = svd.leftSingularVectors.subMatrix(0, 5, 0, 1);
    const truncated = kept.mmul(kept.transpose()).mmul(matrix);
    expect(half).toBeCloseTo(Matrix.sub(matrix, truncated).norm() / matrix.norm(), 10);
    expect(rankErrors([2, 1], [1])).toEqual([0]);
  });

  it('rows are nearest to themselves, whatever their order, sign and size', () => {
    const rows = tf.tensor2d([...createRandom(1).normals(40, 0, 1)], [5, 8]);
    expect(nearestRows(rows, tf.mul(tf.reverse(rows, 0), -3))).toBeCloseTo(1, 5);
    expect(nearestRows(tf.tensor2d([[1, 0]]), tf.tensor2d([[0, 1]]))).toBeCloseTo(0, 6);
  });

  it('a score is reached after the first epoch whose mean has it', () => {
    const run = (...accuracies) => ({
      result: { scores: accuracies.map((accuracy, epoch) => ({ epoch, accuracy })) },
    });
    const runs = [run(0.1, 0.3, 0.6), run(0.1, 0.5, 0.4)];
    expect(reachedSteps(runs, 0.4, { epochs: 2, steps: 20 })).toBe(10);
    expect(reachedSteps(runs, 0.1, { epochs: 2, steps: 20 })).toBe(0);
    expect(reachedSteps(runs, 0.9, { epochs: 2, steps: 20 })).toBeNull();
  });

  it('parameters of a hypernetwork follow its settings', () => {
    expect(parametersOf({ variant: 'template-small' })).toBe(585_230);
    expect(parametersOf({ variant: 'tiny' })).toBe(2_539_320);
    expect(parametersOf({ variant: 'template-small', templates: 8 })).toBeGreaterThan(585_230);
  });

  it('a mixer has only roles that ViTs have, a ResNet nearly none', () => {
    const mixer = graphOf('mixer:layers=2,hidden=16,mlp=32,tokens=8,patch=8');
    expect(sharedPart(mixer)).toBe(1);
    expect(sharedPart(graphOf('resnet:depth=18,classes=10,image=32'))).toBeLessThan(0.01);
    expect(() => graphOf('mixer:layers=2')).toThrow('hidden should be a positive integer, got "undefined"');
    const [logits] = forward(mixer, randomParameters(mixer, createRandom(0)), { images: tf.ones([2, 3, 32, 32]) });
    expect(logits.shape).toEqual([2, 10]);
  });
});
