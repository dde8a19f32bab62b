// The tests of every operator of tfjs-core, as its npm package ships them.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const folder = join(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json')), 'dist/ops');

/** These want the pixels of a browser. */
const BROWSER = /^(draw|from_pixels|to_pixels)_/;

for (const file of readdirSync(folder)) {
  if (file.endsWith('_test.js') && !BROWSER.test(file)) await import(/* @vite-ignore */ join(folder, file));
}
