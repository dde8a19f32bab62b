// Starts in closed form, each by the property it is made for.
import '@logah/backend-ort';
import { buildArchitecture, type Graph, parameterRoles, parseArchitecture } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { createRandom, type Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ABSOLUTE_NOISE,
  CORRELATION_NOISE,
  IMPULSE_POSITION_SCALE,
  randomParameters,
  type TrainedTensor,
  withAbsoluteNoise,
  withCorrelationNoise,
  withDeviations,
  withImpulseAttention,
  withMimeticAttention,
  withModdedNanogptWeights,
  withNanochatWeights,
  withOrthogonalAttention,
  withRandomDraw,
  withSelectedWeights,
} from '../src/index.js';
import { type AttentionLayer, attentionLayers, headRows, type WeightRows } from '../src/starts/attention-layers.js';
import { correlationDeviation } from '../src/starts/noise.js';
import { selectedIndices } from '../src/starts/weight-selection.js';

beforeAll(() => tf.setBackend('ort'));

const graphOf = (text: string): Graph => buildArchitecture(parseArchitecture(text));
const vit = graphOf('vit:layers=2,heads=2,hidden=32,mlp=64,patch=8');
const gpt = graphOf('gpt2:layers=2,heads=2,hidden=32,vocab=40,context=8,tied=false');
const llama = graphOf('llama:layers=2,heads=4,kvHeads=4,hidden=32,mlp=64,vocab=40,context=8,tied=false');
const grouped = graphOf('llama:layers=1,heads=4,kvHeads=2,hidden=32,mlp=64,vocab=40,context=8,tied=false');
const resnet = graphOf('resnet:depth=18');
const bert = graphFromConfig(
  JSON.stringify({
    model_type: 'bert',
    architectures: ['BertForMaskedLM'],
    num_hidden_layers: 1,
    num_attention_heads: 2,
    hidden_size: 32,
    intermediate_size: 64,
    vocab_size: 40,
    max_position_embeddings: 8,
    type_vocab_size: 2,
  }),
  'config.json',
);

type Start<Made = TensorRecord> = (graph: Graph, parameters: TensorRecord, random: Random) => Made;

/** What a start makes of RandInit, both from the seed. */
function started(graph: Graph, start: Start, seed = 1): { random: TensorRecord; start: TensorRecord } {
  const stream = createRandom(seed);
  const random = randomParameters(graph, stream);
  return { random, start: start(graph, random, stream) };
}

/** The same for a start that reads tensors. */
async function startedInTime(
  graph: Graph,
  start: Start<Promise<TensorRecord>>,
): Promise<{ random: TensorRecord; start: TensorRecord }> {
  const stream = createRandom(1);
  const random = randomParameters(graph, stream);
  return { random, start: await start(graph, random, stream) };
}

/** Rows of a weight as a matrix `[count, inputs]`. */
function matrixOf(parameters: TensorRecord, rows: WeightRows): Matrix {
  const { layout, first, count, total, inputs } = rows;
  const values = parameters[rows.parameter].dataSync();
  return new Matrix(
    Array.from({ length: count }, (_, row) =>
      Array.from({ length: inputs }, (__, column) =>
        layout === 'out_in' ? values[(first + row) * inputs + column] : values[column * total + first + row],
      ),
    ),
  );
}
const largest = (matrix: Matrix): number => Math.max(...matrix.to1DArray().map(Math.abs));
const deviationOf = (values: ArrayLike<number>): number => {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
};
const changedNames = (before: TensorRecord, after: TensorRecord): string[] =>
  Object.keys(before).filter((name) => before[name].dataSync().join() !== after[name].dataSync().join());
const outOf = ({ out, name }: AttentionLayer): WeightRows => {
  if (out === undefined) throw new Error(`${name} has no projection`);
  return out;
};
const namesOf = (graph: Graph, ...roles: string[]): string[] =>
  [...parameterRoles(graph)].filter(([, role]) => roles.includes(role)).map(([name]) => name);

