// What the page computes without a browser.

import { buildArchitecture, formatArchitecture, parseArchitecture, vitTensors } from '@logah/graph-ir';
import type { DType, Header, TensorInfo } from '@logah/safetensors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestRates, TRIED } from '../src/best-rates.js';
import { DIGIT_PIXELS, DIGIT_SIDE, readDigits, TEST_DIGITS, TRAIN_DIGITS } from '../src/digit-file.js';
import { short, withArticle } from '../src/numbers.js';
import { predictCommand } from '../src/page/command.js';
import { centred } from '../src/page/digit-pad.js';
import { nameOfFiles } from '../src/page/dropped-files.js';
import { labelOf, PRESET_GROUPS, sizeControls, withSize } from '../src/page/network-choice.js';
import { firstScale, fitScale } from '../src/page/picture-scale.js';
import { scoresOf, stoppedAfter } from '../src/page/scores.js';
import { formatState, type PageState, parseLink, toggled, withNetworkOf } from '../src/page/state.js';
import { farthest } from '../src/worker/farthest.js';
import { modelAmong, roleOf } from '../src/worker/model-among.js';
import { pictureOf } from '../src/worker/picture.js';
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
    file: fc.constant(''),
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

  it('holds every state of a network, and of a file', () => {
    fc.assert(
      fc.property(states, fc.string(), (state, file) => {
        for (const own of [state, { ...state, network: USUAL.network, file }])
          expect(parseLink(`#${formatState(own, USUAL)}`, USUAL)).toEqual({ state: own, untaken: [] });
      }),
    );
  });

  it.each([
    [
      '#seed=-3&rate=5&layers=99',
      ['seed=-3: a whole number', 'layers=99: a whole number from 1 to 8', 'rate=5: "best"'],
    ],
    [
      '#seed=&seed=2&steps=many&width=47',
      ['seed=: a', 'seed=: it is there more', 'steps=many: a', 'width=47: a multiple'],
    ],
    ['#view=upside-down&open=a,b&openRead=-1', ['openRead=-1: "all"', 'open=a,b: "all"', 'view=upside-down: network,']],
    ['#sed=3&toString=1&rate=0', ['sed=3: no link', 'toString=1: no link', 'rate=0: "best"']],
    ['#network=gpt2&file=a.onnx', ['network=gpt2: the link is of a file, a.onnx']],
    ['#network=', ['network=: the name of one']],
  ])('%s says what of it was not taken', (hash, wanted) => {
    const { state, untaken } = parseLink(hash, USUAL);
    expect(untaken).toHaveLength(wanted.length);
    for (const start of wanted) expect(untaken.some((text) => text.startsWith(start))).toBe(true);
    // What is shown then is a link of which all is taken.
    expect(parseLink(`#${formatState(state, USUAL)}`, USUAL)).toEqual({ state, untaken: [] });
  });

  it.each(['', '#', '#predict', '#seed=7&rate=best&layers=%208', '#view=distances&open=all&steps=1e2'])(
    '"%s" is taken whole',
    (hash) => {
      expect(parseLink(hash, USUAL).untaken).toEqual([]);
    },
  );

  it('to another network keeps what is not of a network', () => {
    fc.assert(
      fc.property(states, states, (current, earlier) => {
        const { network, seed, steps } = withNetworkOf(current, earlier);
        expect([network, seed, steps]).toEqual([earlier.network, current.seed, current.steps]);
      }),
    );
  });

  it('is short and readable, and what makes no sense in it is left out', () => {
    expect(formatState({ ...USUAL, network: 'vit:layers=3,heads=4', seed: 2 }, USUAL)).toBe(
      'network=vit:layers=3,heads=4&seed=2',
    );
    expect(formatState(USUAL, USUAL)).toBe('');
    expect(parseLink('#view=upside-down&seed=-1&steps=many&rate=0&open=a,b', USUAL).state).toEqual(USUAL);
  });
});

