import { defineConfig, type Plugin } from 'vite';
import { pageAssets } from './build/assets.js';

/** Vite itself only says where the page is. */
const welcome: Plugin = {
  name: 'welcome',
  configurePreviewServer({ config, httpServer }) {
    httpServer.once('listening', () =>
      config.logger.info('The playground is ready: open the address. Ctrl-C stops it.'),
    );
  },
};

// Paths are relative: the folder works wherever it is put.
export default defineConfig({
  base: './',
  plugins: [pageAssets(), welcome],
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