describe('every start', () => {
  const teacher = new Map<string, TrainedTensor>(
    vit.parameters.map(({ name, shape }) => {
      const count = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, data: createRandom(9).normals(count, 0, 1) }];
    }),
  );
  const STARTS: ReadonlyArray<
    readonly [name: string, graph: Graph, start: Start<TensorRecord | Promise<TensorRecord>>]
  > = [
    ['withDeviations', vit, (graph, start, random) => withDeviations(graph, start, { attention_key: 1 }, random)],
    ['withMimeticAttention', llama, withMimeticAttention],
    ['withImpulseAttention', vit, withImpulseAttention],
    ['withOrthogonalAttention', gpt, withOrthogonalAttention],
    ['withSelectedWeights', vit, (graph, start) => withSelectedWeights(graph, start, teacher)],
    ['withNanochatWeights', llama, withNanochatWeights],
    ['withModdedNanogptWeights', gpt, withModdedNanogptWeights],
    ['withCorrelationNoise', vit, withCorrelationNoise],
    ['withAbsoluteNoise', vit, withAbsoluteNoise],
    ['withRandomDraw', vit, withRandomDraw],
  ];

  it.each(STARTS)(
    '%s gives every parameter, the same for the same seed, and leaves no other tensor',
    async (_, graph, start) => {
      const given = randomParameters(graph, createRandom(1));
      const before = tf.memory().numTensors;
      const [first, again] = [await start(graph, given, createRandom(2)), await start(graph, given, createRandom(2))];
      expect(tf.memory().numTensors - before).toBe(2 * graph.parameters.length);
      for (const { name, shape } of graph.parameters) {
        expect(first[name].shape, name).toEqual(shape);
        expect(again[name].dataSync(), name).toEqual(first[name].dataSync());
      }
      expect(changedNames(given, first)).not.toEqual([]);
      tf.dispose([given, first, again].map((record) => Object.values(record)));
    },
  );

  it('makes the caller own its tensors: those given can be freed', () => {
    const given = randomParameters(vit, createRandom(1));
    const start = withMimeticAttention(vit, given, createRandom(2));
    tf.dispose(Object.values(given));
    for (const { name } of vit.parameters) expect(Number.isFinite(start[name].dataSync()[0]), name).toBe(true);
    tf.dispose(Object.values(start));
  });
});

describe('withDeviations', () => {
  it('gives a role the deviation that is asked for, and leaves all else as it was', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 10, noNaN: true }), fc.integer({ min: 0, max: 1000 }), (std, seed) =>
        tf.tidy(() => {
          const { random, start } = started(vit, (graph, p, r) => withDeviations(graph, p, { mlp_in: std }, r), seed);
          expect(changedNames(random, start)).toEqual(namesOf(vit, 'mlp_in'));
          // 2048 values: the deviation's own is 1.6 %.
          for (const name of namesOf(vit, 'mlp_in'))
            expect(Math.abs(deviationOf(start[name].dataSync()) / std - 1)).toBeLessThan(0.08);
        }),
      ),
      { numRuns: 20 },
    );
  });

  it('draws gains of norms about 1, and a deviation of 0 gives the mean', () => {
    tf.tidy(() => {
      const { start } = started(vit, (g, p, r) => withDeviations(g, p, { norm_gain: 0, position: 0 }, r));
      for (const name of namesOf(vit, 'norm_gain')) expect(new Set(start[name].dataSync())).toEqual(new Set([1]));
      expect(new Set(start['encoder.pos_embedding'].dataSync().map(Math.abs))).toEqual(new Set([0]));
    });
  });

  it.each([
    ['a ViT', vit],
    ['a GPT-2', gpt],
  ])('names query, key or value of the packed matrix of %s', (_, graph) => {
    tf.tidy(() => {
      const { random, start } = started(graph, (g, p, r) => withDeviations(g, p, { attention_value: 3 }, r));
      expect(changedNames(random, start)).toEqual(namesOf(graph, 'attention_qkv'));
      for (const { query, key, value } of attentionLayers(graph)) {
        expect(deviationOf(matrixOf(start, value).to1DArray())).toBeGreaterThan(2.7);
        for (const rows of [query, key])
          expect(matrixOf(start, rows).to1DArray()).toEqual(matrixOf(random, rows).to1DArray());
      }
    });
  });

  it('names the roles of the graph when it lacks one, and refuses what is no deviation', () => {
    tf.tidy(() => {
      const deviate = (graph: Graph, deviations: Record<string, number>): void => {
        started(graph, (g, p, r) => withDeviations(g, p, deviations, r));
      };
      expect(() => deviate(resnet, { position: 1 })).toThrow(
        /^"resnet18" has no role "position"; it has kernel, norm_gain, norm_bias, .*head/,
      );
      expect(() => deviate(vit, { mlp_gate: 1 })).toThrow(
        /attention_query, attention_key, attention_value; did you mean "mlp_out"\?$/,
      );
      for (const std of [-1, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => deviate(vit, { head: std })).toThrow('the deviation of head should be a number of at least 0');
    });
  });
});

