// A few hundred mutated files for every reader: nothing unclear, nothing that hangs, nothing that fills memory.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const RUNS = 450;

it('mutated files are accepted or refused by name', { timeout: 300_000 }, async () => {
  const out = mkdtempSync(join(tmpdir(), 'logah-fuzz-'));
  const args = [fileURLToPath(new URL('fuzz/main.mjs', import.meta.url)), '--runs', String(RUNS), '--seed', '16'];
  const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, [...args, '--out', out], (error, output, said) =>
      resolve({ code: error?.code ?? 0, stdout: output, stderr: said }),
    ),
  );
  expect(code, `${stderr}${stdout}`).toBe(0);
  // Accepted and refused: a net that only refuses, or only accepts, catches nothing.
  const [, accepted, clear] = /\| all \| (\d+) \| (\d+) \| 0 \| 0 \| 0 \|/.exec(stdout) ?? [];
  expect(Number(accepted)).toBeGreaterThan(RUNS / 20);
  expect(Number(clear)).toBeGreaterThan(RUNS / 4);
  rmSync(out, { recursive: true });
});
