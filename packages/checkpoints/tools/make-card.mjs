// Makes a checkpoint of the folder of `logah train` or `logah quickstart`: its hypernetwork in half precision, and a card of what was run.
//   node tools/make-card.mjs RUN NAME "TITLE" "DATA" "LICENCE" "COMMAND"
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
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
/** As an architecture says it. */
const HAS_HEAD = { own: (name) => name.includes('tied=false'), tied: (name) => name.includes('tied=true') };
const files = fileURLToPath(new URL('../files', import.meta.url));
const dtype = 'F16';
const { tensors, metadata } = await readSafetensors(join(run, 'hypernet.safetensors'));
const list = [...tensors].map(([tensor, content]) => ({ name: tensor, ...content }));
const path = join(files, `${name}.safetensors`);
await streamSafetensors(path, list, list, { dtype, metadata });
const bytes = await readFile(path);

const readJson = async (file) => JSON.parse(await readFile(join(run, file), 'utf8'));
const { hypernet, architecture, made } = existsSync(join(run, 'results.json'))
  ? await ofQuickstart()
  : await ofTraining();

/** What `logah train` left. */
async function ofTraining() {
  const config = await readJson('config.json');
  const events = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const steps = events.filter(({ type }) => type === 'step');
  const evaluations = events.filter(({ type }) => type === 'evaluation');
  const { dataset, seed, batch, tokenizer, context } = config;
  const architectures = steps.flatMap((step) => step.architectures);
  return {
    hypernet: config.hypernet,
    // The roles are those of a network with a head of its own, where there is one.
    architecture: architectures.find(HAS_HEAD.own) ?? architectures[0],
    made: {
      text: { tokenizer, context, heads: ['own', 'tied'].filter((head) => architectures.some(HAS_HEAD[head])) },
      trainedOn: { architectures: dataset, seed, steps: steps.length, batch },
      curve: evaluations,
      reached: evaluations.at(-1).scores,
    },
  };
}

/** What `logah quickstart` left: its curve is that of training batches, in steps of fifty. */
async function ofQuickstart() {
  const { curve, comparisons, seed } = await readJson('results.json');
  const means = curve.flatMap(({ step }) => {
    if (step % 50 !== 0) return [];
    const last = curve.slice(step - 50, step);
    const mean = (key) => last.reduce((sum, point) => sum + point[key], 0) / last.length;
    return [{ step, loss: mean('loss'), accuracy: mean('accuracy') }];
  });
  return {
    hypernet: JSON.parse(metadata.config),
    architecture: comparisons[0].architecture,
    made: {
      trainedOn: { architectures: 'vits-small', seed, steps: curve.length, batch: 64 },
      curve: means,
      reached: comparisons.map(({ architecture: name, starts }) => ({
        architecture: name,
        accuracy: starts.at(-1).before.mean,
      })),
    },
  };
}

const roles = new Set(parameterRoles(buildArchitecture(parseArchitecture(architecture))).values());
const task =
  hypernet.domain === 'vision'
    ? {
        kind: 'images',
        image: Number(/image=(\d+)/.exec(architecture)?.[1]),
        patch: hypernet.patch,
        classes: hypernet.classes,
        ...JSON.parse(process.env.NORMALISATION ?? '{"mean":[0.4914,0.4822,0.4465],"std":[0.2023,0.1994,0.201]}'),
      }
    : { kind: 'text', tokenizer: made.text.tokenizer, vocab: hypernet.classes, ...made.text };
const round = (value) => Number(value.toFixed(4));
const rounded = ({ loss, accuracy }) => ({
  ...(loss === undefined ? {} : { loss: round(loss) }),
  accuracy: round(accuracy),
});
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
  trainedOn: { data, licence, command, ...made.trainedOn },
  curve: made.curve.map(({ step, ...score }) => ({ step, ...rounded(score) })),
  reached: made.reached.map(({ architecture: name, ...score }) => ({ architecture: name, ...rounded(score) })),
};
const source = `// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = ${JSON.stringify(card, null, 2)};
`;
const cardPath = fileURLToPath(new URL(`../src/cards/${name}.ts`, import.meta.url));
await writeFile(cardPath, source);
execFileSync('npx', ['biome', 'check', '--write', cardPath], { stdio: 'ignore' });
console.log(`${name}: ${card.parameters} parameters, ${card.bytes} bytes, after ${card.trainedOn.steps} steps`);