describe('withMimeticAttention', () => {
  it.each([
    ['a ViT', vit],
    ['a GPT-2, stored as [in, out]', gpt],
    ['a Llama', llama],
    ['a BERT', bert],
  ])('gives %s its products: 0.7 Z + 0.7 I of the rank of a head, and −0.4 on the diagonal', (_, graph) => {
    tf.tidy(() => {
      const { random, start } = started(graph, withMimeticAttention);
      for (const layer of attentionLayers(graph)) {
        const { heads, query, key, value } = layer;
        const size = query.inputs / heads;
        for (let head = 0; head < heads; head++) {
          const product = matrixOf(start, headRows(query, head, heads))
            .transpose()
            .mmul(matrixOf(start, headRows(key, head, heads)));
          const { diagonal } = new SingularValueDecomposition(product);
          expect(diagonal[size - 1]).toBeGreaterThan(0.1);
          expect(diagonal[size]).toBeLessThan(1e-5);
          // A like token is looked at more than another one: the best approximation keeps the identity's part in its
          // trace.
          expect(product.trace() / product.rows).toBeGreaterThan(0.3 * (size / query.inputs));
        }
        const product = matrixOf(start, outOf(layer)).mmul(matrixOf(start, value));
        const off = Matrix.sub(product, Matrix.diag(product.diagonal()));
        expect(product.trace() / product.rows).toBeCloseTo(-0.4, 1);
        // Z has variance 1/d, so that 0.4·Z has deviation 0.4/√d.
        expect(deviationOf(off.to1DArray()) * Math.sqrt(product.rows)).toBeCloseTo(0.4, 1);
      }
      expect(new Set(changedNames(random, start).map((name) => parameterRoles(graph).get(name)))).toEqual(
        new Set(
          namesOf(graph, 'attention_qkv').length > 0
            ? ['attention_qkv', 'attention_out']
            : ['attention_query', 'attention_key', 'attention_value', 'attention_out'],
        ),
      );
    });
  });

  it('a head’s product is the best approximation of its rank to 0.7 Z + 0.7 I, Z being the next draw', () => {
    tf.tidy(() => {
      const { start } = started(vit, withMimeticAttention);
      const stream = createRandom(1);
      randomParameters(vit, stream);
      const bound = Math.sqrt(3 / 32);
      const noise = Matrix.from1DArray(32, 32, stream.uniforms(32 * 32, -bound, bound));
      const intended = noise.add(Matrix.eye(32)).mul(0.7);
      const [{ query, key }] = attentionLayers(vit);
      const product = matrixOf(start, headRows(query, 0, 2))
        .transpose()
        .mmul(matrixOf(start, headRows(key, 0, 2)));
      // Eckart and Young: nothing of rank 16 is nearer than what the other singular values leave.
      const left = new SingularValueDecomposition(intended).diagonal.slice(16);
      const least = Math.hypot(...left);
      expect(Matrix.sub(intended, product).norm('frobenius') / least).toBeCloseTo(1, 4);
    });
  });

  it('with one head of the full width, the product of query and key is 0.7 Z + 0.7 I itself', () => {
    const single = graphOf('vit:layers=1,heads=1,hidden=64,mlp=64,patch=16');
    tf.tidy(() => {
      const { start } = started(single, withMimeticAttention);
      const [{ query, key }] = attentionLayers(single);
      const product = matrixOf(start, query).transpose().mmul(matrixOf(start, key));
      const noise = Matrix.sub(product, Matrix.eye(64).mul(0.7)).div(0.7);
      // Uniform in ±√(3/d): bounded, and of variance 1/d.
      expect(largest(noise)).toBeLessThanOrEqual(Math.sqrt(3 / 64) + 1e-4);
      expect(deviationOf(noise.to1DArray()) * 8).toBeCloseTo(1, 1);
    });
  });

  it('is refused where heads share keys, and without attention', () => {
    tf.tidy(() => {
      expect(() => started(grouped, withMimeticAttention)).toThrow(
        '(kvHeads=4); "orthogonal-attention" and "random" fit',
      );
      expect(() => started(resnet, withMimeticAttention)).toThrow(
        '"mimetic" is a start for attention, and "resnet18" has none: use it for a transformer',
      );
    });
  });
});

