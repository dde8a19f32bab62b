// Initialisers from texts: opens the files that they name.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fitOf, isShipped } from '@logah/checkpoints';
import { cardOfFile, checkpointPath, openHypernet } from '@logah/checkpoints/node';
import { messageOf } from '@logah/files';
import { readBytes } from '@logah/files/node';
import type { Graph } from '@logah/graph-ir';
import { checkFit, checkOwnHead, disposeHypernet, type Hypernet } from '@logah/hypernet';
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

type HypernetStartName = keyof typeof DECODERS;

const isOfHypernet = (name: FileStart['name']): name is HypernetStartName => Object.hasOwn(DECODERS, name);

/**
 * The initialiser that a text names. Throws {@link EvaluationError}, SafetensorsError, PytorchFileError or HypernetError
 * naming the text or file at fault.
 */
export async function readInitializer(text: string): Promise<Initializer> {
  const { start, modifiers } = parseStart(text);
  const initializer =
    start.kind === 'file'
      ? await readStart(start, hasNewHead(modifiers))
      : closedFormInitializer(start.name, start.deviations);
  return modifiers.reduce((changed, { name, value }) => modifiedInitializer(changed, name, value), initializer);
}

/**
 * Throws HypernetError or CheckpointError where a text names a hypernetwork that is not for one of these networks, and what
 * {@link readInitializer} throws of its file: before anything else is computed.
 */
export async function checkPredicted(text: string, graphs: Iterable<Graph>): Promise<void> {
  const { start, modifiers } = parseStart(text);
  if (start.kind !== 'file' || !isOfHypernet(start.name)) return;
  const { hypernet, fitOfGraph } = await openPredictor(start.name, start.file, hasNewHead(modifiers));
  disposeHypernet(hypernet);
  for (const graph of graphs) fitOfGraph(graph);
}

const NEW_HEAD = 'new-head';
const hasNewHead = (modifiers: StartText['modifiers']): boolean => modifiers.some(({ name }) => name === NEW_HEAD);

async function readStart({ name, file, isReference }: FileStart, withNewHead: boolean): Promise<Initializer> {
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
      const { hypernet, fitOfGraph } = await openPredictor(name, file, withNewHead);
      const predicted = predictedInitializer(hypernet, { reference: isReference });
      return (graph, random) => {
        const { needsNewHead } = fitOfGraph(graph);
        return needsNewHead ? modifiedInitializer(predicted, NEW_HEAD)(graph, random) : predicted(graph, random);
      };
    }
  }
}

/** A hypernetwork of a start, and how it fits a network. */
interface Predictor {
  readonly hypernet: Hypernet;
  /** Whether a network has other classes than the hypernetwork, so that its last layer is drawn anew. Throws for a network that it is not for. */
  readonly fitOfGraph: (graph: Graph) => { readonly needsNewHead: boolean };
}

/** What a start predicts with. A shipped checkpoint gives a network that it fits what `logah predict` does: for other classes with a new head. */
async function openPredictor(name: HypernetStartName, file: string, withNewHead: boolean): Promise<Predictor> {
  const hypernet = await openHypernet(file);
  const { decoder } = hypernet.config;
  if (decoder !== DECODERS[name]) {
    throw new EvaluationError(
      `${file}: a hypernetwork with the ${decoder} decoder, but ${name}: wants ${DECODERS[name]}`,
    );
  }
  const card = await cardOfFile(file);
  return {
    hypernet,
    fitOfGraph: (graph) => {
      if (card !== undefined) {
        if (withNewHead) checkOwnHead(graph, `+${NEW_HEAD}`);
        return fitOf(card, graph);
      }
      checkFit(hypernet.config, graph, { name: file, hasNewHead: withNewHead, newHead: `+${NEW_HEAD}` });
      return { needsNewHead: false };
    },
  };
}

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
