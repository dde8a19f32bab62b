// The files of docs/cluster as one machine can run them: their own commands, with small data and small steps, as Slurm and Kubernetes
// would start them. `npx` and `srun` are stand-ins that start the command of this repository.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = (name: string): string => readFileSync(join(root, 'docs/cluster', name), 'utf8');

/** What makes the commands' work small; given last, so that it counts. */
const SMALL = {
  train: [
    ...['--dataset', 'nets.jsonl', '--batch', '4', '--meta-batch', '2', '--epochs', '1', '--steps-per-epoch', '2'],
    ...['--eval-samples', '4'],
    ...['--variant', 'template-small', '--max-width', '16', '--templates', '1', '--backend', 'ort'],
  ],
  eval: [
    ...['--epochs', '1', '--batch', '4', '--seeds', '1', '--lr', '1e-3', '--train-samples', '8'],
    ...['--test-samples', '8', '--workers', '1'],
  ],
};

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'logah-cluster-'));
  const data = join(home, 'cifar10');
  mkdirSync(data);
  const records = Buffer.alloc(10 * 3073);
  for (let i = 0; i < 10; i++) records.fill(20 * i, i * 3073 + 1, (i + 1) * 3073)[i * 3073] = i;
  for (const name of [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`).concat('test_batch'))
    writeFileSync(join(data, `${name}.bin`), records);
  const network = (hidden: number, split: string): string =>
    JSON.stringify({ architecture: `vit:layers=1,heads=2,hidden=${hidden},mlp=16,patch=8,classes=10,image=32`, split });
  writeFileSync(join(home, 'nets.jsonl'), [network(8, 'train'), network(16, 'train'), network(12, 'test')].join('\n'));
  mkdirSync(join(home, 'bin'));
  const bin = join(root, 'packages/cli/bin/logah.js');
  const stand = (name: string, lines: string): void => {
    writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(home, 'bin', name), 0o755);
  };
  stand(
    'npx',
    `case "$1 $2" in
  'logah train') shift; exec '${process.execPath}' '${bin}' "$@" ${SMALL.train.join(' ')} ;;
  'logah eval') shift; exec '${process.execPath}' '${bin}' "$@" ${SMALL.eval.join(' ')} ;;
  *) echo "npx: $*" >&2; exit 9 ;;
esac`,
  );
  stand('srun', 'case "$1" in --mpi=pmix) shift; exec "$@" ;; *) echo "srun: $*" >&2; exit 9 ;; esac');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A process to its end, as `code: what it said`. */
function run(command: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const [file, ...args] = command;
  const path = `${join(home, 'bin')}:${process.env.PATH}`;
  const child = spawn(file, args, { cwd: home, env: { ...process.env, PATH: path, HOME: home, ...env } });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  child.stdout.resume();
  return new Promise((resolve) => child.on('close', (code) => resolve(`${code}: ${said}`)));
}

/** The starts of the runs in a report, each once. */
function startsIn(folder: string): string[] {
  const { runs }: { runs: Array<{ initializer: string }> } = JSON.parse(
    readFileSync(join(folder, 'results.json'), 'utf8'),
  );
  return runs.map(({ initializer }) => initializer);
}

const STARTS = ['random', 'orthogonal', 'mimetic'];

describe('docs/cluster', () => {
  it('has no file that is not tested here', () => {
    expect(readdirSync(join(root, 'docs/cluster')).sort()).toEqual([
      'eval-job.yaml',
      'eval.sbatch',
      'train-mpijob.yaml',
      'train.sbatch',
    ]);
  });

  it('eval.sbatch: two jobs of its array leave one report of all runs', async () => {
    const [, first, last] = /^#SBATCH --array=(\d+)-(\d+)$/m.exec(text('eval.sbatch')) ?? [];
    expect([first, last]).toEqual(['1', '8']);
    const job = (id: string): Promise<string> =>
      run(['bash', join(root, 'docs/cluster/eval.sbatch')], {
        ...{ SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_COUNT: last, SLURM_CPUS_PER_TASK: '1' },
      });
    for (const end of await Promise.all([job(first), job(last)])) expect(end).toMatch(/^0: /);
    expect(startsIn(join(home, 'runs/eval-cifar10'))).toEqual(STARTS);
  }, 120_000);

  it('eval-job.yaml: two pods leave one report of all runs', async () => {
    const { spec } = parse(text('eval-job.yaml'));
    expect(spec).toMatchObject({ completionMode: 'Indexed', completions: 8, parallelism: 8 });
    const [container] = spec.template.spec.containers;
    const volumes = container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    expect(volumes).toEqual(['/data', '/runs']);
    const pods = join(home, 'pods');
    const command = [...container.command, ...container.args].map((part: string) =>
      part.replaceAll('/data', join(home, 'cifar10')).replaceAll('/runs', pods),
    );
    expect(command.at(-1)).toContain(`/${spec.completions}"`);
    const pod = (index: number): Promise<string> => run(command, { JOB_COMPLETION_INDEX: String(index) });
    for (const end of await Promise.all([pod(0), pod(spec.completions - 1)])) expect(end).toMatch(/^0: /);
    expect(startsIn(join(pods, 'eval-cifar10'))).toEqual(STARTS);
  }, 120_000);

  it('train.sbatch: its command trains, and goes on when it is submitted again', async () => {
    const job = (): Promise<string> => run(['bash', join(root, 'docs/cluster/train.sbatch')], {});
    expect(await job()).toMatch(/^0: /);
    expect(existsSync(join(home, 'runs/vits-cifar10/config.json'))).toBe(true);
    expect(await job()).toMatch(/^0: /);
  }, 120_000);

  it('train-mpijob.yaml: its command trains, once the launcher is taken off', async () => {
    const { spec } = parse(text('train-mpijob.yaml'));
    const [launcher] = spec.mpiReplicaSpecs.Launcher.template.spec.containers;
    const [worker] = spec.mpiReplicaSpecs.Worker.template.spec.containers;
    expect(launcher.image).toBe(worker.image);
    expect(launcher.command.slice(0, 5)).toEqual([
      ...['mpirun', '-n', String(spec.mpiReplicaSpecs.Worker.replicas * spec.slotsPerWorker), '--bind-to', 'none'],
    ]);
    const args = launcher.args.map((part: string) =>
      part.replaceAll('/data', join(home, 'cifar10')).replaceAll('/runs', join(home, 'mpi')),
    );
    expect(await run([...launcher.command.slice(5), ...args], {})).toMatch(/^0: /);
    expect(existsSync(join(home, 'mpi/vits/config.json'))).toBe(true);
  }, 120_000);
});
