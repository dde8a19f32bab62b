// The built page in a real browser: it draws, predicts what Node.js predicts, answers, trains and gives files that Node.js reads.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cardOf, provenance } from '@logah/checkpoints/catalog';
import { buildArchitecture, parameterCount, parseArchitecture } from '@logah/graph-ir';
import { openModel } from '@logah/graph-ir/node';
import { readSafetensors } from '@logah/safetensors/node';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bestRates } from '../src/best-rates.js';
import { digitsCard } from '../src/digit-task.js';
import { FIRST_NETWORK } from '../src/page/network-choice.js';
import { farthest } from '../src/worker/farthest.js';
import { browserPath, openBrowser, PAGE, servePage } from './browser.js';
import { nodePrediction } from './node-prediction.js';

const executable = browserPath();
if (executable === undefined) {
  console.warn('The tests of the page are skipped: no Chromium or Chrome was found; CHROME_PATH can name one.');
}

const SMALL_GPT2 = { model_type: 'gpt2', n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 100, n_positions: 32 };

/** A folder with a model of TensorFlow.js: one dense layer of 4 inputs and 3 outputs. */
async function tfjsFolder(parent: string): Promise<string> {
  const path = join(parent, 'dense');
  const config = { name: 'dense', units: 3, use_bias: true, batch_input_shape: [null, 4], dtype: 'float32' };
  const layers = [{ class_name: 'Dense', config }];
  const weights = [
    { name: 'dense/kernel', shape: [4, 3], dtype: 'float32' },
    { name: 'dense/bias', shape: [3], dtype: 'float32' },
  ];
  const model = {
    format: 'layers-model',
    modelTopology: { model_config: { class_name: 'Sequential', config: { name: 'small', layers } } },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
  };
  await mkdir(path);
  await writeFile(join(path, 'model.json'), JSON.stringify(model));
  await writeFile(join(path, 'weights.bin'), new Uint8Array(60));
  return path;
}

