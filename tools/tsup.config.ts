// The one build configuration: the entries are the package's own `exports` and `bin`.
import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

interface Manifest {
  exports: Record<string, string | object>;
  bin?: Record<string, string>;
}

const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const libraryEntries = Object.keys(manifest.exports)
  .filter((path) => typeof manifest.exports[path] === 'object')
  .map((path) => (path === '.' ? 'index' : path.slice(2)));
// A command is a file in bin/ that imports the built main.
const commandEntries = manifest.bin ? ['main'] : [];

// Files of a dependency that cannot be imported from where they lie; tensor-ops says why.
const BUNDLED = [/^@tensorflow\/tfjs-core\/dist\//];

// A file that runs as a worker thread is an entry that nobody imports.
const workerEntries = existsSync('src/worker.ts') ? ['worker'] : [];

const entry = (names: string[]) => Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));

export default defineConfig([
  ...(libraryEntries.length > 0
    ? [
        {
          entry: entry([...libraryEntries, ...workerEntries]),
          format: ['esm' as const, 'cjs' as const],
          dts: true,
          sourcemap: true,
          clean: true,
          target: 'es2022',
          noExternal: BUNDLED,
          // CommonJS has no import.meta.url.
          shims: true,
        },
      ]
    : []),
  ...(commandEntries.length > 0
    ? [{ entry: entry(commandEntries), format: ['esm' as const], sourcemap: true, clean: true, target: 'node20' }]
    : []),
]);
