// Runs in folders and on worker threads, as built: workers are files.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { initTrainer, localGradients, TRAINER_DEFAULTS, type TrainerConfig } from '@logah/ghn-trainer';
import { createWorkerPool, type RunEvent, type RunOptions, run, writeTrainerState } from '@logah/ghn-trainer/node';
import { createHypernet, disposeHypernet } from '@logah/hypernet';
import { classification } from '@logah/network';
import { createRandom } from '@logah/random';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import '@logah/backend-ort';
import { architectures, data, HYPERNET } from './small-run.js';

let folder: string;
beforeAll(async () => {
  await tf.setBackend('ort');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logah-run-'));
});
const folders: string[] = [];
beforeEach(() => {
  folders.push(folder);
});
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

const CONFIG: TrainerConfig = {
  ...TRAINER_DEFAULTS,
  batch: 4,
  epochs: 2,
  stepsPerEpoch: 5,
  warmupEpochs: 0,
  metaBatch: 3,
  averageDecay: 0.9,
};
const HELD_OUT = ['vit:layers=3,heads=2,hidden=16,mlp=32,patch=4,classes=2,image=8'];

const options = (changes: Partial<RunOptions> = {}): RunOptions => ({
  folder,
  config: CONFIG,
  configuration: { seed: 0 },
  hypernet: HYPERNET,
  start: () => initTrainer(createHypernet(HYPERNET, createRandom(1)), CONFIG),
  architectures,
  data,
  task: classification,
  saveEvery: 2,
  keep: 2,
  evaluation: { every: 5, architectures: HELD_OUT, data },
  ...changes,
});

async function follow(changes: Partial<RunOptions> = {}, stopAfter = Number.POSITIVE_INFINITY): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run(options(changes))) {
    events.push(event);
    if (event.type === 'step' && event.step >= stopAfter) break;
  }
  return events;
}

const lossesOf = (events: readonly RunEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));

