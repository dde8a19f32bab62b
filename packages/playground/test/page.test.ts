// The built page in a real browser: it draws, predicts what Node.js predicts, answers, trains and gives files that Node.js reads.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import '@logah/backend-ort';
import { cardOf } from '@logah/checkpoints';
import { loadCheckpoint } from '@logah/checkpoints/node';
import { buildArchitecture, parameterCount, parseArchitecture } from '@logah/graph-ir';
import { openModel } from '@logah/graph-ir/node';
import { predict } from '@logah/hypernet';
import { createRandom } from '@logah/random';
import { readSafetensors } from '@logah/safetensors/node';
import * as tf from '@tensorflow/tfjs-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digitsCard } from '../src/digit-task.js';
import { FIRST_NETWORK } from '../src/page/network-choice.js';
import { browserPath, openBrowser, PAGE, servePage } from './browser.js';

const executable = browserPath();
if (executable === undefined) {
  console.warn('The tests of the page are skipped: no Chromium or Chrome was found; CHROME_PATH can name one.');
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
    expect(html).not.toMatch(/<script(?![^>]*src=)|\son[a-z]+=/);
  });

  it('predicts what Node.js predicts, and gives it as files that Node.js reads', async () => {
    await open();
    await predictHere();
    const name = await page.inputValue('#hypernet');
    const graph = buildArchitecture(parseArchitecture(FIRST_NETWORK));
    const { tensors } = await readSafetensors(await saved('safetensors'));
    expect(tensors.size).toBe(graph.parameters.length);
    await tf.setBackend('ort');
    const hypernet = await loadCheckpoint(cardOf(name).name);
    for await (const expected of predict(hypernet, graph, { random: createRandom(0) })) {
      const found = tensors.get(expected.name);
      expect(found?.shape).toEqual([...expected.shape]);
      const apart = expected.data.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (found?.data[i] ?? NaN))),
        0,
      );
      expect(apart, expected.name).toBeLessThan(1e-5);
    }
    const model = openModel(await saved('onnx'));
    expect(parameterCount(model.graph)).toBe(parameterCount(graph));
    model.close();
    expect(await page.textContent('#findings')).toContain('No sign of trouble');
    expect(await page.locator('#layers tbody tr').count()).toBe(graph.parameters.length);
  });

  it('follows links, and writes them', async () => {
    await open('#network=resnet18&view=computational');
    expect(await page.textContent('#facts')).toContain('11,689,512 in');
    expect(await page.isChecked('input[value="computational"]')).toBe(true);
    await page.selectOption('#preset', 'gpt2');
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('124,439,808'));
    expect(page.url()).toContain('#network=gpt2&view=computational');
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
  });

  it('reads files that are dropped, and says what one is that it cannot read', async () => {
    await open();
    const config = join(folder, 'config.json');
    await writeFile(
      config,
      JSON.stringify({ model_type: 'gpt2', n_layer: 2, n_embd: 64, n_head: 2, vocab_size: 100, n_positions: 32 }),
    );
    await page.setInputFiles('#file', config);
    await page.waitForFunction(() => document.querySelector('#facts')?.textContent?.includes('108,'));
    // No shipped hypernetwork knows these tokens: an untrained one is there, and says what it is.
    expect(await page.textContent('#hypernet-remarks')).toContain('untrained');
    await predictHere();
    const onnx = await saved('onnx');
    await page.setInputFiles('#file', onnx);
    await page.waitForFunction(
      () => document.querySelector('#preset option:checked')?.textContent === 'predicted.onnx',
    );
    await writeFile(join(folder, 'notes.txt'), 'nothing');
    await page.setInputFiles('#file', join(folder, 'notes.txt'));
    await page.waitForSelector('#network-error:not([hidden])');
    expect(await page.textContent('#network-error')).toContain('notes.txt: not a network');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
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
          (of) => document.querySelector('#answer')?.textContent?.endsWith(`It is a ${of}.`),
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
      await page.waitForFunction(() => !document.querySelector('#answer')?.textContent?.includes('It is'));
      expect(await page.textContent('#answer')).toContain('Predicted, never trained: 1 ');
    },
  );

  it.skipIf(digitsCard() === undefined)('trains three starts for 20 steps while the page answers', async () => {
    await open('#steps=20');
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
  });
});
