// Which hypernetwork fills a network: a shipped one that fits, one by name or file, or a fresh one where that is asked for.
import { type CheckpointFit, cardOf, checkpointFor, fitOf, isShipped, notesFor, provenance } from '@logah/checkpoints';
import { cardOfFile, loadCheckpoint, openHypernet } from '@logah/checkpoints/node';
import type { Graph } from '@logah/graph-ir';
import {
  checkFit,
  checkOwnHead,
  createHypernet,
  disposeHypernet,
  domainOf,
  HYPERNET_VARIANTS,
  type Hypernet,
  type HypernetVariant,
  hypernetPreset,
} from '@logah/hypernet';
import { openTensorFile } from '@logah/pytorch-files/node';
import { createRandom } from '@logah/random';
import { Option } from 'commander';
import { type CheckpointOptions, readingOptions, TENSOR_FILE_HELP } from './checkpoint-options.js';
import { CliError } from './errors.js';
import { originOf } from './parameter-file.js';

export interface HypernetOptions extends CheckpointOptions {
  readonly checkpoint?: string;
  readonly untrained?: true;
  readonly variant?: HypernetVariant;
  readonly newHead?: true;
  readonly reference?: true;
  readonly seed: number;
}

const NEW_HEAD = '--new-head';

/** The options of a command that predicts. */
export const hypernetOptions = (): Option[] => [
  new Option(
    '--checkpoint <name>',
    `the hypernetwork: a file (${TENSOR_FILE_HELP}), or one that ships by its name; by default the shipped one that fits`,
  ).conflicts('untrained'),
  new Option(
    '--untrained',
    'a fresh hypernetwork of --variant and --seed: for tests of speed and scale, not for training',
  ),
  new Option('--variant <name>', 'the size of a fresh hypernetwork; tiny by default').choices(HYPERNET_VARIANTS),
  new Option(NEW_HEAD, 'draws the last layer anew: for other classes than the hypernetwork knows'),
];

/** A hypernetwork that fits a network. */
export interface OpenedHypernet {
  readonly hypernet: Hypernet;
  /** The last layer is drawn, not predicted. */
  readonly hasNewHead: boolean;
  /** What a file of predicted parameters says of where they are from. */
  readonly origin: Readonly<Record<string, string>>;
  /** What the user should know of the prediction. */
  readonly remarks: readonly string[];
}

/**
 * Opens the hypernetwork for a network. Throws CliError for an option that has no effect, CheckpointError, SafetensorsError or HypernetError with what does not fit, and what would.
 */
export async function hypernetFor(graph: Graph, options: HypernetOptions): Promise<OpenedHypernet> {
  const { checkpoint, untrained, variant = 'tiny', newHead, seed } = options;
  if (newHead) checkOwnHead(graph, NEW_HEAD);
  const headSeed = newHead ? seed : undefined;
  if (untrained) {
    refuseUnused(options, ['ema', 'assume'], 'a fresh hypernetwork (--untrained) is read from no file');
    return {
      hypernet: createHypernet(hypernetPreset(variant, { domain: domainOf(graph) }), createRandom(seed)),
      hasNewHead: newHead === true,
      origin: originOf(`untrained ${variant}, seed ${seed}`, headSeed),
      remarks: ['the hypernetwork is untrained: the network will train worse than from a random start'],
    };
  }
  refuseUnused(options, ['variant'], 'it is the size of a fresh hypernetwork, which --untrained asks for');
  if (checkpoint === undefined) return shipped(checkpointFor(graph), graph, options);
  if (isShipped(checkpoint)) return shipped(fitOf(cardOf(checkpoint), graph), graph, options);
  const hypernet = await openHypernet(checkpoint, readingOptions(options));
  // A file that ships is for the same networks under whatever name it lies.
  const card = await cardOfFile(checkpoint);
  if (card !== undefined) {
    disposeHypernet(hypernet);
    return shipped(fitOf(card, graph), graph, options);
  }
  checkFit(hypernet.config, graph, { name: checkpoint, hasNewHead: newHead === true, newHead: NEW_HEAD });
  return {
    hypernet,
    hasNewHead: newHead === true,
    origin: { ...originOf(checkpoint, headSeed), ...notesFor(await metadataOf(checkpoint), graph) },
    remarks: [],
  };
}

/** Throws CliError for the first of these options that was given: it would change nothing. */
function refuseUnused(
  options: HypernetOptions,
  names: ReadonlyArray<'variant' | 'ema' | 'assume' | 'reference'>,
  why: string,
): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given !== undefined) throw new CliError(`--${given} has no effect here: ${why}`);
}

async function metadataOf(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await openTensorFile(path);
  await file.close();
  return file.metadata;
}

async function shipped(
  { card, needsNewHead, remarks }: CheckpointFit,
  graph: Graph,
  options: HypernetOptions,
): Promise<OpenedHypernet> {
  refuseUnused(
    options,
    ['ema', 'assume', 'reference'],
    `${card.name} ships with one set of parameters and all its sizes; give another hypernetwork's file with --checkpoint`,
  );
  const { newHead, seed } = options;
  const hasNewHead = needsNewHead || newHead === true;
  const answers = card.task.kind === 'images' ? `${card.task.classes} classes` : `${card.task.vocab} tokens`;
  return {
    hypernet: await loadCheckpoint(card.name),
    hasNewHead,
    origin: provenance(card, graph, hasNewHead ? seed : null),
    remarks: [
      `filled from ${card.name}, which ships`,
      ...(needsNewHead ? [`the last layer is drawn anew, since ${card.name} knows ${answers}`] : []),
      ...remarks,
    ],
  };
}
