import '@logah/backend-ort';
import '@logah/wasm-kernels';
import '@tensorflow/tfjs-backend-cpu';
import { buildArchitecture, type Graph, parseArchitecture } from '@logah/graph-ir';
import { forward } from '@logah/network';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBackends } from '../../../tools/golden-backends.js';
import {
  createHypernet,
  disposeHypernet,
  fromCheckpoint,
  type Hypernet,
  hypernetParameterCount,
  hypernetPreset,
  lowerFor,
  predict,
  predictTensors,
  type TemplateHypernetConfig,
  toCheckpoint,
} from '../src/index.js';

const SMALL = { dim: 16, heads: 4, layers: 1, maxChannels: 32, templates: 3, maxKernel: 5 } as const;
const VISION = hypernetPreset('template-small', { ...SMALL, tokens: 17, patch: 8 });
const LANGUAGE = hypernetPreset('template-small', { ...SMALL, domain: 'language', classes: 61, tokens: 24, rank: 4 });

const network = (text: string): Graph => buildArchitecture(parseArchitecture(text));
const vit = (layers: number, hidden: number, more = ''): Graph =>
  network(`vit:layers=${layers},heads=4,hidden=${hidden},mlp=${4 * hidden},patch=8${more}`);

/** A hypernetwork whose every parameter is drawn, also those that start at 0. */
function drawn(config: TemplateHypernetConfig, seed = 1): Hypernet {
  const hypernet = createHypernet(config, createRandom(seed));
  const random = createRandom(seed + 1);
  const parameters = Object.fromEntries(
    Object.entries(hypernet.parameters).map(([name, x]) => [
      name,
      tf.tidy(() => tf.add(x, tf.tensor(random.normals(x.size, 0, 0.1), x.shape))),
    ]),
  );
  disposeHypernet(hypernet);
  return { config, parameters };
}

async function predicted(
  hypernet: Hypernet,
  graph: Graph,
): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for await (const { name, shape, data } of predict(hypernet, graph)) tensors.set(name, { shape, data });
  return tensors;
}

/** What a predicted network makes of images or tokens. */
async function answer(hypernet: Hypernet, graph: Graph, input: tf.Tensor): Promise<Float32Array> {
  const parameters = Object.fromEntries(
    [...(await predicted(hypernet, graph))].map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]),
  );
  const [output] = forward(graph, parameters, { [graph.inputs[0]]: input });
  return output.data<'float32'>();
}

const valuesOf = (tensors: ReadonlyMap<string, { data: Float32Array }>, name: string): Float32Array => {
  const found = tensors.get(name);
  if (!found) throw new Error(`no ${name}`);
  return found.data;
};

function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(wanted.length);
  const largest = Math.max(...Array.from(wanted, Math.abs));
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) worst = Math.max(worst, Math.abs(actual[i] - wanted[i]));
  expect(worst / largest).toBeLessThan(tolerance);
}