describe('numbers of a link', () => {
  const numbers = (hash: string) => {
    const { seed, layers, width, steps, rate } = parseLink(hash, USUAL).state;
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

describe('the network among files', () => {
  const among = (...files: ReadonlyArray<string | readonly [path: string, text: string]>): string =>
    modelAmong(
      files.map((file) => {
        const [path, text] = typeof file === 'string' ? [file, undefined] : file;
        return { path, role: roleOf(path, text) };
      }),
    ).path;
  const config = (path: string) => [path, '{"model_type": "gpt2"}'] as const;
  const tfjs = (path: string) => [path, '{"modelTopology": {}}'] as const;
  const other = (path: string) => [path, '{"operators": 5}'] as const;

  it('is one with what belongs to it', () => {
    expect(among('a.onnx', 'a.onnx.data', 'b.bin')).toBe('a.onnx');
    expect(among('f/group1-shard1of1.bin', tfjs('f/model.json'))).toBe('f/model.json');
    expect(among('f/model.safetensors', other('f/vocab.json'), config('f/config.json'))).toBe('f/config.json');
    expect(among(config('f/config.json'), 'f/onnx/model.onnx')).toBe('f/onnx/model.onnx');
    expect(among('m-00001-of-00002.safetensors', 'm-00002-of-00002.safetensors')).toBe('m-00001-of-00002.safetensors');
    expect(among('a.safetensors', other('tokenizer.json'))).toBe('a.safetensors');
    expect(among('x.txt', other('my.graph.json'))).toBe('my.graph.json');
  });

  it('says what else describes one, and is taken for its own', () => {
    const roles = ['f/model.onnx', 'f/model.safetensors', 'f/a.bin'].map((path) => ({ path, role: roleOf(path) }));
    expect(modelAmong(roles)).toEqual({ path: 'f/model.onnx', beside: ['f/model.safetensors'] });
    expect(modelAmong(roles.slice(1))).toEqual({ path: 'f/model.safetensors', beside: [] });
  });

  it.each([
    ['two networks were dropped, a.json and b.json; drop one', [config('a.json'), config('b.json')]],
    ['two networks were dropped, config.json and config.json;', [config('config.json'), config('config.json')]],
    ['two networks were dropped, a.onnx and b/c.onnx; drop one', ['a.onnx', 'b/c.onnx']],
    ['two networks were dropped, a.onnx and model.json; drop one', ['a.onnx', tfjs('model.json')]],
    ['two networks were dropped, a/model.json and b/config.json;', [config('b/config.json'), tfjs('a/model.json')]],
    [
      'three networks were dropped, a.safetensors, b.safetensors and c.safetensors;',
      ['a', 'b', 'c'].map((of) => `${of}.safetensors`),
    ],
    [
      'two networks were dropped, g.json and h.json;',
      ['g.json', 'h.json'].map((path) => [path, '{"format":"logah-graph"}'] as const),
    ],
    ['notes.txt: not a network', ['notes.txt']],
  ])('is not silently one of several: %s', (message, files) => {
    expect(() => among(...files)).toThrow(message);
  });
});

describe('a picture', () => {
  const sizes = fc.record({ width: fc.integer({ min: 1, max: 5000 }), height: fc.integer({ min: 1, max: 20_000 }) });

  it('that fits is within its room, and touches it where it is not as large as it was drawn', () => {
    fc.assert(
      fc.property(sizes, sizes, (picture, room) => {
        const scale = fitScale(picture, room);
        expect(scale).toBeLessThanOrEqual(1);
        const [x, y] = [room.width - scale * picture.width, room.height - scale * picture.height];
        expect(Math.min(x, y)).toBeGreaterThan(-1e-9 * 20_000);
        if (scale < 1) expect(Math.min(x, y)).toBeCloseTo(0);
      }),
    );
  });

  it('shows its whole width at first', () => {
    expect(firstScale({ width: 339, height: 1500 }, { width: 346, height: 400 })).toBeCloseTo(346 / 339);
    expect(firstScale({ width: 339, height: 1500 }, { width: 900, height: 600 })).toBe(1.2);
  });

  it('knows where blocks are that are drawn once, and those that are open', () => {
    const graph = buildArchitecture(parseArchitecture('resnet50'));
    const picture = (open: readonly number[] | 'all') => pictureOf(graph, { view: 'network', open, width: 300 });
    const folded = picture([]);
    expect(folded.blocks.length).toBeGreaterThan(1);
    const [, second] = folded.blocks;
    const opened = picture([second.origin]);
    const of = ({ blocks }: typeof folded) => blocks.find(({ origin }) => origin === second.origin);
    expect(of(opened)).toEqual({ ...second, length: second.length * second.count, isOpen: true });
    expect(opened.nodes.length - folded.nodes.length).toBe(second.length * (second.count - 1));
    // The same node begins them.
    expect(opened.nodes[second.start]).toBe(folded.nodes[second.start]);
    const all = picture('all');
    for (const { origin, start } of all.blocks) expect(start).toBe(origin);
  });
});

describe('blocks', () => {
  it('are opened, and closed one by one, also when all were open', () => {
    expect(toggled([], 3, [3, 9])).toEqual([3]);
    expect(toggled([3], 9, [3, 9])).toEqual([3, 9]);
    expect(toggled([3, 9], 3, [3, 9])).toEqual([9]);
    expect(toggled('all', 9, [3, 9])).toEqual([3]);
  });
});

describe('the label of a network', () => {
  it('is that of its preset, in whatever way it is written', () => {
    for (const { label, text } of PRESET_GROUPS.flatMap((group) => group.presets)) {
      expect(labelOf(text)).toEqual({ label, preset: text });
      expect(labelOf(formatArchitecture(parseArchitecture(text)))).toEqual({ label, preset: text });
    }
  });

  it('stays short where a size was changed', () => {
    expect(labelOf(withSize(presets[0], 'layers', 5))).toEqual({ label: 'small ViT, changed', preset: null });
    expect(labelOf('gpt2:layers=7')).toEqual({ label: 'GPT-2, changed', preset: null });
    expect(labelOf('no such network')).toEqual({ label: 'no such network', preset: null });
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

  it('stop where a start was last', () => {
    expect(stoppedAfter([], 20)).toContain('before the first step');
    expect(stoppedAfter([point('predicted', 0, 0.9)], 20)).toContain('before the first step');
    expect(stoppedAfter([point('predicted', 3, null), point('random', 2, null)], 20)).toBe(
      'Stopped after 3 of 20 steps.',
    );
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

describe('a count', () => {
  it('has the article of how it is spoken', () => {
    for (const value of [8, 11, 18, 80, 88, 800, 8000, 11_000, 18_500_000])
      expect(withArticle(value)).toMatch(/^an \d/);
    for (const value of [0, 1, 7, 9, 10, 12, 17, 28, 70, 110, 118, 1100, 180]) {
      expect(withArticle(value)).toMatch(/^a \d/);
    }
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
    expect(assumed.join()).toMatch(/^\d heads?: /);
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
