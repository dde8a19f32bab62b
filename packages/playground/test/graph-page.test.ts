// The page of a network in a real browser, as a file: it searches, opens blocks, explains, colours, and fetches nothing.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { drawGraph } from '@logah/graph-ir/draw';
import { graphPage, valueStatistics } from '@logah/graph-ir/page';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openBrowser } from './browser.js';

const executable = browserPath();
if (executable === undefined)
  console.warn('The tests of the page of a network are skipped: no Chromium or Chrome was found.');

const graph = buildArchitecture(parseArchitecture('vit-s'));

describe.skipIf(executable === undefined)('the page of a network', () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await openBrowser(executable);
    folder = await mkdtemp(join(tmpdir(), 'logah-graph-page-'));
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await page.close();
  });

  async function open(html: string, size = { width: 1280, height: 800 }): Promise<void> {
    const file = join(folder, 'graph.html');
    await writeFile(file, html);
    complaints = [];
    page = await browser.newPage({ viewport: size });
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('request', (request) => {
      if (!request.url().startsWith(pathToFileURL(file).href)) complaints.push(`it fetches ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('[data-node]');
  }

  const nodes = (): Promise<number> => page.locator('[data-node]').count();
  const details = async (): Promise<string> => (await page.locator('#details').textContent()) ?? '';

  it('draws equal blocks once, opens them and folds them again', async () => {
    await open(graphPage(drawGraph(graph)));
    const folded = await nodes();
    await page.locator('[data-fold] text').click();
    const all = graph.operators.length + graph.inputs.length + graph.outputs.length;
    await expect.poll(nodes).toBe(all);
    await page.click('text=fold all');
    await expect.poll(nodes).toBe(folded);
    expect(folded).toBeLessThan(all / 2);
  });

  it('finds a parameter in a folded block, goes there and says what it is', async () => {
    await open(graphPage(drawGraph(graph)));
    await page.fill('#search', 'layer_7 mlp.0.weight');
    expect(await page.locator('#found button').count()).toBe(1);
    await page.press('#search', 'Enter');
    expect(await page.locator('.current').count()).toBe(1);
    const text = await details();
    expect(text).toContain('encoder.layers.encoder_layer_7.mlp.0.weight');
    expect(text).toContain('[1536, 384]');
    const box = await page.locator('.current').boundingBox();
    const canvas = await page.locator('#canvas').boundingBox();
    if (box === null || canvas === null) throw new Error('nothing is shown');
    expect(Math.abs(box.x + box.width / 2 - canvas.x - canvas.width / 2)).toBeLessThan(2);
    expect(Math.abs(box.y + box.height / 2 - canvas.y - canvas.height / 2)).toBeLessThan(2);
    await page.fill('#search', 'nothing has this name');
    expect(await page.locator('#found').textContent()).toBe('nothing is called that');
  });

  it('zooms around the pointer, and a drag is no click', async () => {
    await open(graphPage(drawGraph(graph)));
    const node = page.locator('[data-node="0"]');
    const before = await node.boundingBox();
    if (before === null) throw new Error('nothing is shown');
    const [x, y] = [before.x + before.width / 2, before.y + before.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -300);
    const after = await node.boundingBox();
    if (after === null) throw new Error('nothing is shown');
    expect(after.width / before.width).toBeCloseTo(Math.exp(0.45), 1);
    expect(Math.abs(after.x + after.width / 2 - x)).toBeLessThan(2);
    await page.mouse.down();
    await page.mouse.move(x + 80, y + 30, { steps: 4 });
    await page.mouse.up();
    const moved = await node.boundingBox();
    expect((moved?.x ?? 0) - after.x).toBeCloseTo(80, -1);
    expect(await details()).toContain('Click a node');
    await page.mouse.click(x + 80, y + 30);
    expect(await details()).toContain('[batch, 3, 32, 32]');
  });

  it('colours by statistics and tells them', async () => {
    const statistics = new Map(
      graph.parameters.map(({ name }, i) => [name, valueStatistics(Float32Array.of(-i, i, Number.NaN))]),
    );
    await open(graphPage(drawGraph(graph), { statistics }));
    const fill = (): Promise<string> =>
      page.evaluate(() =>
        [...document.querySelectorAll<SVGElement>('[data-node] rect')].map(({ style }) => style.fill).join(),
      );
    const kinds = await fill();
    await page.selectOption('#overlay', 'standard deviation');
    expect(await fill()).not.toBe(kinds);
    expect(await page.locator('#scale').textContent()).toContain(String(graph.parameters.length - 1));
    await page.fill('#search', 'conv_proj.weight');
    await page.press('#search', 'Enter');
    expect(await details()).toMatch(/not finite\s*1/);
  });

  it('fits a phone, and takes names as text', async () => {
    const drawing = drawGraph({ ...graph, name: '</script><script>document.title="bad"</script>' });
    await open(graphPage(drawing), { width: 390, height: 800 });
    expect(await page.title()).toBe('</script><script>document.title="bad"</script>');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });
});
