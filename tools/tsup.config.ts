// The one build configuration: the entries are the package's own `exports`, `imports` and `bin`.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { defineConfig } from 'tsup';

interface Manifest {
  exports: Record<string, string | object>;
  imports?: Record<string, object>;
  bin?: Record<string, string>;
}

const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const libraryEntries = Object.keys(manifest.exports)
  .filter((path) => typeof manifest.exports[path] === 'object')
  .map((path) => (path === '.' ? 'index' : path.slice(2)));
// What a package imports from itself under `#name` differs between Node.js and browsers: a file of its own.
const ownImports = Object.keys(manifest.imports ?? {}).map((name) => name.slice(1));
// A command is a file in bin/ that imports the built main.
const commandEntries = manifest.bin ? ['main'] : [];

// Files of a dependency that cannot be imported from where they lie; tensor-ops says why.
const BUNDLED = [/^@tensorflow\/tfjs-core\/dist\//];

// A file that runs as a worker thread is an entry that nobody imports.
const workerEntries = existsSync('src/worker.ts') ? ['worker'] : [];

// `import text from './viewer.js?script'`: a script for browsers with all that it imports, as text for a page.
const scripts: Plugin = {
  name: 'scripts',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?script$/ }, ({ path, importer }) => ({
      path: join(dirname(importer), path.replace(/\.js\?script$/, '.ts')),
      namespace: 'script',
    }));
    onLoad({ filter: /.*/, namespace: 'script' }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path],
        bundle: true,
        minify: true,
        format: 'iife',
        platform: 'browser',
        target: 'es2022',
        write: false,
      });
      return { contents: outputFiles[0].text, loader: 'text', watchFiles: [path] };
    });
  },
};

const entry = (names: string[]) => Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));

export default defineConfig([
  ...(libraryEntries.length > 0
    ? [
        {
          entry: entry([...libraryEntries, ...ownImports, ...workerEntries]),
          format: ['esm' as const, 'cjs' as const],
          dts: true,
          clean: true,
          target: 'es2022',
          noExternal: BUNDLED,
          esbuildPlugins: [scripts],
          external: [/^#/],
          // CommonJS has no import.meta.url. What ES modules lack imports Node.js' `path` and `url`, which no browser has.
          shims: true,
          esbuildOptions(options: { inject?: string[] }) {
            options.inject = (options.inject ?? []).filter((file) => !file.endsWith('esm_shims.js'));
          },
        },
      ]
    : []),
  ...(commandEntries.length > 0
    ? [{ entry: entry(commandEntries), format: ['esm' as const], clean: true, target: 'node20' }]
    : []),
]);
