// What the page computes without a browser.
import { buildArchitecture, parseArchitecture, vitTensors } from '@logah/graph-ir';
import type { DType, Header, TensorInfo } from '@logah/safetensors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestRates, TRIED } from '../src/best-rates.js';
import { DIGIT_PIXELS, DIGIT_SIDE, readDigits, TEST_DIGITS, TRAIN_DIGITS } from '../src/digit-file.js';
import { predictCommand } from '../src/page/command.js';
import { centred } from '../src/page/digit-pad.js';
import { nameOfFiles } from '../src/page/dropped-files.js';
import { PRESET_GROUPS, sizeControls, withSize } from '../src/page/network-choice.js';
import { short } from '../src/page/numbers.js';
import { scoresOf } from '../src/page/scores.js';
import { formatState, type PageState, parseState } from '../src/page/state.js';
import { farthest } from '../src/worker/farthest.js';
import type { StartName } from '../src/worker/protocol.js';
import { architectureOf } from '../src/worker/safetensors-architecture.js';

const USUAL: PageState = {
  network: 'vit-s',
  file: '',
  view: 'network',
  open: [],
  openRead: [],
  hypernet: '',
  seed: 0,
  layers: 3,
  width: 48,
  steps: 100,
  rate: 'best',
};

describe('a link', () => {
  const folds = fc.oneof(fc.constant('all' as const), fc.array(fc.nat(), { minLength: 1 }), fc.constant([]));
  const states = fc.record<PageState>({
    network: fc.string({ minLength: 1 }),
    file: fc.string(),
    view: fc.constantFrom('network', 'computational', 'distances'),
    open: folds,
    openRead: folds,
    hypernet: fc.string(),
    seed: fc.maxSafeNat(),
    layers: fc.integer({ min: 1, max: 8 }),
    width: fc.integer({ min: 6, max: 32 }).map((quarter) => 4 * quarter),
    steps: fc.integer({ min: 1, max: 200 }),
    rate: fc.oneof(fc.constant('best' as const), fc.double({ min: 1e-6, max: 1, noNaN: true })),
  });

  it('holds every state', () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(parseState(`#${formatState(state, USUAL)}`, USUAL)).toEqual(state);
      }),
    );
  });

  it('is short and readable, and what makes no sense in it is left out', () => {
    expect(formatState({ ...USUAL, network: 'vit:layers=3,heads=4', seed: 2 }, USUAL)).toBe(
      'network=vit:layers=3,heads=4&seed=2',
    );
    expect(formatState(USUAL, USUAL)).toBe('');
    expect(parseState('#view=upside-down&seed=-1&steps=many&rate=0&open=a,b', USUAL)).toEqual(USUAL);
  });
});

describe('numbers of a link', () => {
  const numbers = (hash: string) => {
    const { seed, layers, width, steps, rate } = parseState(hash, USUAL);
    return { seed, layers, width, steps, rate };
  };

  it.each([
    ['#layers=40&width=48&steps=20', { layers: 8, width: 48, steps: 20 }],
    ['#layers=100&width=47', { layers: 8, width: 48 }],
    ['#layers=0&width=1&steps=0', { layers: 1, width: 24, steps: 1 }],
    ['#layers=2.4&width=1e9&steps=1e9&rate=1e9', { layers: 2, width: 128, steps: 200, rate: 1 }],
    ['#seed=9007199254740993', { seed: Number.MAX_SAFE_INTEGER }],
    ['#seed=-7&steps=-Infinity', { seed: 0, steps: 1 }],
    ['#seed=&layers=%20&width=wide', {}],
  ])('%s are those of the fields', (hash, wanted) => {
    const { seed, layers, width, steps, rate } = USUAL;
    expect(numbers(hash)).toEqual({ seed, layers, width, steps, rate, ...wanted });
  });

  it('are always ones that the fields have', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (first, second) => {
        const { seed, layers, width, steps } = numbers(
          `#seed=${first}&layers=${second}&width=${first}&steps=${second}`,
        );
        expect([seed, layers, width, steps].every(Number.isSafeInteger)).toBe(true);
        expect(seed).toBeGreaterThanOrEqual(0);
        expect(layers >= 1 && layers <= 8 && steps >= 1 && steps <= 200).toBe(true);
        expect(width >= 24 && width <= 128 && width % 4).toBe(0);
      }),
    );
  });
});

describe('the command for a network', () => {
  it('is one that a shell takes as it is', () => {
    expect(predictCommand('vit-s:patch=4', 'vits-cifar10', 3)).toBe(
      'npx logah predict vit-s:patch=4 --checkpoint vits-cifar10 --seed 3 --out network.safetensors',
    );
    expect(predictCommand("it's mine.onnx", 'untrained', 0)).toBe(
      "npx logah predict 'it'\\''s mine.onnx' --untrained --out network.safetensors",
    );
  });
});