describe('run', () => {
  it('leaves states, the hypernetwork, its configuration and metrics, and no tensors', async () => {
    const before = tf.memory().numTensors;
    const events = await follow();
    expect(tf.memory().numTensors).toBe(before);
    expect(lossesOf(events)).toHaveLength(10);
    expect(events.filter(({ type }) => type === 'evaluation')).toHaveLength(2);
    const files = (await readdir(folder)).map((name) => name.replace(/tfevents.*/, 'tfevents')).sort();
    expect(files).toEqual([
      'config.json',
      'events.out.tfevents',
      'hypernet.safetensors',
      'metrics.jsonl',
      'step-0000008.safetensors',
      'step-0000010.safetensors',
    ]);
    const lines = (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ type }) => type === 'step').map(({ loss }) => loss)).toEqual(lossesOf(events));
  });

  it('keeps the moving average of the hypernetwork as the result', async () => {
    await follow();
    const state = (await readSafetensors(join(folder, 'step-0000010.safetensors'))).tensors;
    const { tensors } = await readSafetensors(join(folder, 'hypernet.safetensors'));
    for (const [name, { data: values }] of tensors) expect(values).toEqual(state.get(`average.${name}`)?.data);
    expect(tensors.get('ln.weight')?.data).not.toEqual(state.get('ln.weight')?.data);
  });

  it('that was left between two states goes on to the losses of one that was not', async () => {
    const whole = await follow();
    folder = await mkdtemp(join(tmpdir(), 'logah-run-'));
    folders.push(folder);
    await follow({}, 7); // the last state is that of step 6
    const start = (): never => {
      throw new Error('a run that goes on needs no fresh hypernetwork');
    };
    const rest = await follow({ start });
    expect(rest[0]).toMatchObject({ type: 'resumed', step: 6 });
    expect(lossesOf(rest)).toEqual(lossesOf(whole).slice(6));
    const noted = (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(noted.filter(({ type }) => type === 'step').map(({ loss }) => loss)).toEqual(lossesOf(whole));
  });

  it('stopped by its signal writes its state first', async () => {
    const stop = new AbortController();
    const events: RunEvent[] = [];
    for await (const event of run(options({ signal: stop.signal }))) {
      events.push(event);
      if (event.type === 'step' && event.step === 3) stop.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: 'saved', step: 3 });
  });

  it('goes on in a folder whose configuration has the same options in another order', async () => {
    await follow({ configuration: { seed: 0, batch: 4 } }, 3);
    const events = await follow({ configuration: { batch: 4, seed: 0 } }, 4);
    expect(events[0]).toMatchObject({ type: 'resumed' });
  });

  it('killed while it saved has what a state promises: the hypernetwork beside it, and no more states than are kept', async () => {
    await follow();
    const files = async (): Promise<string[]> =>
      (await readdir(folder)).filter((name) => !name.includes('tfevents')).sort();
    const before = await files();
    const path = join(folder, 'hypernet.safetensors');
    const learned = await readFile(path);
    await rm(path);
    await copyFile(join(folder, 'step-0000008.safetensors'), join(folder, 'step-0000006.safetensors'));
    await follow();
    expect(await files()).toEqual(before);
    expect((await readFile(path)).equals(learned)).toBe(true);
  });

  it('writes the hypernetwork before the state that says it is there', async () => {
    await mkdir(join(folder, 'hypernet.safetensors'));
    await expect(follow()).rejects.toThrow(/hypernet\.safetensors: it is a folder/);
    expect((await readdir(folder)).filter((name) => name.startsWith('step-'))).toEqual([]);
  });

  it('passes over states of another hypernetwork and those that lost their average', async () => {
    await follow({}, 5);
    const before = (await readdir(folder)).filter((name) => name.startsWith('step-'));
    expect(before).toEqual(['step-0000002.safetensors', 'step-0000004.safetensors']);
    const other = { ...HYPERNET, layers: HYPERNET.layers + 1 };
    await writeTrainerState(join(folder, 'step-0000004.safetensors'), {
      ...initTrainer(createHypernet(HYPERNET, createRandom(1))),
      step: 4,
    });
    await writeTrainerState(join(folder, 'step-0000006.safetensors'), {
      ...initTrainer(createHypernet(other, createRandom(1)), CONFIG),
      step: 6,
    });
    const events = await follow({}, 3);
    expect(events.filter(({ type }) => type === 'damaged')).toMatchObject([
      {
        reason: expect.stringMatching(
          /step-0000006\.safetensors: it is of another hypernetwork \(there "layers": \d, here "layers": \d\)/,
        ),
      },
      { reason: expect.stringContaining('step-0000004.safetensors: its average is missing') },
    ]);
    expect(events.find(({ type }) => type === 'resumed')).toMatchObject({ step: 2 });
  });

  it('makes a damaged hypernetwork beside good states again', async () => {
    await follow();
    const path = join(folder, 'hypernet.safetensors');
    const learned = await readFile(path);
    await writeFile(path, learned.subarray(0, 1000));
    await follow();
    expect((await readFile(path)).equals(learned)).toBe(true);
  });

  it('leaves a hypernetwork alone that is whole, and makes one of another state again', async () => {
    await follow();
    const path = join(folder, 'hypernet.safetensors');
    const learned = await readFile(path);
    await utimes(path, 1, 1);
    await follow();
    expect((await stat(path)).mtimeMs).toBe(1000);
    await rm(join(folder, 'step-0000010.safetensors'));
    await follow({}, 9);
    expect((await readFile(path)).equals(learned)).toBe(false);
  });

  it('wants architectures to evaluate where it is to evaluate', async () => {
    await expect(follow({ evaluation: { every: 5, architectures: [], data } })).rejects.toThrow(
      'an evaluation wants one architecture at least; leave it out where none is held out',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps good states, however many later ones are damaged', async () => {
    await follow({ keep: 1 }, 3);
    await writeFile(join(folder, 'step-0000099.safetensors'), 'damaged');
    const events = await follow({ keep: 1 });
    expect(events[0]).toMatchObject({ type: 'damaged' });
    const states = (await readdir(folder)).filter((name) => name.startsWith('step-'));
    expect(states.sort()).toEqual(['step-0000010.safetensors', 'step-0000099.safetensors']);
  });

  it('refuses a folder of another configuration, and names the difference', async () => {
    await follow({}, 1);
    await expect(follow({ configuration: { seed: 5 } })).rejects.toThrow(
      /config\.json: the folder holds a run of another configuration \(there "seed": 0, here "seed": 5\)/,
    );
  });

  it.each(['null', '[]', '"x"', '{}', '3'])('calls a configuration of %s damaged', async (text) => {
    await follow({}, 1);
    await writeFile(join(folder, 'config.json'), text);
    await expect(follow({})).rejects.toThrow(
      `config.json: it is damaged; restore it, or use another folder: it should be an object with fields, got ${text}`,
    );
  });

  it('names the first of many differences', async () => {
    await follow({}, 1);
    const configuration = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field${i}`, i]));
    await expect(follow({ configuration })).rejects.toThrow(
      'here "field0": 0 "field1": 1 "field2": 2 and 17 more); use another folder',
    );
  });

  it('writes events that TensorBoard’s framing accepts', async () => {
    await follow({}, 2);
    const [name] = (await readdir(folder)).filter((file) => file.includes('tfevents'));
    const bytes = await readFile(join(folder, name));
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = Number(bytes.readBigUInt64LE(at));
      lengths.push(length);
      at += 8 + 4 + length + 4;
      expect(at).toBeLessThanOrEqual(bytes.length);
    }
    expect(lengths).toHaveLength(3); // the version and two steps
    // How every event file begins: the length 24 and its masked CRC-32C, as TensorFlow writes them.
    expect(bytes.subarray(0, 12).toString('hex')).toBe('1800000000000000a37f4b22');
  });
});

describe('createWorkerPool', () => {
  it.each([
    ['', {}],
    [' with an inner loop', { innerLoop: { steps: 1, learningRate: 1e-3 } }],
  ])('gives the loss and gradients of one thread%s', async (_, inner) => {
    const hypernet = createHypernet(HYPERNET, createRandom(1));
    const random = createRandom(2);
    const networks = Array.from({ length: 3 }, (_, seed) => ({ architecture: architectures(random), seed }));
    const batch = data.batch([0, 1, 2, 3]);
    const pool = await createWorkerPool({
      workers: 2,
      backendUrl: import.meta.resolve('@logah/backend-ort'),
      backend: 'ort',
      hypernet: HYPERNET,
      task: 'classification',
      predictedParameterRegularization: 3e-5,
      ...inner,
    });
    try {
      const here = await localGradients(classification, { ...CONFIG, ...inner })(hypernet, networks, batch);
      const there = await pool.gradients(hypernet, networks, batch);
      expect(there.loss).toBeCloseTo(here.loss, 6);
      expect(there.accuracy).toBeCloseTo(here.accuracy, 6);
      for (const [name, gradient] of Object.entries(here.gradients)) {
        const [expected, actual] = [await gradient.data(), await there.gradients[name].data()];
        const scale = Math.max(1e-6, ...expected.map(Math.abs));
        // Three gradients added in another order.
        actual.forEach((value, i) => expect(Math.abs(value - expected[i]) / scale, name).toBeLessThan(1e-5));
      }
      tf.dispose([Object.values(here.gradients), Object.values(there.gradients)]);
    } finally {
      await pool.close();
      disposeHypernet(hypernet);
      tf.dispose([batch.inputs, batch.labels]);
    }
  });

  it('says why a worker cannot start', async () => {
    const setup = {
      workers: 1,
      backendUrl: 'file:///nowhere.js',
      backend: 'ort',
      hypernet: HYPERNET,
      task: 'classification',
      predictedParameterRegularization: 0,
    } as const;
    await expect(createWorkerPool(setup)).rejects.toThrow(/a gradient worker could not start: .*Cannot find module/);
  });

  it('says which worker is no more, also when it ended between two steps, and waits for none', async () => {
    const hypernet = createHypernet(HYPERNET, createRandom(1));
    const random = createRandom(2);
    const networks = Array.from({ length: 2 }, (_, seed) => ({ architecture: architectures(random), seed }));
    const batch = data.batch([0, 1]);
    // A backend that ends its thread a while after it was loaded.
    const backend = join(folder, 'mortal.mjs');
    const real = JSON.stringify(import.meta.resolve('@logah/backend-ort'));
    for (const [death, message] of [
      ['process.exit(3)', /gradient worker 1 of 1 ended with code 3$/],
      ['throw new Error("its own reason")', /gradient worker 1 of 1 ended with code 1: its own reason/],
    ] as const) {
      await writeFile(backend, `import ${real}; setTimeout(() => { ${death}; }, 300);`);
      const pool = await createWorkerPool({
        workers: 1,
        backendUrl: `${pathToFileURL(backend)}?${encodeURIComponent(death)}`,
        backend: 'ort',
        hypernet: HYPERNET,
        task: 'classification',
        predictedParameterRegularization: 0,
      });
      await new Promise((resolve) => setTimeout(resolve, 600));
      await expect(pool.gradients(hypernet, networks, batch)).rejects.toThrow(message);
      await pool.close();
    }
    disposeHypernet(hypernet);
    tf.dispose([batch.inputs, batch.labels]);
  });
});

describe('a step that goes wrong', () => {
  const failingAt = (step: number, failure: () => never): Partial<RunOptions> => {
    let steps = 0;
    const compute = localGradients(classification, CONFIG);
    return { saveEvery: 100, gradients: (...args) => (++steps === step ? failure() : compute(...args)) };
  };

  it('leaves the state of the step before, and its own reason', async () => {
    const dead = failingAt(4, () => {
      throw new Error('the worker is gone');
    });
    await expect(follow(dead)).rejects.toThrow('the worker is gone');
    expect((await readdir(folder)).filter((name) => /^step|lock|partial/.test(name))).toEqual([
      'step-0000003.safetensors',
    ]);
    const [resumed] = await follow();
    expect(resumed).toMatchObject({ type: 'resumed', step: 3 });
  });

  it('is refused when it makes a parameter or a moment infinite, whatever the loss says', async () => {
    const before = tf.memory().numTensors;
    // Finite gradients whose squares are not.
    const compute = localGradients(classification, CONFIG);
    let steps = 0;
    const huge: Partial<RunOptions> = {
      config: { ...CONFIG, gradientClip: 1e30 },
      gradients: async (...args) => {
        const result = await compute(...args);
        if (++steps < 3) return result;
        const gradients = Object.fromEntries(
          Object.entries(result.gradients).map(([name, gradient]) => {
            const large = tf.fill(gradient.shape, 1e18);
            gradient.dispose();
            return [name, name === 'embed.weight' ? tf.tidy(() => tf.mul(large, 1e3)) : large];
          }),
        );
        return { ...result, gradients };
      },
    };
    await expect(follow(huge)).rejects.toThrow(/step 3: (after an update|the loss is)/);
    expect((await readdir(folder)).filter((name) => name.startsWith('step'))).toEqual(['step-0000002.safetensors']);
    expect(tf.memory().numTensors - before).toBeLessThan(400);
  });

  it('at the very first leaves no folder that was made for it', async () => {
    const own = join(folder, 'made', 'here');
    const dead = failingAt(1, () => {
      throw new Error('at once');
    });
    await expect(follow({ ...dead, folder: own })).rejects.toThrow('at once');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not taken where a batch is larger than the data', async () => {
    const large = { config: { ...CONFIG, batch: 17 }, folder: join(folder, 'made') };
    await expect(follow(large)).rejects.toThrow('batch should be at most the 16 samples that there are, got 17');
    expect(await readdir(folder)).toEqual([]);
  });
});
