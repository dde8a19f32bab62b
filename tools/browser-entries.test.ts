// Every entry that is not for Node.js alone goes through a bundler for browsers: no Node.js built-in, nothing of a dependency inlined.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages that are for Node.js as a whole, and the entry that is so in others. */
const NODE_PACKAGES = ['backend-ort', 'backend-tensorflow', 'backend-webgpu', 'cli', 'mpi'];
const NODE_ENTRY = './node';

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | { readonly import: { readonly default: string } }>>;
}

const entries = readdirSync(join(root, 'packages')).flatMap((name) => {
  const folder = join(root, 'packages', name);
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (manifest.private || NODE_PACKAGES.includes(name)) return [];
  return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
    typeof target === 'string' || path === NODE_ENTRY
      ? []
      : [[`@logah/${name}${path.slice(1)}`, join(folder, target.import.default)] as const],
  );
});

/** The files that a bundle for browsers is made of. Throws esbuild's errors, such as for an import of a Node.js built-in. */
async function inputsOf(file: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs).map((path) => relative(root, path));
}

describe('a bundler for browsers takes', () => {
  it('entries of at least fifteen packages', () => {
    expect(new Set(entries.map(([name]) => name.split('/')[1])).size).toBeGreaterThanOrEqual(15);
  });

  it.each(entries)('%s', async (_, file) => {
    const inputs = await inputsOf(file);
    expect(inputs.some((path) => path.startsWith('node:'))).toBe(false);
  });

  it('gradients from tfjs-core itself, not from a copy', async () => {
    const inputs = await inputsOf(join(root, 'packages/tensor-ops/dist/index.js'));
    expect(inputs.some((path) => path.endsWith('tfjs-core/dist/register_all_gradients.js'))).toBe(true);
    expect(inputs.some((path) => path.includes('tensor-ops/dist/gradients'))).toBe(false);
    expect(readFileSync(join(root, 'packages/tensor-ops/dist/index.js'), 'utf8').length).toBeLessThan(20_000);
  });
});