describe('withImpulseAttention', () => {
  // 16 patches: a head of 16 features holds their whole map.
  const grid = graphOf('vit:layers=1,heads=9,hidden=144,mlp=144,patch=8');
  const OFFSETS = [4, 1, 5, 3, 7, 0, 2, 6, 8].map((n) => [Math.floor(n / 3) - 1, (n % 3) - 1] as const);
  it('every head’s attention between positions is largest at its neighbour, where that is in the image', () => {
    tf.tidy(() => {
      const { start } = started(grid, withImpulseAttention);
      const [{ query, key, heads }] = attentionLayers(grid);
      const positions = tf.slice(tf.squeeze<tf.Tensor2D>(start['encoder.pos_embedding'], [0]), [1, 0]);
      const { mean, variance } = tf.moments(positions, 1, true);
      const normed = new Matrix(tf.div(tf.sub(positions, mean), tf.sqrt(variance)).arraySync() as number[][]);
      OFFSETS.forEach(([down, right], head) => {
        const [q, k] = [query, key].map((rows) => matrixOf(start, headRows(rows, head, heads)));
        for (const factor of [q, k]) expect(factor.norm('frobenius')).toBeCloseTo(7, 3);
        const logits = normed.mmul(q.transpose()).mmul(normed.mmul(k.transpose()).transpose());
        for (let patch = 0; patch < 16; patch++) {
          const [y, x] = [Math.floor(patch / 4) + down, (patch % 4) + right];
          if (y < 0 || y > 3 || x < 0 || x > 3) continue;
          const row = logits.getRow(patch);
          expect(row.indexOf(Math.max(...row)), `head ${head}, patch ${patch}`).toBe(4 * y + x);
          const rest = row.filter((_, i) => i !== 4 * y + x);
          expect(row[4 * y + x]).toBeGreaterThan(5 * Math.max(...rest.map(Math.abs)));
        }
      });
    });
  });

  it('makes the positional encoding 18 times as large, or as much as is said', () => {
    tf.tidy(() => {
      for (const scale of [IMPULSE_POSITION_SCALE, 1]) {
        const { random, start } = started(grid, (g, p, r) => withImpulseAttention(g, p, r, scale));
        const [before, after] = [random, start].map((p) => deviationOf(p['encoder.pos_embedding'].dataSync()));
        expect(after / before).toBeCloseTo(scale, 4);
      }
    });
  });

  it('has mimetic values, and leaves the rest alone', () => {
    tf.tidy(() => {
      const { random, start } = started(grid, withImpulseAttention);
      const [layer] = attentionLayers(grid);
      const product = matrixOf(start, outOf(layer)).mmul(matrixOf(start, layer.value));
      expect(product.trace() / product.rows).toBeCloseTo(-0.4, 1);
      expect(changedNames(random, start)).toEqual(namesOf(grid, 'position', 'attention_qkv', 'attention_out'));
    });
  });

  it('is refused by what is not cut into patches, saying what fits', () => {
    tf.tidy(() => {
      for (const graph of [gpt, resnet, bert])
        expect(() => started(graph, withImpulseAttention)).toThrow(
          `square grid of patches, and "${graph.name}" has no patch embedding: use it for a vit, or "mimetic" here`,
        );
    });
  });
});