describe('files that were dropped together', () => {
  it('are called by their folder, or by their names', () => {
    expect(nameOfFiles([{ path: 'dense/model.json' }, { path: 'dense/a/weights.bin' }])).toBe('dense/');
    expect(nameOfFiles([{ path: 'a.onnx' }, { path: 'a.onnx.data' }])).toBe('a.onnx, a.onnx.data');
  });
});

const presets = PRESET_GROUPS.flatMap((group) => group.presets.map(({ text }) => text));

describe('sizes', () => {
  it.each(presets)('of %s are all of networks that exist', (preset) => {
    const controls = sizeControls(preset);
    expect(controls.length).toBeGreaterThan(0);
    for (const { key, value, values } of controls) {
      expect(values).toContain(value);
      // The first, the last and one between: a network of every width would take minutes.
      for (const stop of [values[0], values[values.length >> 1], values[values.length - 1]]) {
        // The largest Llamas need no more than their description.
        const changed = withSize(preset, key, stop);
        expect(parseArchitecture(changed)).toMatchObject({ [key]: stop });
        if (!/^(llama|gpt2)/.test(preset)) expect(() => buildArchitecture(parseArchitecture(changed))).not.toThrow();
      }
    }
  });

  it('keeps the ratio of the MLP', () => {
    expect(withSize('vit:layers=3,heads=4,hidden=48,mlp=192,patch=8', 'hidden', 64)).toContain('hidden=64,mlp=256');
  });
});

describe('rates', () => {
  it('are those of the steps that were measured, also between and beyond them', () => {
    expect(bestRates(20).rates.predicted).toBeLessThan(bestRates(100).rates.predicted);
    expect(bestRates(1)).toEqual(bestRates(20));
    expect(bestRates(99)).toEqual(bestRates(50));
    expect(bestRates(1000)).toEqual(bestRates(100));
    for (const steps of [20, 50, 100])
      for (const rate of Object.values(bestRates(steps).rates)) expect(TRIED).toContain(rate);
  });
});

describe('scores of starts that are trained side by side', () => {
  const point = (start: StartName, step: number, accuracy: number | null) => ({ start, step, loss: 1, accuracy });

  it('are all of one step, the last at which every start was scored', () => {
    const points = [
      point('predicted', 0, 0.9),
      point('random', 0, 0.1),
      point('predicted', 10, 0.91),
      point('random', 10, 0.3),
      point('predicted', 11, null),
      point('predicted', 20, 0.92),
    ];
    const { step, of } = scoresOf(points, ['predicted', 'random']);
    expect(step).toBe(10);
    expect([of('predicted'), of('random')]).toEqual([
      { untrained: 0.9, trained: 0.91 },
      { untrained: 0.1, trained: 0.3 },
    ]);
  });

  it('are not there before one was', () => {
    const { step, of } = scoresOf([point('predicted', 0, 0.9)], ['predicted', 'random']);
    expect([step, of('random')]).toEqual([0, { untrained: null, trained: null }]);
  });
});

describe('a number', () => {
  it('has a space before its unit, whether that is a thousand or one', () => {
    expect([24, 999, 1000, 1_234_567, 4.58e9].map((value) => short(value, 'FLOP'))).toEqual([
      '24 FLOP',
      '999 FLOP',
      '1 kFLOP',
      '1.23 MFLOP',
      '4.58 GFLOP',
    ]);
  });
});

describe('two predictions', () => {
  const one = new Map([
    ['a', Float32Array.of(1, -4)],
    ['b', Float32Array.of(0.5)],
  ]);

  it('are as far apart as their farthest values, on the scale of a tensor with values above 1', () => {
    expect(farthest(one, one)).toBe(0);
    expect(farthest(one, new Map([...one, ['b', Float32Array.of(0.25)]]))).toBe(0.25);
    expect(farthest(one, new Map([...one, ['a', Float32Array.of(1, -6)]]))).toBe(0.5);
  });

  it('are no distance apart that passes for a small one where a value is missing or not a number', () => {
    for (const wrong of [Float32Array.of(1), Float32Array.of(1, Number.NaN)])
      expect(farthest(one, new Map([...one, ['a', wrong]]))).toBeNaN();
    expect(farthest(one, new Map())).toBeNaN();
  });
});