describe.skipIf(executable === undefined)('the page', () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  let sent: Map<string, number>;
  let folder: string;
  let context: BrowserContext;
  let page: Page;
  /** What the console says that should say nothing: errors, and what the content security policy forbids. */
  let complaints: string[];

  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await openBrowser(executable);
    ({ url, server, sent } = await servePage());
    folder = await mkdtemp(join(tmpdir(), 'logah-page-'));
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    sent.clear();
    complaints = [];
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    // A busy machine is slow, not wrong.
    page.setDefaultTimeout(100_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });

  const open = async (hash = ''): Promise<void> => {
    await page.goto(url + hash);
    await page.waitForSelector('#picture svg');
  };
  const predictHere = async (): Promise<void> => {
    await page.click('#predict-run');
    await page.waitForSelector('#prediction:not([hidden]), #predict-error:not([hidden])');
    expect(await page.textContent('#predict-error')).toBe('');
  };
  const saved = async (format: 'safetensors' | 'onnx'): Promise<string> => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`#save-${format}`)]);
    const path = join(folder, download.suggestedFilename());
    await download.saveAs(path);
    return path;
  };

  it('loads less than a megabyte before anything is predicted, and has no scripts in its HTML', async () => {
    await open();
    const sizes = await Promise.all(
      [...sent.keys()].map(async (name) => gzipSync(await readFile(join(PAGE, name || 'index.html'))).length),
    );
    expect(sent.size).toBeGreaterThan(3);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1e6);
    expect([...sent.keys()].filter((name) => /safetensors|digits/.test(name))).toEqual([]);
    const html = await readFile(join(PAGE, 'index.html'), 'utf8');
    expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'/);
    expect(html).not.toMatch(/<script(?![^>]*src=)|\son[a-z]+=|unsafe-inline| style=|<style/);
  });

  it('changes the network by its sliders, and says so in the link', async () => {
    await open();
    const facts = await page.textContent('#facts');
    await page.focus('#size-layers');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((before) => document.querySelector('#facts')?.textContent !== before, facts);
    expect(decodeURIComponent(page.url())).toContain('layers=4');
  });

  it('predicts what Node.js predicts, and gives it as files that Node.js reads', async () => {
    await open();
    await predictHere();
    const name = await page.inputValue('#hypernet');
    const graph = buildArchitecture(parseArchitecture(FIRST_NETWORK));
    const { tensors, metadata } = await readSafetensors(await saved('safetensors'));
    // What `logah predict` writes.
    expect(metadata).toEqual({ format: 'pt', architecture: FIRST_NETWORK, ...provenance(cardOf(name), graph, null) });
    expect(tensors.size).toBe(graph.parameters.length);
    for (const { name: parameter, shape } of graph.parameters) expect(tensors.get(parameter)?.shape).toEqual(shape);
    const found = new Map([...tensors].map(([parameter, { data }]) => [parameter, data]));
    expect(farthest(await nodePrediction(name, graph), found)).toBeLessThan(1e-5);
    expect(await page.textContent('#prediction-summary')).toMatch(
      /on (WebGPU|wasm \((this browser has no )?WebGPU.*\))\./,
    );
    const model = openModel(await saved('onnx'));
    expect(parameterCount(model.graph)).toBe(parameterCount(graph));
    model.close();
    expect(await page.textContent('#findings')).toContain('No sign of trouble');
    const rows = page.locator('#layers tbody tr:visible');
    expect(await rows.count()).toBe(12);
    await page.click('#layers button');
    expect(await rows.count()).toBe(graph.parameters.length);
    // What is folded is so on a phone, too.
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await rows.count()).toBe(graph.parameters.length);
    await page.click('#layers button');
    expect(await rows.count()).toBe(12);
  });

  it('follows links, and writes them', async () => {
    await open('#network=resnet18&view=computational');
    expect(await page.textContent('#facts')).toContain('11,689,512 in');
    expect(await page.isChecked('input[value="computational"]')).toBe(true);
    await page.selectOption('#preset', 'gpt2');
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('124,439,808'));
    expect(page.url()).toContain('#network=gpt2&view=computational');
    await page.check('input[value="distances"]', { force: true });
    await page.waitForFunction(() => document.querySelector('#node-hint')?.textContent?.startsWith('A square for'));
  });

  it('works with keys alone: nodes are read out, blocks open', async () => {
    await open();
    await page.focus('#picture');
    await page.keyboard.press('ArrowDown');
    expect(await page.textContent('#node-hint')).toContain('input images: [batch, 3, 32, 32]');
    const folded = await page.locator('[data-node]').count();
    await page.keyboard.press('Enter');
    await page.waitForFunction((before) => document.querySelectorAll('[data-node]').length > before, folded);
    expect(page.url()).toMatch(/open=\d+/);
    // The keyboard stays where it is while a prediction is made.
    await page.focus('#predict-run');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#prediction:not([hidden])');
    await page.waitForSelector('#predict-run[aria-disabled="false"]');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('predict-run');
  });

  it('keeps the blocks that are open in each view, also in the link', async () => {
    await open();
    const nodes = (): Promise<number> => page.locator('#picture [data-node]').count();
    const show = async (view: string): Promise<void> => {
      const before = await page.innerHTML('#picture');
      await page.check(`input[value="${view}"]`, { force: true });
      await page.waitForFunction((old) => document.querySelector('#picture')?.innerHTML !== old, before);
    };
    const folded = await nodes();
    await page.focus('#picture');
    await page.keyboard.press('Enter');
    await page.waitForFunction((before) => document.querySelectorAll('[data-node]').length > before, folded);
    const opened = await nodes();
    const { hash } = new URL(page.url());
    for (const view of ['computational', 'distances', 'network']) await show(view);
    expect(await nodes()).toBe(opened);
    expect(new URL(page.url()).hash).toBe(hash);
    await show('computational');
    await page.click('#unfold');
    await page.waitForFunction(() => document.querySelector('#unfold')?.textContent === 'Fold blocks');
    const read = await nodes();
    await page.goto('about:blank');
    await open(`${hash}&view=computational&openRead=all`);
    expect(await nodes()).toBe(read);
    await show('network');
    expect(await nodes()).toBe(opened);
  });

  it('folds a block that is open by a click on its frame, and by the key that opened it', async () => {
    await open('#network=resnet50');
    const nodes = (): Promise<number> => page.locator('#picture [data-node]').count();
    const folded = await nodes();
    expect(await page.textContent('#node-hint')).toContain('click one to open it, and again to fold it');
    await page.click('#unfold');
    await expect.poll(nodes).toBeGreaterThan(folded);
    const all = await nodes();
    const frames = await page.locator('#picture .fold.open').count();
    await page.locator('#picture .fold.open text').nth(1).click();
    await expect.poll(nodes).toBeLessThan(all);
    expect(await page.locator('#picture .fold.open').count()).toBe(frames - 1);
    expect(await nodes()).toBeGreaterThan(folded);
    const some = await nodes();
    // A drag from a frame moves the picture and closes nothing.
    const box = await page.locator('#picture .fold.open text').first().boundingBox();
    if (box === null) throw new Error('no frame is shown');
    await page.mouse.move(box.x + 5, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(box.x + 5, box.y - 40, { steps: 4 });
    await page.mouse.up();
    expect(await nodes()).toBe(some);
    await page.click('#unfold');
    await expect.poll(nodes).toBe(folded);
    await page.focus('#picture');
    await page.keyboard.press('Enter');
    await expect.poll(nodes).toBeGreaterThan(folded);
    expect(page.url()).toMatch(/open=\d+$/);
    await page.keyboard.press('Enter');
    await expect.poll(nodes).toBe(folded);
    expect(page.url()).not.toContain('open=');
  });

  it('shows the whole width at first and all of a network when it is asked to fit it', async () => {
    const inside = (): Promise<readonly number[]> =>
      page.locator('#picture').evaluate((holder) => {
        const [outer, inner] = [holder, holder.querySelector('svg')].map((part) => part?.getBoundingClientRect());
        if (outer === undefined || inner === undefined) throw new Error('nothing is shown');
        const { left, top, width, height } = inner;
        const [x, y] = [left - outer.left, top - outer.top];
        return [x, y, holder.clientWidth + 1 - x - width, holder.clientHeight + 1 - y - height];
      });
    for (const [network, width] of [
      ['vit-s', 390],
      ['vit-s', 1280],
      ['densenet121', 390],
      ['densenet121', 1280],
    ] as const) {
      await page.setViewportSize({ width, height: 844 });
      await page.goto('about:blank');
      await open(`#network=${network}`);
      const [left, top, right] = await inside();
      expect(Math.min(left, top, right)).toBeGreaterThanOrEqual(0);
      await page.click('#zoom-fit');
      expect(Math.min(...(await inside()))).toBeGreaterThanOrEqual(0);
    }
  });

  it('marks the picture of the network before as old while the next one is drawn', async () => {
    await open();
    expect(await page.getAttribute('#picture', 'aria-busy')).toBe('false');
    await page.selectOption('#preset', 'densenet121');
    expect(await page.getAttribute('#picture', 'aria-busy')).toBe('true');
    await expect
      .poll(() => page.locator('#picture > svg').evaluate((svg) => getComputedStyle(svg).opacity))
      .toBe('0.3');
    await page.waitForSelector('#picture[aria-busy="false"]');
    expect(await page.locator('#picture svg').textContent()).toContain('densenet');
    expect(await page.locator('#picture > svg').evaluate((svg) => getComputedStyle(svg).opacity)).toBe('1');
    await page.goto(`${url}#network=vit-z`);
    await page.waitForSelector('#network-error:not([hidden])');
    expect(await page.getAttribute('#picture', 'aria-busy')).toBe('false');
  });

  it('says what of a link it did not take, and has the address of what it shows', async () => {
    await open('#network=gpt2&hypernet=vits-digits&seed=-3&rate=5&layers=99&open=1,99999');
    await expect.poll(() => page.textContent('#link-untaken')).toContain('99999');
    const said = await page.textContent('#link-note');
    for (const part of ['hypernet=vits-digits: it does not fit', 'seed=-3', 'rate=5', 'layers=99'])
      expect(said).toContain(part);
    expect(new URL(page.url()).hash).toBe('#network=gpt2&layers=8&rate=1');
    // A choice of the reader is none of the link.
    await page.selectOption('#preset', 'resnet18');
    expect(await page.isVisible('#link-note')).toBe(false);
    await page.goto('about:blank');
    await open(new URL(page.url()).hash);
    expect(await page.isVisible('#link-note')).toBe(false);
  });

  it('goes back to the network before, and to a file that was dropped', async () => {
    await open();
    const shows = (text: string): Promise<void> => expect.poll(() => page.textContent('#facts')).toContain(text);
    const before = await page.textContent('#facts');
    await page.fill('#seed', '7');
    await page.locator('#seed').blur();
    const entries = await page.evaluate(() => history.length);
    await page.focus('#size-layers');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.textContent('#facts')).not.toBe(before);
    expect(await page.evaluate(() => history.length)).toBe(entries);
    const changed = (await page.textContent('#facts')) ?? '';
    await page.selectOption('#preset', 'resnet18');
    await shows('11,689,512');
    await page.setInputFiles('#folder', await tfjsFolder(await mkdtemp(join(folder, 'back-'))));
    await shows('15 in 2 tensors');
    await page.fill('#seed', '8');
    await page.locator('#seed').blur();
    await page.goBack();
    await shows('11,689,512');
    await page.goBack();
    await shows(changed);
    expect(decodeURIComponent(page.url())).toContain('layers=4');
    // What is not of the network stays as it is.
    expect(page.url()).toContain('seed=8');
    await page.goForward();
    await page.goForward();
    await shows('15 in 2 tensors');
    expect(await page.isVisible('#network-error')).toBe(false);
    // A page that was loaded again has no files.
    await page.reload();
    await page.waitForSelector('#network-error:not([hidden])');
    await page.goBack();
    await shows('11,689,512');
  });

  it('calls a changed network by the preset that it was, with its full text beneath', async () => {
    await open();
    await page.focus('#size-layers');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.textContent('#preset option:checked')).toBe('small ViT, changed');
    const text = 'vit:layers=4,heads=4,hidden=48,mlp=192,patch=8,classes=10,image=32';
    expect(await page.textContent('#network-text')).toBe(text);
    await expect.poll(() => page.textContent('#command')).toContain(`predict ${text} `);
    expect(decodeURIComponent(page.url())).toContain(`network=${text}`);
    await page.focus('#size-layers');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => page.inputValue('#preset')).toBe(FIRST_NETWORK);
    expect(await page.isVisible('#network-text')).toBe(false);
  });

  it('loses neither of two networks that are dropped, and says what is no whole ONNX model', async () => {
    await open();
    const paths = ['one.json', 'two.json'].map((name) => join(folder, name));
    for (const path of paths) await writeFile(path, JSON.stringify({ model_type: 'gpt2', n_layer: 1 }));
    await page.setInputFiles('#file', paths);
    await expect
      .poll(() => page.textContent('#network-error'))
      .toBe('two networks were dropped, one.json and two.json; drop one');
    // What may belong together is taken, and the page says of what it did not read.
    await page.setInputFiles('#file', [
      { name: 'config.json', mimeType: '', buffer: Buffer.from(JSON.stringify(SMALL_GPT2)) },
      { name: 'model.safetensors', mimeType: '', buffer: Buffer.alloc(8) },
    ]);
    await expect
      .poll(() => page.textContent('#facts'))
      .toContain('config.json is the network; model.safetensors beside it belongs to it and was not read');
    expect(await page.isVisible('#network-error')).toBe(false);
    await writeFile(join(folder, 'damaged.onnx'), Uint8Array.of(0x0c, 0x0c));
    await page.setInputFiles('#file', join(folder, 'damaged.onnx'));
    await expect.poll(() => page.textContent('#network-error')).toContain('damaged.onnx: not a whole ONNX model');
  });

  it('keeps the keyboard when it stops what it began', async () => {
    await open('#steps=200');
    for (const work of digitsCard() === undefined ? ['predict'] : ['predict', 'train']) {
      await page.focus(`#${work}-run`);
      await page.keyboard.press('Enter');
      await page.waitForSelector(`#${work}-stop:not([hidden])`);
      await page.focus(`#${work}-stop`);
      await page.keyboard.press('Enter');
      await page.waitForSelector(`#${work}-stop`, { state: 'hidden' });
      expect(await page.evaluate(() => document.activeElement?.id)).toBe(`${work}-run`);
    }
    expect(await page.textContent('#predict-stopped')).toBe('Stopped: nothing was predicted.');
    if (digitsCard() !== undefined)
      expect(await page.textContent('#train-stopped')).toBe('Stopped before the first step: nothing was trained.');
  });

  it('fills no network that a tab cannot hold, and says which command does', async () => {
    await open('#network=gpt2-large');
    expect(await page.isDisabled('#predict-run')).toBe(true);
    expect(await page.textContent('#hypernet-remarks')).toContain(
      '774 million parameters are more than a tab can hold',
    );
    expect(await page.textContent('#command')).toBe(
      'npx logah predict gpt2-large --checkpoint gpts-wikitext2-bpe --out network.safetensors',
    );
    await page.selectOption('#preset', 'vit-s:patch=4');
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('21,'));
    expect(await page.isDisabled('#predict-run')).toBe(false);
    expect(await page.textContent('#command')).toContain('predict vit-s:patch=4 --checkpoint vits-cifar10 --out');
  });

  it('reads files that are dropped, and says what one is that it cannot read', async () => {
    await open();
    const config = join(folder, 'config.json');
    await writeFile(config, JSON.stringify(SMALL_GPT2));
    await page.setInputFiles('#file', config);
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('108,'));
    // The link has the file's name, and the page says that it has no more.
    expect(page.url()).toContain('#file=config.json');
    expect(await page.isVisible('#file-note')).toBe(true);
    // No shipped hypernetwork knows these tokens: an untrained one is there, and says what it is.
    expect(await page.textContent('#hypernet-remarks')).toContain('untrained');
    await predictHere();
    const [onnx, safetensors] = [await saved('onnx'), await saved('safetensors')];
    await page.setInputFiles('#file', onnx);
    await page.waitForFunction(
      () => document.querySelector('#preset option:checked')?.textContent === 'predicted.onnx',
    );
    // Its heads are in no tensor: the page says what it assumed.
    await page.setInputFiles('#file', safetensors);
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('1 head: the file'));
    expect(await page.textContent('#preset option:checked')).toBe('predicted.safetensors');
    const tfjs = await tfjsFolder(folder);
    await page.setInputFiles('#folder', tfjs);
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('15 in 2 tensors'));
    await writeFile(join(folder, 'notes.txt'), 'nothing');
    await page.setInputFiles('#file', join(folder, 'notes.txt'));
    await page.waitForSelector('#network-error:not([hidden])');
    expect(await page.textContent('#network-error')).toContain('notes.txt: not a network');
    // Nothing of the network before stays.
    expect(await page.locator('#picture svg').count()).toBe(0);
    expect(await page.isDisabled('#predict-run')).toBe(true);
  });

  it('asks for the file of a link that was made with one, and shows no other network', async () => {
    await page.goto(`${url}#file=dense/&view=computational`);
    await page.waitForSelector('#network-error:not([hidden])');
    expect(await page.textContent('#network-error')).toContain('This link is of a file, dense/, which is not in it');
    expect(await page.locator('#picture svg').count()).toBe(0);
    expect(await page.isDisabled('#predict-run')).toBe(true);
    await page.setInputFiles('#folder', await tfjsFolder(await mkdtemp(join(folder, 'again-'))));
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('15 in 2 tensors'));
    expect(await page.isHidden('#network-error')).toBe(true);
    expect(await page.isChecked('input[value="computational"]')).toBe(true);
    // Another network is chosen: the link is of that one alone.
    await page.selectOption('#preset', FIRST_NETWORK);
    await page.waitForSelector('#file-note', { state: 'hidden' });
    expect(page.url()).not.toContain('file=');
  });

  it('opens no network for a prediction before it is done or stopped, and a stop is no fault of other sections', async () => {
    await open();
    await page.locator('#samples').scrollIntoViewIfNeeded();
    await page.waitForSelector('#samples button');
    await page.click('#predict-run');
    await page.waitForSelector('#predict-stop:not([hidden])');
    await page.selectOption('#preset', 'vit:layers=6,heads=4,hidden=192,mlp=768,patch=4');
    // Nothing of the network before is shown as if it were this one's, and Predict would fill the one before.
    expect(await page.textContent('#facts')).toContain('it is opened when the prediction');
    expect(await page.locator('#picture svg').count()).toBe(0);
    expect(await page.getAttribute('#predict-run', 'aria-disabled')).toBe('true');
    await page.locator('#samples button').first().click();
    await page.click('#predict-stop');
    await page.waitForFunction(() => document.querySelector('#answer')?.textContent?.includes('It is a'));
    expect(await page.isVisible('#work-error')).toBe(false);
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('in 80 tensors'));
    expect(await page.getAttribute('#predict-run', 'aria-disabled')).toBe('false');
  });

  it('takes no seed that a link would not hold', async () => {
    await open('#seed=5');
    for (const wrong of ['9007199254740993', '99999999999999999999', '-1', '1.5', '']) {
      await page.fill('#seed', wrong);
      // Nothing is predicted, and what is wrong stays said.
      await page.click('#predict-run');
      expect(await page.textContent('#seed-error')).toContain('A seed is a whole number from 0 to 9007199254740991');
      expect(await page.getAttribute('#seed', 'aria-invalid')).toBe('true');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('seed');
      expect(await page.isVisible('#predict-stop')).toBe(false);
      expect(page.url()).toContain('seed=5');
    }
    await page.fill('#seed', '9007199254740991');
    await page.locator('#seed').blur();
    expect(await page.isVisible('#seed-error')).toBe(false);
    expect(await page.getAttribute('#seed', 'aria-invalid')).toBe('false');
    expect(page.url()).toContain('seed=9007199254740991');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    /** Pixels of the smallest letters in the picture. */
    const smallest = (): Promise<number> =>
      page.evaluate(() => {
        const svg = document.querySelector<SVGSVGElement>('#picture svg');
        const scale = svg === null ? 0 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        const sizes = [...document.querySelectorAll('#picture text')].map((text) =>
          Number(text.getAttribute('font-size')),
        );
        // Boxes lie on parts of pixels.
        return Math.round(10 * scale * Math.min(...sizes)) / 10;
      });
    // All of its width is there before anyone zooms; letters can be read then.
    await page.click('#zoom-in');
    expect(await smallest()).toBeGreaterThanOrEqual(12);
    await page.check('input[value="distances"]', { force: true });
    await page.waitForFunction(() => document.querySelector('#picture')?.textContent?.includes('to node'));
    expect(await smallest()).toBeGreaterThanOrEqual(12);
    const [whole, shown] = await page
      .locator('#picture')
      .evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]);
    expect(whole).toBeLessThanOrEqual(shown);
    // No choice is cut: as wide as its words, a field is no wider than it is.
    for (const id of ['steps', 'rate']) {
      const [is, wants] = await page.locator(`#${id}`).evaluate((select) => {
        const free = document.body.appendChild(select.cloneNode(true));
        if (!(free instanceof HTMLElement)) throw new TypeError('no field');
        free.style.cssText = 'position: absolute; width: max-content';
        return [select.getBoundingClientRect().width, free.getBoundingClientRect().width];
      });
      expect(is).toBeGreaterThanOrEqual(wants);
    }
  });

  it.skipIf(digitsCard() !== undefined)('says what is missing where no hypernetwork for digits ships', async () => {
    await open();
    expect(await page.isVisible('#no-digits')).toBe(true);
    expect(await page.isVisible('#digits-task')).toBe(false);
  });

  it.skipIf(digitsCard() === undefined)(
    'reads digits with a network that was never trained, and draws its answer',
    async () => {
      await open();
      await page.locator('#samples').scrollIntoViewIfNeeded();
      await page.waitForSelector('#samples button');
      const samples = page.locator('#samples button');
      let right = 0;
      for (let i = 0; i < 12; i++) {
        const label = (await samples.nth(i).getAttribute('aria-label'))?.at(-1);
        await samples.nth(i).click();
        await page.waitForFunction(
          (of) => document.querySelector('#answer')?.textContent?.endsWith(`It is ${of === '8' ? 'an' : 'a'} ${of}.`),
          label,
        );
        if ((await page.textContent('#answer'))?.startsWith(`Predicted, never trained: ${label} `)) right++;
      }
      expect(right).toBeGreaterThanOrEqual(7);
      // A stroke from top to bottom is a one.
      await page.click('#pad-clear');
      const box = await page.locator('#pad').boundingBox();
      if (box === null) throw new Error('the pad is not visible');
      await page.mouse.move(box.x + box.width / 2, box.y + 0.15 * box.height);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + 0.85 * box.height, { steps: 8 });
      await page.mouse.up();
      await page.waitForFunction(() => document.querySelector('#answer')?.textContent?.startsWith('Predicted'));
      expect(await page.textContent('#answer')).toContain('Predicted, never trained: 1 ');
    },
  );

  it.skipIf(digitsCard() === undefined)('trains three starts for 20 steps while the page answers', async () => {
    await open('#steps=20&layers=2&width=32');
    await page.click('#train-run');
    await page.waitForFunction(() => /step \d/.test(document.querySelector('#train-progress span')?.textContent ?? ''));
    // The page itself does nothing heavy meanwhile.
    const frames = await page.evaluate(
      () => new Promise<number>((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    expect(frames).toBeGreaterThan(0);
    await page.waitForFunction(() => document.querySelector('#scores')?.textContent?.includes('After 20 steps'));
    const rows = await page.locator('#scores tbody tr').allInnerTexts();
    const [predicted, , random] = rows.map((row) => [...row.matchAll(/([\d.]+) %/g)].map(([, share]) => Number(share)));
    expect(predicted[0]).toBeGreaterThan(50);
    expect(random[0]).toBeLessThan(30);
    expect(await page.locator('#curves svg').count()).toBe(2);
    // Letters are as large on a phone as they can be read.
    for (const width of [320, 390, 720, 960, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      // In one go: the page draws them again when the training is over.
      const { sizes, ends } = await page.evaluate(() => {
        const texts = [...document.querySelectorAll<SVGTextElement>('#curves text')];
        const scaled = texts.map((text) => {
          const { ownerSVGElement: chart } = text;
          const scale = (chart?.getBoundingClientRect().width ?? 0) / (chart?.viewBox.baseVal.width ?? 1);
          return scale * Number.parseFloat(getComputedStyle(text).fontSize);
        });
        const names = texts.filter(({ textContent }) => /^(predicted|mimetic|random)$/.test(textContent ?? ''));
        const boxes = names.slice(0, 3).map((text) => text.getBoundingClientRect());
        return { sizes: scaled, ends: boxes.map(({ left, right }) => [left, right]) };
      });
      // Words and the lines of the legend between them leave each other room.
      expect(ends).toHaveLength(3);
      for (const i of [1, 2]) expect(ends[i][0] - ends[i - 1][1]).toBeGreaterThan(18);
      expect(sizes.length).toBeGreaterThan(10);
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(12);
    }
    // Whatever is chosen then, the results say of which network they are.
    await page.fill('#width-count', '48');
    expect(page.url()).toContain('layers=2');
    expect(await page.textContent('#trained')).toBe('Of the network with 2 layers and width 32, seed 0.');
    // Each start has a rate of its own, which the page names, and none that makes the predicted network worse.
    const rates = Object.values(bestRates(20).rates);
    expect(rows.map((row) => Number(row.split('\t')[1]))).toEqual(rates);
    for (const rate of rates) expect(await page.textContent('#rates')).toContain(` ${rate}`);
    expect(predicted[1]).toBeGreaterThan(predicted[0] - 2);
  });
});