describe('withOrthogonalAttention', () => {
  it.each([
    ['a ViT', vit],
    ['a GPT-2, stored as [in, out]', gpt],
    ['a Llama whose heads share keys', grouped],
    ['a BERT', bert],
  ])('gives each head of %s an orthonormal query and key, and the layer a rectangular identity', async (_, graph) => {
    const { start } = await startedInTime(graph, withOrthogonalAttention);
    tf.tidy(() => {
      for (const { query, key, value, heads, keyValueHeads } of attentionLayers(graph)) {
        for (const [rows, count] of [
          [query, heads],
          [key, keyValueHeads],
        ] as const) {
          for (let head = 0; head < count; head++) {
            const matrix = matrixOf(start, headRows(rows, head, count));
            const gram = matrix.mmul(matrix.transpose());
            expect(largest(gram.sub(Matrix.eye(gram.rows)))).toBeLessThan(1e-6);
          }
        }
        expect(matrixOf(start, value).to2DArray()).toEqual(Matrix.eye(value.count, value.inputs).to2DArray());
      }
    });
  });

  it('is refused without attention', async () => {
    await expect(startedInTime(resnet, withOrthogonalAttention)).rejects.toThrow('or "orthogonal" here');
  });
});

describe('withSelectedWeights', () => {
  /** A trained network whose every entry says where it is. */
  const trained = (graph: Graph): Map<string, TrainedTensor> =>
    new Map(
      graph.parameters.map(({ name, shape }) => [
        name,
        { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i) },
      ]),
    );
  const select = (graph: Graph, from: ReadonlyMap<string, TrainedTensor>) =>
    started(graph, (g, parameters) => withSelectedWeights(g, parameters, from));

  it('takes every n-th index where sizes divide, else those of round(linspace)', () => {
    expect(selectedIndices(8, 4)).toEqual([0, 2, 4, 6]);
    // torch.round(torch.linspace(0, 9, 4)), and a half that goes to the even side: linspace(0, 5, 3) = 0, 2.5, 5.
    expect(selectedIndices(10, 4)).toEqual([0, 3, 6, 9]);
    expect(selectedIndices(6, 4)).toEqual([0, 2, 3, 5]);
    expect(selectedIndices(7, 5)).toEqual([0, 2, 3, 4, 6]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 200 }), (smaller, more) => {
        const larger = smaller + more;
        const indices = selectedIndices(larger, smaller);
        expect(new Set(indices).size).toBe(smaller);
        expect(indices[0]).toBe(0);
        expect(Math.max(...indices)).toBeLessThan(larger);
        expect([...indices].sort((a, b) => a - b)).toEqual(indices);
      }),
    );
  });

  it('gives the exact entries, axis by axis, of the first layers; the head stays', () => {
    const large = graphOf('vit:layers=3,heads=2,hidden=64,mlp=96,patch=8,classes=100');
    tf.tidy(() => {
      const { random, start } = select(vit, trained(large));
      const kernel = start['conv_proj.weight'].dataSync();
      // [64, 3, 8, 8] to [32, 3, 8, 8]: every second kernel, whole.
      for (const out of [0, 1, 31]) expect(kernel[out * 192 + 5]).toBe(2 * out * 192 + 5);
      // [96, 64] to [64, 32]: rows by linspace, columns every second.
      const mlp = start['encoder.layers.encoder_layer_1.mlp.0.weight'].dataSync();
      const rows = selectedIndices(96, 64);
      for (const [row, column] of [
        [0, 0],
        [1, 3],
        [40, 17],
        [63, 31],
      ])
        expect(mlp[row * 32 + column]).toBe(rows[row] * 64 + 2 * column);
      expect(rows).not.toEqual(rows.map((_, i) => i));
      for (const name of ['heads.head.weight', 'heads.head.bias'])
        expect(start[name].dataSync()).toEqual(random[name].dataSync());
    });
  });

  it('of the same network is that network, but for the head', () => {
    tf.tidy(() => {
      const { random, start } = select(gpt, trained(gpt));
      for (const [name, { data }] of trained(gpt))
        expect(start[name].dataSync(), name).toEqual(name === 'lm_head.weight' ? random[name].dataSync() : data);
    });
  });

  it('is refused by what does not fit, saying what would', () => {
    tf.tidy(() => {
      expect(() => select(vit, trained(graphOf('vit:layers=2,heads=2,hidden=16,mlp=64,patch=8')))).toThrow(
        '"conv_proj.weight" is [16, 3, 8, 8] in the trained network and [32, 3, 8, 8] here: ' +
          'weights are selected from a network at least as large in every axis',
      );
      expect(() => select(vit, trained(graphOf('vit:layers=1,heads=2,hidden=64,mlp=64,patch=8')))).toThrow(
        'no tensor "encoder.layers.encoder_layer_1.ln_1.weight": it should have at least as many layers',
      );
      expect(() => select(vit, trained(gpt))).toThrow(
        'the trained network is of another family or has other names than "vit": it has transformer.wte.weight, ',
      );
      expect(() => select(gpt, trained(graphOf('gpt2:layers=2,heads=2,hidden=64,vocab=80,context=8')))).toThrow(
        'both want the same vocabulary (vocab=80)',
      );
      const flat = trained(vit).set('class_token', { shape: [32], data: new Float32Array(32) });
      expect(() => select(vit, flat)).toThrow(
        '"class_token" is [32] in the trained network and [1, 1, 32] here: layouts',
      );
    });
  });
});

