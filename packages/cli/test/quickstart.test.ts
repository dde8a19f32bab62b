// What the quick start says, without running it.
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../src/quickstart/compare.js';
import { predictCommand } from '../src/quickstart/next-command.js';
import { type QuickstartResult, quickstartReport, verdict } from '../src/quickstart/report.js';

const score = (mean: number) => ({ count: 1, mean, std: 0 });

const comparison = (gain: number): Comparison => ({
  architecture: 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8,classes=10,image=32',
  novelty: 'unseen combination',
  parameters: 95530,
  starts: ['random', 'mimetic:position=1.5', 'predicted'].map((start) => ({
    start,
    before: score(0.1),
    after: score(0.4),
    learningRate: 1e-3,
  })),
  gain: { over: 'mimetic:position=1.5', mean: gain, interval: null },
});

const result = (count: number): QuickstartResult => ({
  command: 'logah quickstart',
  seed: 0,
  backend: 'ort',
  steps: count,
  trainingSeconds: 1,
  hypernetParameters: 585230,
  trainedSteps: count,
  testDigits: 100,
  seeds: count,
  curve: [{ step: 1, loss: 2, accuracy: 0.1 }],
  comparisons: [comparison(0.1)],
});

const within = <T>(folder: string, run: () => T): T => {
  const home = process.cwd();
  process.chdir(folder);
  try {
    return run();
  } finally {
    process.chdir(home);
  }
};

describe('the quick start', () => {
  it('says whether a start ends above or below the best other one', () => {
    expect(verdict(comparison(0.055))).toContain('predicted ends 5.5 points above mimetic:position=1.5, the best');
    expect(verdict(comparison(-0.02))).toContain('predicted ends 2.0 points below mimetic:position=1.5, the best');
  });

  it('counts one of a thing as one', () => {
    const one = quickstartReport(result(1));
    for (const words of ['with 1 seed.', 'for 1 step\n', 'after 1 step of training', 'predicted, 1 step<'])
      expect(one).toContain(words);
    const many = quickstartReport(result(40));
    for (const words of ['with 40 seeds.', 'after 40 steps of training']) expect(many).toContain(words);
  });

  it('ends with a command that a shell takes as it stands', () => {
    const [inClone, elsewhere] = [import.meta.dirname, tmpdir()].map((folder) =>
      within(folder, () => predictCommand("my results/it's.safetensors", 'x y.safetensors')),
    );
    expect(inClone).toBe(`npx ${elsewhere}`);
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${elsewhere}`])
      .toString()
      .trimEnd()
      .split('\n');
    expect(words).toEqual([
      ...['logah', 'predict', 'vit:layers=5,heads=4,hidden=72,mlp=288,patch=8'],
      ...['--checkpoint', "my results/it's.safetensors", '--out', 'x y.safetensors'],
    ]);
  });
});
