// Runs the tests that tfjs-core ships for its operators against backend-ort. They are written for jasmine and for the sources that they lie beside.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const core = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json'));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      // One copy of tfjs-core for the tests, the backend and the CPU backend under it: the sources that the tests import.
      { find: /^@tensorflow\/tfjs-core$/, replacement: join(core, 'dist/index.js') },
      { find: /^(\.\.?\/)+jasmine_util$/, replacement: here('./jasmine-util.ts') },
      { find: 'tfjs-core-dist', replacement: join(core, 'dist') },
    ],
  },
  test: {
    name: 'tfjs-core’s tests on ort',
    include: ['*.test.ts'],
    globals: true,
    setupFiles: ['./setup.ts'],
    testTimeout: 60_000,
    server: { deps: { inline: [/@tensorflow/, /@logah/] } },
  },
});