describe('starts of GPTs', () => {
  const wide = graphOf('gpt2:layers=1,heads=2,hidden=64,vocab=90,context=8,tied=false');
  const gated = graphOf('llama:layers=1,heads=4,kvHeads=2,hidden=64,mlp=128,vocab=90,context=8,tied=false');
  const check = (graph: Graph, start: Start, stds: Record<string, number>): void =>
    tf.tidy(() => {
      const made = started(graph, start);
      for (const [role, std] of Object.entries(stds)) {
        const names = namesOf(graph, role);
        expect(names, role).not.toEqual([]);
        for (const name of names) {
          const values = made.start[name].dataSync();
          if (std === 0) expect(Math.max(...values.map(Math.abs)), name).toBe(0);
          else expect(deviationOf(values) / std, name).toBeCloseTo(1, 1);
        }
      }
    });

  it('nanochat’s: role by role', () => {
    const common = { token_embedding: 0.8, attention_out: 0, mlp_in: 0.4 / 8, mlp_out: 0, head: 0.001 };
    check(wide, withNanochatWeights, { ...common, attention_qkv: 1 / 8 });
    check(gated, withNanochatWeights, { ...common, attention_query: 1 / 8, attention_key: 1 / 8, mlp_gate: 0.05 });
  });

  it('modded-nanogpt’s: role by role', () => {
    const common = { token_embedding: 1, attention_out: 0, mlp_in: 0.5 / 8, mlp_out: 0, head: 0 };
    check(wide, withModdedNanogptWeights, { ...common, attention_qkv: 0.5 / 8 });
    check(gated, withModdedNanogptWeights, { ...common, attention_value: 0.5 / 8, mlp_gate: 0.5 / 8 });
  });

  it('draw matrices uniformly, within √3 deviations', () => {
    tf.tidy(() => {
      const { start } = started(wide, withNanochatWeights);
      const [name] = namesOf(wide, 'attention_qkv');
      const most = Math.max(...start[name].dataSync().map(Math.abs));
      expect(most).toBeLessThanOrEqual(Math.sqrt(3) / 8);
      expect(most).toBeGreaterThan((0.99 * Math.sqrt(3)) / 8);
    });
  });

  it('are refused by what is no causal language model, and by a head that shares the embedding', () => {
    tf.tidy(() => {
      for (const [name, start] of [
        ['nanochat', withNanochatWeights],
        ['modded-nanogpt', withModdedNanogptWeights],
      ] as const) {
        for (const graph of [vit, bert, resnet])
          expect(() => started(graph, start)).toThrow(
            `"${name}" is a start for causal language models (gpt2, llama), and "${graph.name}" is none`,
          );
        const tied = graphOf('gpt2:layers=1,heads=2,hidden=16,vocab=11,context=8');
        expect(() => started(tied, start)).toThrow('shares one table for both: use tied=false');
      }
    });
  });
});