describe('a drawing', () => {
  it('is scaled to 20 pixels and centred, as MNIST has digits', () => {
    // A stroke from top to bottom, near the left edge.
    const grey = new Uint8Array(280 * 280);
    for (let y = 20; y < 260; y++) for (let x = 10; x < 30; x++) grey[y * 280 + x] = 255;
    const digit = centred(grey, 280) ?? new Uint8Array();
    expect(digit).toHaveLength(DIGIT_PIXELS);
    const rows = Array.from({ length: DIGIT_SIDE }, (_, y) => digit.subarray(y * DIGIT_SIDE, (y + 1) * DIGIT_SIDE));
    const filled = rows.flatMap((row, y) => (row.some((value) => value > 127) ? [y] : []));
    expect([filled[0], filled.at(-1)]).toEqual([4, 23]);
    const columns = [...rows[14]].flatMap((value, x) => (value > 0 ? [x] : []));
    expect((columns[0] + (columns.at(-1) ?? 0)) / 2).toBe(13.5);
  });

  it('of nothing is no digit', () => {
    expect(centred(new Uint8Array(100), 10)).toBeUndefined();
  });
});

describe('the file of digits', () => {
  it('is refused when it is cut short', () => {
    const size = (TEST_DIGITS + TRAIN_DIGITS) * (1 + DIGIT_PIXELS);
    expect(readDigits(new Uint8Array(size)).test.pixels).toHaveLength(TEST_DIGITS * DIGIT_PIXELS);
    expect(() => readDigits(new Uint8Array(size - 1))).toThrow(`${size} bytes are wanted, got ${size - 1}`);
  });
});

describe('a safetensors file', () => {
  const headerOf = (architecture: string, metadata: Record<string, string> = {}): Header => ({
    metadata,
    dataOffset: 0,
    tensors: new Map(
      buildArchitecture(parseArchitecture(architecture)).parameters.map(({ name, shape }): [string, TensorInfo] => [
        name,
        { dtype: 'F32' satisfies DType, shape: [...shape], begin: 0, end: 0 },
      ]),
    ),
  });

  it('is of the architecture that its metadata names', () => {
    const text = 'vit:layers=2,heads=4,hidden=48,mlp=192,patch=8';
    expect(architectureOf(headerOf(text, { architecture: text }), 'x').text).toBe(text);
  });

  it.each([
    'vit:layers=2,heads=1,hidden=64,mlp=100,patch=8,classes=7',
    'gpt2:layers=3,heads=2,hidden=128,vocab=99,context=16',
  ])('of %s is known by its tensors, with heads of 64 features', (architecture) => {
    const { text, assumed } = architectureOf(headerOf(architecture), 'x');
    expect(parseArchitecture(text)).toEqual(parseArchitecture(architecture));
    expect(assumed.join()).toContain('heads');
  });

  it.each(['timm', 'transformers'] as const)('with the names of %s is read, and one tensor less is not', (naming) => {
    const architecture = 'vit:layers=2,heads=4,hidden=48,mlp=192,patch=8';
    const graph = buildArchitecture(parseArchitecture(architecture));
    const tensors = [...vitTensors(graph, naming).values()]
      .flat()
      .map(({ name, shape }): [string, TensorInfo] => [name, { dtype: 'F32', shape: [...shape], begin: 0, end: 0 }]);
    const header = (own: typeof tensors): Header => ({
      metadata: { architecture },
      dataOffset: 0,
      tensors: new Map(own),
    });
    expect(architectureOf(header(tensors), 'x').text).toBe(architecture);
    expect(() => architectureOf(header(tensors.slice(1)), 'x')).toThrow('does not fit');
  });

  it('of something else is refused by name', () => {
    expect(() => architectureOf(headerOf('resnet18'), 'mine.safetensors')).toThrow(
      'mine.safetensors: its tensors are not',
    );
    expect(() => architectureOf(headerOf('vit-s', { format: 'logah' }), 'h.safetensors')).toThrow('a hypernetwork');
    const of = { architecture: 'llama/config.json' };
    expect(() =>
      architectureOf(headerOf('llama:layers=1,heads=2,kvHeads=2,hidden=16,mlp=32,vocab=9', of), 'l.safetensors'),
    ).toThrow('l.safetensors: holds parameters for the network in llama/config.json, and not the network itself');
    for (const architecture of ['vit-z', 'vit:layers=0', 'vit-s:patch=5'])
      expect(() => architectureOf(headerOf('vit-s', { architecture }), 'bad.safetensors')).toThrow(
        `bad.safetensors: its metadata says the architecture "${architecture}": `,
      );
    const lying = headerOf('vit-s', { architecture: 'vit-b' });
    expect(() => architectureOf(lying, 'mine.safetensors')).toThrow('"conv_proj.weight" does not fit');
  });
});
