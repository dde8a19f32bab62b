// Initialisers as text: `random`, `orthogonal`, `ghn3:FILE`, `logah:FILE`, `trained:FILE` or `module:FILE`, each with
// `+noise`, `+new-head` or `+reference` behind it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readHypernet } from '@logah/hypernet/node';
import { EvaluationError } from './errors.js';
import {
  type Initializer,
  orthogonalInitializer,
  predictedInitializer,
  randomInitializer,
  withNewClassLayer,
  withNoise,
} from './initializers.js';
import { trainedInitializer } from './trained.js';

export const INITIALIZER_HELP =
  'random, orthogonal, logah:FILE, ghn3:FILE, trained:FILE (a network) or module:FILE ' +
  '(whose default export is an Initializer); +noise, +new-head and, for checkpoints of the authors, ' +
  '+reference may follow';

const DECODERS = { logah: 'lowrank', ghn3: 'conv' } as const;

interface InitializerSpec {
  readonly kind: 'random' | 'orthogonal' | 'logah' | 'ghn3' | 'trained' | 'module';
  readonly file: string | undefined;
  readonly hasNoise: boolean;
  readonly hasNewHead: boolean;
  readonly isReference: boolean;
}

function parseSpec(text: string): InitializerSpec {
  const match = /^(random|orthogonal|(?:logah|ghn3|trained|module):.+?)((?:\+noise|\+new-head|\+reference)*)$/.exec(
    text,
  );
  if (!match) throw new EvaluationError(`unknown initialiser "${text}"; wanted ${INITIALIZER_HELP}`);
  const [, start, modifiers] = match;
  const colon = start.indexOf(':');
  const kind = (colon < 0 ? start : start.slice(0, colon)) as InitializerSpec['kind'];
  const isReference = modifiers.includes('+reference');
  if (isReference && !(kind in DECODERS))
    throw new EvaluationError(
      `the initialiser "${text}": +reference wires what a hypernetwork reads, so it follows logah:FILE or ghn3:FILE`,
    );
  return {
    kind,
    file: colon < 0 ? undefined : start.slice(colon + 1),
    hasNoise: modifiers.includes('+noise'),
    hasNewHead: modifiers.includes('+new-head'),
    isReference,
  };
}

/**
 * The initialiser that a text names. Throws {@link EvaluationError}, SafetensorsError, PytorchFileError or
 * HypernetError naming the text or file at fault.
 */
export async function readInitializer(text: string): Promise<Initializer> {
  const { kind, file, hasNoise, hasNewHead, isReference } = parseSpec(text);
  const start = await readStart(kind, file ?? '', isReference);
  const withHead = hasNewHead ? withNewClassLayer(start) : start;
  return hasNoise ? withNoise(withHead) : withHead;
}

async function readStart(kind: InitializerSpec['kind'], file: string, reference: boolean): Promise<Initializer> {
  switch (kind) {
    case 'random':
      return randomInitializer;
    case 'orthogonal':
      return orthogonalInitializer;
    case 'module': {
      const { default: initializer }: { default?: unknown } = await import(pathToFileURL(resolve(file)).href);
      if (typeof initializer !== 'function')
        throw new EvaluationError(`${file}: its default export should be a function (graph, random) => parameters`);
      return initializer as Initializer;
    }
    case 'trained':
      return trainedInitializer(file);
    case 'logah':
    case 'ghn3': {
      const hypernet = await readHypernet(file);
      const { decoder } = hypernet.config;
      if (decoder !== DECODERS[kind]) {
        throw new EvaluationError(
          `${file}: a hypernetwork with the ${decoder} decoder, but ${kind}: wants ${DECODERS[kind]}`,
        );
      }
      return predictedInitializer(hypernet, { reference });
    }
  }
}

/** What changes when an initialiser does: its text, and the content of its file. Throws {@link EvaluationError} for a file that cannot be read. */
export async function initializerIdentity(text: string): Promise<string> {
  const { file } = parseSpec(text);
  if (file === undefined) return text;
  const content = await readFile(file).catch((cause: unknown) => {
    throw new EvaluationError(`the initialiser "${text}" wants the file ${file}, which cannot be read`, { cause });
  });
  return `${text} ${createHash('sha256').update(content).digest('hex')}`;
}
