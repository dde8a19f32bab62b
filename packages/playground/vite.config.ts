import { defineConfig } from 'vite';
import { pageAssets } from './build/assets.js';

// Paths are relative: the folder works wherever it is put.
export default defineConfig({
  base: './',
  plugins: [pageAssets()],
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