describe.each(await goldenBackends())('on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  describe.each([
    ['mixed by embeddings', { mixture: 'embedding' }],
    ['mixed by places', { mixture: 'place' }],
    ['with products of rank 3', { lowRank: 3 }],
  ] as const)('templates %s', (_, changes) => {
    const hypernet = (): Hypernet => drawn({ ...VISION, ...changes });

    it('predict in a stream what they predict for meta-training', async () => {
      const [own, graph] = [hypernet(), vit(3, 24)];
      const streamed = await predicted(own, graph);
      const together = predictTensors(own, lowerFor(own, graph));
      for (const [name, tensor] of Object.entries(together)) expectClose(valuesOf(streamed, name), await tensor.data());
      expect([...streamed.keys()].filter((name) => !(name in together))).toEqual(['class_token']);
    });

    it('have gradients where a network reads them', async () => {
      const own = hypernet();
      const graph = lowerFor(own, vit(2, 16));
      const names = Object.keys(own.parameters).filter((name) =>
        /query|mixture|position|head_bias|products|decoder/.test(name),
      );
      const gradients = tf.grads((...values: tf.Tensor[]) => {
        const parameters = { ...own.parameters, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) };
        return tf.addN(Object.values(predictTensors({ ...own, parameters }, graph)).map((x) => tf.sum(tf.square(x))));
      })(names.map((name) => own.parameters[name]));
      for (const [i, gradient] of gradients.entries())
        expect((await tf.max(tf.abs(gradient)).data())[0], names[i]).toBeGreaterThan(0);
    });
  });

  it('cut a query projection from the bank, mixed and scaled by its fan-in, by the definition', async () => {
    const own = drawn({ ...VISION, mixture: 'place', templates: 1 });
    const [width, largest] = [24, 32];
    const tensors = await predicted(own, vit(1, width));
    const values = valuesOf(tensors, 'encoder.layers.encoder_layer_0.self_attention.in_proj_weight');
    const keys = await own.parameters['templates.key'].data();
    // One template: its share is 1, and all of the layer's queries have one gain.
    const gain = values[width * width] / keys[0];
    for (let row = 0; row < width; row++) {
      expectClose(
        values.subarray((width + row) * width, (width + row + 1) * width),
        Array.from({ length: width }, (_, column) => keys[row * largest + column] * gain),
      );
    }
    // The gain is near 1: what is left is √(largest fan-in / fan-in).
    expect(gain / Math.sqrt(largest / width)).toBeGreaterThan(0.5);
    expect(gain / Math.sqrt(largest / width)).toBeLessThan(2);
  });

  it('give norms gains around 1', async () => {
    const own = createHypernet({ ...VISION, mixture: 'place' }, createRandom(3));
    const tensors = await predicted(own, vit(2, 16));
    expect([...valuesOf(tensors, 'encoder.ln.weight')]).toEqual(Array(16).fill(1));
    expect([...valuesOf(tensors, 'encoder.layers.encoder_layer_1.ln_2.bias')]).toEqual(Array(16).fill(0));
  });

  it('bring the norm before a tied head to the size of a head of its own: 1 / √features', async () => {
    const own = createHypernet({ ...LANGUAGE, mixture: 'place' }, createRandom(3));
    const gpt2 = 'gpt2:layers=1,heads=4,hidden=16,vocab=61,context=24';
    const gain = async (tied: boolean): Promise<Float32Array> =>
      valuesOf(await predicted(own, network(`${gpt2},tied=${tied}`)), 'transformer.ln_f.weight');
    expect([...(await gain(false))]).toEqual(Array(16).fill(1));
    expect([...(await gain(true))]).toEqual(Array(16).fill(1 / 4));
  });

  it('store a Conv1D of GPT-2 as [in, out]: the transpose of what a linear layer of its role has', async () => {
    const own = drawn({ ...LANGUAGE, mixture: 'place' });
    const gpt2 = await predicted(own, network('gpt2:layers=2,heads=4,hidden=16,vocab=61,context=24,tied=false'));
    const llama = await predicted(
      own,
      network('llama:layers=2,heads=4,kvHeads=4,hidden=16,mlp=64,vocab=61,context=24,tied=false'),
    );
    const stored = valuesOf(gpt2, 'transformer.h.1.mlp.c_proj.weight'); // [64, 16]
    const linear = valuesOf(llama, 'model.layers.1.mlp.down_proj.weight'); // [16, 64]
    expectClose(
      stored,
      Array.from({ length: 64 * 16 }, (_, i) => linear[(i % 16) * 64 + Math.floor(i / 16)]),
    );
  });

  it('repeat each part of a packed projection beyond the largest width, at the scale that keeps its outputs', async () => {
    const own = drawn({ ...VISION, mixture: 'place', templates: 1 });
    const name = 'encoder.layers.encoder_layer_0.self_attention.in_proj_weight';
    const [fit, twice] = [
      valuesOf(await predicted(own, vit(1, 32)), name),
      valuesOf(await predicted(own, vit(1, 64)), name),
    ];
    // The mixture reads the share of the largest width, which is 1 for both. Twice the inputs, each half as strong.
    for (const [part, row, column] of [
      [0, 3, 5],
      [1, 40, 61],
      [2, 63, 1],
    ]) {
      const value = twice[(part * 64 + row) * 64 + column];
      expect(value).toBeCloseTo(fit[(part * 32 + (row % 32)) * 32 + (column % 32)] / 2, 5);
    }
  });

  it('compute with twice the width and twice the heads what they compute at their largest width', async () => {
    const own = drawn({ ...VISION, mixture: 'place', maxKernel: 1 });
    const images = tf.tensor4d(createRandom(9).normals(2 * 3 * 32 * 32, 0, 1), [2, 3, 32, 32]);
    const logits = (heads: number, hidden: number): Promise<Float32Array> =>
      answer(own, network(`vit:layers=2,heads=${heads},hidden=${hidden},mlp=${4 * hidden},patch=8`), images);
    // Copies of a feature are averaged where they are read: four layers of float32 sums.
    expectClose(await logits(8, 64), await logits(4, 32), 1e-4);
  });

  it.each([false, true])('compute so in a language model, too, its head tied: %s', async (tied) => {
    const own = drawn({ ...LANGUAGE, mixture: 'place' });
    const tokens = tf.tensor2d([3, 60, 0, 17, 5, 5, 41, 2], [2, 4], 'int32');
    const logits = (heads: number, hidden: number): Promise<Float32Array> =>
      answer(own, network(`gpt2:layers=2,heads=${heads},hidden=${hidden},vocab=61,context=24,tied=${tied}`), tokens);
    expectClose(await logits(8, 64), await logits(4, 32), 1e-4);
  });

  it('resize positions and patches for images and patches of other sizes', async () => {
    const own = createHypernet({ ...VISION, mixture: 'place' }, createRandom(3));
    const flat = { ...own, parameters: { ...own.parameters, 'templates.position': tf.ones([1, 17, 32]) } };
    const tensors = await predicted(flat, vit(2, 16, ',image=40'));
    expect(tensors.get('encoder.pos_embedding')?.shape).toEqual([1, 26, 16]);
    // Interpolation of a constant is that constant.
    expectClose(valuesOf(tensors, 'encoder.pos_embedding'), Array(26 * 16).fill(1));
    const smallPatch = await predicted(own, network('vit:layers=1,heads=4,hidden=16,mlp=64,patch=4,image=16'));
    expect(smallPatch.get('conv_proj.weight')?.shape).toEqual([16, 3, 4, 4]);
    const sum = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
    const whole = await predicted(own, vit(1, 16));
    // The mean over a patch answers an even image with the same number, whatever the size of a patch.
    const ofFilter = (tensors: typeof whole, size: number) => valuesOf(tensors, 'conv_proj.weight').subarray(0, size);
    expect(sum(ofFilter(smallPatch, 3 * 16))).toBeCloseTo(sum(ofFilter(whole, 3 * 64)), 4);
  });

  it('read a grey image as a colour image of three equal channels', async () => {
    const own = drawn({ ...VISION, mixture: 'place' });
    const colour = vit(1, 16);
    const [input] = colour.inputs;
    const grey: Graph = {
      ...colour,
      parameters: colour.parameters.map((parameter) =>
        parameter.name === 'conv_proj.weight' ? { ...parameter, shape: [16, 1, 8, 8] } : parameter,
      ),
      values: { ...colour.values, [input]: { ...colour.values[input], shape: ['batch', 1, 32, 32] } },
    };
    const image = tf.tensor(createRandom(5).normals(32 * 32, 0, 1), [1, 1, 32, 32]);
    expectClose(await answer(own, grey, image), await answer(own, colour, tf.tile(image, [1, 3, 1, 1])));
  });

  it('leave no tensors behind', async () => {
    const own = drawn({ ...VISION, mixture: 'embedding' });
    const graph = vit(2, 24);
    const before = tf.memory().numTensors;
    await predicted(own, graph);
    tf.dispose(predictTensors(own, lowerFor(own, graph)));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('template hypernetworks', () => {
  beforeAll(() => tf.setBackend('ort'));

  it.each([
    ['resnet:depth=50,classes=10,image=32', VISION],
    ['convnext_tiny:classes=10,image=32', VISION],
    ['mobilenet_v2:classes=10,image=32', VISION],
    ['vgg16:classes=10,image=32', VISION],
    ['gpt2:layers=2,heads=4,hidden=48,vocab=100,context=32,tied=true', LANGUAGE],
    ['llama:layers=2,heads=4,kvHeads=2,hidden=40,mlp=100,vocab=61,context=24,tied=false', LANGUAGE],
  ] as const)('predict %s, larger than their templates, finite and not constant', async (text, config) => {
    const own = drawn(config);
    for await (const { name, data } of predict(own, network(text))) {
      expect(data.every(Number.isFinite), name).toBe(true);
    }
  });

  it('make templates of a rank no larger than those that are written out', () => {
    const count = (rank: number): number => hypernetParameterCount({ ...VISION, maxChannels: 256, rank }).learned;
    expect(count(200)).toBe(count(0));
    expect(count(16)).toBeLessThan(count(0));
  });

  it('have for VITS-1K fewer parameters than LoGAH-Tiny', () => {
    expect(hypernetParameterCount(hypernetPreset('template-tiny')).learned).toBeLessThan(
      hypernetParameterCount(hypernetPreset('tiny')).learned,
    );
  });

  it('with products are the templates alone before any training, and add A·B at the size of a template times its gain', async () => {
    const rank = 3;
    const [plain, own] = [VISION, { ...VISION, lowRank: rank }].map((config) =>
      createHypernet(config, createRandom(5)),
    );
    const shared = { ...own, parameters: { ...own.parameters, ...plain.parameters } };
    const graph = vit(2, 24);
    const [without, before] = [await predicted(plain, graph), await predicted(shared, graph)];
    expect(before).toEqual(without);
    const gain = tf.fill([own.parameters['products.gain'].size], 0.5);
    const after = await predicted({ ...shared, parameters: { ...shared.parameters, 'products.gain': gain } }, graph);
    for (const [name, { shape, data }] of after) {
      const base = valuesOf(without, name);
      const added = data.map((value, i) => value - base[i]);
      if (shape.length !== 2) expect(Math.max(...added.map(Math.abs)), name).toBe(0);
      else {
        const mean = added.reduce((sum, value) => sum + value, 0) / added.length;
        const deviation = Math.sqrt(added.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (added.length - 1));
        expect(deviation * Math.sqrt(shape[1]), name).toBeCloseTo(0.5 * 0.6, 3);
      }
    }
  });

  it('are refused with products that nothing is read off for', () => {
    expect(() => hypernetPreset('template-small', { mixture: 'place', lowRank: 4 })).toThrow(
      'mixture should be "embedding", since the products of lowRank are read off it, got "place"',
    );
    expect(() => hypernetPreset('template-small', { lowRank: 0 })).toThrow('lowRank should be a positive integer');
  });

  it('need no encoder when a layer’s place decides the mixture', () => {
    const names = Object.keys(createHypernet({ ...VISION, mixture: 'place' }, createRandom(0)).parameters);
    expect(names.filter((name) => !/^(mixture|templates)\./.test(name))).toEqual([]);
  });

  it('come back from a checkpoint as they were', async () => {
    const own = drawn(VISION);
    const back = fromCheckpoint(await toCheckpoint(own), 'memory');
    expect(back.config).toEqual(VISION);
    for (const [name, tensor] of Object.entries(own.parameters)) {
      expect([...(await back.parameters[name].data())]).toEqual([...(await tensor.data())]);
    }
  });

  it.each([
    [{ templates: 0 }, 'templates should be a positive integer, got 0'],
    [{ rank: -1 }, 'rank should be an integer of at least 0, got -1'],
    [{ tokens: 2.5 }, 'tokens should be a positive integer, got 2.5'],
  ] as const)('refuse %j', (changes, message) => {
    expect(() => hypernetPreset('template-tiny', changes)).toThrow(message);
  });
});
