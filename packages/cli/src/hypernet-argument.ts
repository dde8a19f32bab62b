// Which hypernetwork fills a network: a shipped one that fits, one by name or file, or a fresh one where that is asked for.
import { type CheckpointFit, cardOf, checkpointFor, fitOf, isShipped } from '@logah/checkpoints';
import { loadCheckpoint } from '@logah/checkpoints/node';
import { type Graph, parameterRoles } from '@logah/graph-ir';
import {
  createHypernet,
  HYPERNET_VARIANTS,
  type Hypernet,
  type HypernetConfig,
  type HypernetVariant,
  hypernetPreset,
} from '@logah/hypernet';
import { readHypernet } from '@logah/hypernet/node';
import { createRandom } from '@logah/random';
import { Option } from 'commander';
import { type CheckpointOptions, readingOptions, TENSOR_FILE_HELP } from './checkpoint-options.js';
import { CliError } from './errors.js';

export interface HypernetOptions extends CheckpointOptions {
  readonly checkpoint?: string;
  readonly untrained?: true;
  readonly variant: HypernetVariant;
  readonly newHead?: true;
  readonly seed: number;
}

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
  new Option('--variant <name>', 'the size of a fresh hypernetwork').choices(HYPERNET_VARIANTS).default('tiny'),
  new Option('--new-head', 'draws the last layer anew: for other classes than the hypernetwork knows'),
];

/** A hypernetwork that fits a network. */
export interface OpenedHypernet {
  readonly hypernet: Hypernet;
  /** As files and messages name it. */
  readonly name: string;
  /** The last layer is drawn, not predicted. */
  readonly hasNewHead: boolean;
  /** What the user should know of the prediction. */
  readonly remarks: readonly string[];
}

/**
 * Opens the hypernetwork for a network. Throws CliError, CheckpointError, SafetensorsError or HypernetError with what does not fit, and what would.
 */
export async function hypernetFor(graph: Graph, options: HypernetOptions): Promise<OpenedHypernet> {
  const { checkpoint, untrained, variant, newHead, seed } = options;
  if (untrained) {
    const domain = isLanguageModel(graph) ? 'language' : 'vision';
    return {
      hypernet: createHypernet(hypernetPreset(variant, { domain }), createRandom(seed)),
      name: `untrained ${variant}, seed ${seed}`,
      hasNewHead: newHead === true,
      remarks: ['the hypernetwork is untrained: the network will train worse than from a random start'],
    };
  }
  if (checkpoint === undefined) return shipped(checkpointFor(graph), newHead);
  if (isShipped(checkpoint)) return shipped(fitOf(cardOf(checkpoint), graph), newHead);
  const hypernet = await readHypernet(checkpoint, readingOptions(options));
  checkDomain(hypernet.config, graph, checkpoint);
  checkAnswers(hypernet.config, graph, checkpoint, newHead === true);
  return { hypernet, name: checkpoint, hasNewHead: newHead === true, remarks: [] };
}

async function shipped(
  { card, needsNewHead, remarks }: CheckpointFit,
  newHead: true | undefined,
): Promise<OpenedHypernet> {
  const hasNewHead = needsNewHead || newHead === true;
  const answers = card.task.kind === 'images' ? `${card.task.classes} classes` : `${card.task.vocab} tokens`;
  return {
    hypernet: await loadCheckpoint(card.name),
    name: card.name,
    hasNewHead,
    remarks: [
      ...(needsNewHead ? [`the last layer is drawn anew, since ${card.name} knows ${answers}`] : []),
      ...remarks,
    ],
  };
}

const isLanguageModel = (graph: Graph): boolean => [...parameterRoles(graph).values()].includes('token_embedding');

function checkDomain({ domain }: HypernetConfig, graph: Graph, name: string): void {
  const wanted = isLanguageModel(graph) ? 'language' : 'vision';
  if (domain !== wanted) {
    throw new CliError(
      `${name}: a hypernetwork for ${domain} models, but "${graph.name}" is a ${wanted} model; use one that was trained with --data ${wanted === 'language' ? 'text' : 'cifar10 or other images'}`,
    );
  }
}

function checkAnswers({ classes }: HypernetConfig, graph: Graph, name: string, hasNewHead: boolean): void {
  const last = graph.values[graph.outputs[0]].shape.at(-1);
  if (hasNewHead || last === classes) return;
  throw new CliError(
    `${name}: a hypernetwork for ${classes} classes or tokens, but "${graph.name}" answers for ${last}; --new-head draws the last layer anew`,
  );
}
