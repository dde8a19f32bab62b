// Initialisers from texts: opens the files that they name.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CheckpointCard, fitOf, isShipped } from '@logah/checkpoints';
import { cardOfFile, checkpointPath, openHypernet } from '@logah/checkpoints/node';
import { messageOf } from '@logah/files';
import { readBytes } from '@logah/files/node';
import type { TrainedTensor } from '@logah/network';
import { isFloatType } from '@logah/pytorch-files';
import { openTensorFile, tensorFilesOf } from '@logah/pytorch-files/node';
import { EvaluationError } from './errors.js';
import {
  closedFormInitializer,
  type Initializer,
  modifiedInitializer,
  predictedInitializer,
  selectedInitializer,
} from './initializers.js';
import { canonicalStart, parseStart, type StartText } from './start-text.js';
import { trainedInitializer } from './trained.js';

/** The decoder of a hypernetwork that each of its starts wants. */
const DECODERS = { logah: 'lowrank', ghn3: 'conv', template: 'template' } as const;

/**
 * The initialiser that a text names. Throws {@link EvaluationError}, SafetensorsError, PytorchFileError or HypernetError
 * naming the text or file at fault.
 */
export async function readInitializer(text: string): Promise<Initializer> {
  const { start, modifiers } = parseStart(text);
  const initializer =
    start.kind === 'file' ? await readStart(start) : closedFormInitializer(start.name, start.deviations);
  return modifiers.reduce((changed, { name, value }) => modifiedInitializer(changed, name, value), initializer);
}

async function readStart({ name, file, isReference }: FileStart): Promise<Initializer> {
  switch (name) {
    case 'select':
      return selectedInitializer(await readTensors(file));
    case 'trained':
      return trainedInitializer(file);
    case 'module': {
      const { default: initializer }: { default?: unknown } = await import(pathToFileURL(resolve(file)).href);
      if (!isInitializer(initializer))
        throw new EvaluationError(`${file}: its default export should be a function (graph, random) => parameters`);
      return initializer;
    }
    default: {
      const hypernet = await openHypernet(file);
      const { decoder } = hypernet.config;
      if (decoder !== DECODERS[name]) {
        throw new EvaluationError(
          `${file}: a hypernetwork with the ${decoder} decoder, but ${name}: wants ${DECODERS[name]}`,
        );
      }
      const predicted = predictedInitializer(hypernet, { reference: isReference });
      const card = await cardOfFile(file);
      return card === undefined ? predicted : fitted(predicted, card);
    }
  }
}

/** What a shipped checkpoint gives a network that it fits, as `logah predict` does: for other classes with a new head. */
const fitted =
  (predicted: Initializer, card: CheckpointCard): Initializer =>
  (graph, random) => {
    const { needsNewHead } = fitOf(card, graph);
    return needsNewHead ? modifiedInitializer(predicted, 'new-head')(graph, random) : predicted(graph, random);
  };

type FileStart = Extract<StartText['start'], { readonly kind: 'file' }>;

/** Every tensor of floating-point numbers in a file, safetensors or one of PyTorch's formats, by name. */
async function readTensors(path: string): Promise<ReadonlyMap<string, TrainedTensor>> {
  const file = await openTensorFile(path);
  try {
    const tensors = new Map<string, TrainedTensor>();
    for (const [name, { type }] of file.tensors) if (isFloatType(type)) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

/** What a module exports cannot be known better than this. */
const isInitializer = (value: unknown): value is Initializer => typeof value === 'function';

/**
 * What changes when an initialiser does: its text with all its numbers, and the content of its file.
 * Throws {@link EvaluationError} for a text that names no initialiser, or a file that cannot be read.
 */
export async function initializerIdentity(text: string): Promise<string> {
  const { start } = parseStart(text);
  const canonical = canonicalStart(text);
  if (start.kind !== 'file') return canonical;
  const file = isShipped(start.file) ? checkpointPath(start.file) : start.file;
  const hash = createHash('sha256');
  try {
    for (const part of await tensorFilesOf(file)) hash.update(await readBytes(part));
  } catch (cause) {
    throw new EvaluationError(
      `the initialiser "${text}" wants the file ${file}, which cannot be read (${messageOf(cause)})`,
      { cause },
    );
  }
  return `${canonical} ${hash.digest('hex')}`;
}