describe('noise', () => {
  /** numpy's and torch's corrcoef, entry by entry. */
  function correlations(rows: readonly number[][]): number[] {
    const standard = rows.map((row) => {
      const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
      const length = Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0));
      return row.map((value) => (value - mean) / length);
    });
    return standard.flatMap((a) => standard.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0)));
  }

  it('the deviation of correlations is that of the correlation matrix, of rows or columns, whichever are more', async () => {
    const sizes = fc.integer({ min: 3, max: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, sizes, fc.integer({ min: 0, max: 1000 }), async (rows, columns, seed) => {
        const tensor = tf.tensor2d(createRandom(seed).normals(rows * columns, 1, 2), [rows, columns]);
        const matrix = (rows >= columns ? tensor : tf.transpose(tensor)).arraySync() as number[][];
        const entries = correlations(matrix);
        const expected = deviationOf(entries) * Math.sqrt(entries.length / (entries.length - 1));
        const before = tf.memory().numTensors;
        expect(await correlationDeviation(tensor)).toBeCloseTo(expected, 4);
        expect(tf.memory().numTensors).toBe(before);
      }),
    );
  });

  const noiseOf = (before: TensorRecord, after: TensorRecord, name: string): number =>
    tf.tidy(() => deviationOf(tf.sub(after[name], before[name]).dataSync()));

  it('of ppuda is β·std(corrcoef(W)) on weights and embeddings, but for the last layer’s', async () => {
    for (const [graph, noisy] of [
      [vit, ['patch_embedding', 'attention_qkv', 'attention_out', 'mlp_in', 'mlp_out']],
      [gpt, ['token_embedding', 'position', 'attention_qkv', 'attention_out', 'mlp_in', 'mlp_out']],
    ] as const) {
      for (const beta of [CORRELATION_NOISE, 3e-3]) {
        const { random, start } = await startedInTime(graph, (g, p, r) => withCorrelationNoise(g, p, r, beta));
        expect(changedNames(random, start).sort()).toEqual(namesOf(graph, ...noisy).sort());
        for (const name of namesOf(graph, 'mlp_in', 'attention_qkv'))
          expect(noiseOf(random, start, name) / (beta * (await correlationDeviation(random[name])))).toBeCloseTo(1, 1);
      }
    }
  });

  it('in absolute numbers has its deviation on weights of layers, but for the class layer’s', () => {
    tf.tidy(() => {
      const { random, start } = started(vit, withAbsoluteNoise);
      for (const name of namesOf(vit, 'mlp_in', 'patch_embedding'))
        expect(noiseOf(random, start, name) / ABSOLUTE_NOISE).toBeCloseTo(1, 1);
      for (const name of ['heads.head.weight', 'encoder.pos_embedding', 'encoder.ln.weight', 'conv_proj.bias'])
        expect(noiseOf(random, start, name), name).toBe(0);
    });
  });

  it('of a random draw is that draw times its factor; gains of norms stay', () => {
    tf.tidy(() => {
      const given = randomParameters(vit, createRandom(1));
      const draw = randomParameters(vit, createRandom(2));
      const sum = withRandomDraw(vit, given, createRandom(2), 0.5);
      const roles = parameterRoles(vit);
      for (const { name } of vit.parameters) {
        const expected = roles.get(name) === 'norm_gain' ? given[name] : tf.add(given[name], tf.mul(draw[name], 0.5));
        expect(sum[name].dataSync(), name).toEqual(expected.dataSync());
      }
    });
  });
});
