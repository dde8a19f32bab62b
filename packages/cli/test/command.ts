// The command, as a process or in this one.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { runProgram } from '../src/program.js';

export const BIN = fileURLToPath(new URL('../bin/logah.js', import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `logah` in a folder to its end. */
export const runLogah = (folder: string, args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { cwd: folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
    );
  });

/** The same in this process, which need not load everything again: for what is said and written, not for how a process ends. */
export async function runHere(folder: string, args: readonly string[]): Promise<Outcome> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).flatMap((stream) => [
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      said[stream] += text;
      return true;
    }),
    vi.spyOn(console, stream === 'stdout' ? 'log' : 'error').mockImplementation((text) => {
      said[stream] += `${text}\n`;
    }),
  ]);
  const home = process.cwd();
  process.chdir(folder);
  try {
    await runProgram(args);
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    process.chdir(home);
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}
