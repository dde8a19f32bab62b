// Makes a checkpoint of a run's folder: its hypernetwork in half precision, and a card of what was run.
//   node tools/make-card.mjs RUN NAME "TITLE" "DATA" "LICENCE" "COMMAND"
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArchitecture, parameterRoles, parseArchitecture } from '@logah/graph-ir';
import { readSafetensors, streamSafetensors } from '@logah/safetensors/node';

const [run, name, title, data, licence, command] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: node tools/make-card.mjs RUN NAME "TITLE" "DATA" "LICENCE" "COMMAND"');
  process.exit(2);
}
const files = fileURLToPath(new URL('../files', import.meta.url));
const dtype = 'F16';
const { tensors, metadata } = await readSafetensors(join(run, 'hypernet.safetensors'));
const list = [...tensors].map(([tensor, content]) => ({ name: tensor, ...content }));
const path = join(files, `${name}.safetensors`);
await streamSafetensors(path, list, list, { dtype, metadata });
const bytes = await readFile(path);

const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8'));
const { hypernet } = config;
const events = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const steps = events.filter(({ type }) => type === 'step');
const evaluations = events.filter(({ type }) => type === 'evaluation');
const [{ architectures }] = steps;
const roles = new Set(parameterRoles(buildArchitecture(parseArchitecture(architectures[0]))).values());
const task =
  hypernet.domain === 'vision'
    ? {
        kind: 'images',
        image: Number(/image=(\d+)/.exec(architectures[0])?.[1]),
        patch: hypernet.patch,
        classes: hypernet.classes,
        ...JSON.parse(process.env.NORMALISATION ?? '{"mean":[0.4914,0.4822,0.4465],"std":[0.2023,0.1994,0.201]}'),
      }
    : { kind: 'text', tokenizer: config.tokenizer, vocab: hypernet.classes, context: config.context };
const round = (value) => Number(value.toFixed(4));
const card = {
  name,
  title,
  decoder: hypernet.decoder,
  parameters: [...tensors.values()].reduce((sum, tensor) => sum + tensor.data.length, 0),
  file: `${name}.safetensors`,
  bytes: bytes.length,
  dtype,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  task,
  maxWidth: hypernet.maxChannels,
  roles: [...roles].filter((role) => role !== 'class_token').sort(),
  trainedOn: {
    data,
    licence,
    architectures: config.dataset,
    command,
    seed: config.seed,
    steps: steps.length,
    batch: config.batch,
  },
  curve: evaluations.map(({ step, loss, accuracy }) => ({ step, loss: round(loss), accuracy: round(accuracy) })),
  reached: evaluations
    .at(-1)
    .scores.map(({ architecture, loss, accuracy }) => ({ architecture, loss: round(loss), accuracy: round(accuracy) })),
};
const source = `// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = ${JSON.stringify(card, null, 2)};
`;
const cardPath = fileURLToPath(new URL(`../src/cards/${name}.ts`, import.meta.url));
await writeFile(cardPath, source);
execFileSync('npx', ['biome', 'check', '--write', cardPath], { stdio: 'ignore' });
console.log(`${name}: ${card.parameters} parameters, ${card.bytes} bytes, after ${steps.length} steps`);
