// The backends that golden tests run on. Those of accelerators work only where there is one, or a program that stands in for it.
import { describe, it, vi } from 'vitest';

/** A package that registers a backend may say, by throwing, why the backend cannot work. */
const connects = (module: object): module is { connect: () => Promise<void> } => 'connect' in module;

/** A software adapter compiles every kernel for seconds. */
const SLOW = { testTimeout: 900_000 };

const ACCELERATORS: Readonly<Record<string, () => Promise<object>>> = {
  webgpu: () => import('@logah/backend-webgpu'),
  tensorflow: () => import('@logah/backend-tensorflow'),
};

/**
 * The names of the backends that work here, for `describe.each`; the test imports those of `always` itself. Of every other one it says in a skipped
 * test why it does not.
 */
export async function goldenBackends(always: readonly string[] = ['cpu', 'ort', 'wasm']): Promise<string[]> {
  const names = [...always];
  for (const [name, load] of Object.entries(ACCELERATORS)) {
    try {
      const module = await load();
      if (connects(module)) await module.connect();
      names.push(name);
      vi.setConfig(SLOW);
    } catch (error) {
      const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
      describe.skip(`on ${name}, which does not work here (${why})`, () => {
        it('runs as on the others', () => {});
      });
    }
  }
  return names;
}
