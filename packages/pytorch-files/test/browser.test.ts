// The built package, as a browser would load it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(fileURLToPath(new URL(`../dist/${name}`, import.meta.url)), 'utf8');

/** What a module and those it loads import from outside of the package. */
function importsOf(name: string): string[] {
  const targets = [...read(name).matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, target]) => target);
  return targets.flatMap((target) => (target.startsWith('./') ? importsOf(target.slice(2)) : [target]));
}

describe('the entry for browsers', () => {
  it('loads nothing of Node.js', () => {
    expect(new Set(importsOf('index.js'))).toEqual(new Set(['@aws-crypto/crc32', '@logah/safetensors']));
    expect(importsOf('node.js')).toContain('@logah/files/node');
  });
});
