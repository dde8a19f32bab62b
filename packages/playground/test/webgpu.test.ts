// The built page in a browser with WebGPU: it is used where it computes what wasm computes, and only there.
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildArchitecture, parseArchitecture } from '@logah/graph-ir';
import { readSafetensors } from '@logah/safetensors/node';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { farthest } from '../src/worker/farthest.js';
import { browserPath, openBrowserWithGpu, servePage } from './browser.js';
import { nodePrediction } from './node-prediction.js';

const executable = browserPath();

/** As small as what the page checks a device with: shaders take longer to compile than to run. */
const NETWORK = 'vit:layers=1,heads=2,hidden=32,mlp=128,patch=8';

/** What breaks a device: goes before the worker's own script. */
const FIRST_NUMBERS_DIFFER = `{
  const { getMappedRange } = GPUBuffer.prototype;
  let error = 0.001;
  GPUBuffer.prototype.getMappedRange = function () {
    const range = getMappedRange.call(this);
    if (this.usage & GPUBufferUsage.MAP_READ) new Float32Array(range)[0] += error;
    return range;
  };
  // Until a prediction is told of.
  const { postMessage } = self;
  self.postMessage = (message) => {
    if (message.result?.backend) error = 0;
    postMessage.call(self, message);
  };
}`;
const SHADERS_FAIL = `{
  const { createShaderModule } = GPUDevice.prototype;
  GPUDevice.prototype.createShaderModule = function ({ code }) {
    return createShaderModule.call(this, { code: code + ' nonsense' });
  };
}`;

describe.skipIf(executable === undefined)('the page with WebGPU', () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  let page: Page;
  let before = '';
  let hasGpu = false;

  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await openBrowserWithGpu(executable);
    ({ url, server } = await servePage(() => before));
    page = await browser.newPage();
    page.setDefaultTimeout(100_000);
    await page.goto(url);
    hasGpu = await page.evaluate(async () => 'gpu' in navigator && (await navigator.gpu.requestAdapter()) !== null);
    if (!hasGpu) console.warn('The tests of WebGPU are skipped: this browser has none in software.');
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  const open = async (sabotage: string): Promise<void> => {
    before = sabotage;
    await page.goto('about:blank');
    await page.goto(`${url}#network=${NETWORK}`);
    await page.waitForSelector('#picture svg');
  };
  /** Predicts the network; what the page says of it. */
  const predictHere = async (): Promise<string> => {
    await page.click('#predict-run');
    await page.waitForSelector('#prediction:not([hidden]), #predict-error:not([hidden])');
    expect(await page.textContent('#predict-error')).toBe('');
    return (await page.textContent('#prediction-summary')) ?? '';
  };

  it('leaves a device alone while it gives other numbers, and then predicts there what Node.js predicts', async (context) => {
    context.skip(!hasGpu);
    await open(FIRST_NUMBERS_DIFFER);
    expect(await predictHere()).toMatch(/on wasm \(WebGPU gives other numbers than wasm here, by [\d.]+\)/);
    expect(await predictHere()).toContain(', on WebGPU.');
    const folder = await mkdtemp(join(tmpdir(), 'logah-webgpu-'));
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-safetensors')]);
    const path = join(folder, 'predicted.safetensors');
    await download.saveAs(path);
    const { tensors } = await readSafetensors(path);
    await rm(folder, { recursive: true });
    const wanted = await nodePrediction(
      await page.inputValue('#hypernet'),
      buildArchitecture(parseArchitecture(NETWORK)),
    );
    const found = new Map([...tensors].map(([name, { data }]) => [name, data]));
    expect(farthest(wanted, found)).toBeLessThan(1e-5);
  });

  it('leaves a device alone that complains, and says of what', async (context) => {
    context.skip(!hasGpu);
    await open(SHADERS_FAIL);
    expect(await predictHere()).toMatch(/on wasm \(WebGPU went wrong here \(.*unexpected token\)\)/);
  });
});
