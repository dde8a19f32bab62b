// Files that the page fetches when it needs them, each from the package that has it: hypernetworks, the wasm backend, digits.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CARDS } from '@logah/checkpoints';
import { checkpointPath } from '@logah/checkpoints/node';
import type { Plugin } from 'vite';
import { packDigits } from './digits.js';

const require = createRequire(import.meta.url);

/** Every file by its path beside the page, and how its bytes are read. */
function assets(): ReadonlyMap<string, () => Uint8Array> {
  const wasm = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  const files: Array<readonly [string, () => Uint8Array]> = [
    ...CARDS.map(({ name, file }) => [`checkpoints/${file}`, () => readFileSync(checkpointPath(name))] as const),
    ...['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'].map(
      (file) => [`wasm/${file}`, () => readFileSync(join(wasm, 'dist', file))] as const,
    ),
    ['digits.bin', packDigits],
  ];
  return new Map(files);
}

/** Serves the files while the page is worked on, and puts them into its folder when it is built. */
export function pageAssets(): Plugin {
  const files = assets();
  return {
    name: 'page-assets',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const read = files.get((request.url ?? '').replace(/^\/|\?.*$/g, ''));
        if (read === undefined) return next();
        if (request.url?.includes('.wasm')) response.setHeader('content-type', 'application/wasm');
        response.end(read());
      });
    },
    generateBundle() {
      for (const [fileName, read] of files) this.emitFile({ type: 'asset', fileName, source: read() });
    },
  };
}
