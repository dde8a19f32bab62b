// Which checkpoint fits a network: by what the network takes and answers, and by the roles of its parameters.
import { classLayer, type Graph, type ParameterRole, parameterRoles } from '@logah/graph-ir';
import { type CheckpointCard, CheckpointError, type ImageTask, type TextTask } from './card.js';

/** How a checkpoint fits a network. */
export interface CheckpointFit {
  readonly card: CheckpointCard;
  /** The network answers for other classes: its last layer is to be drawn anew. */
  readonly needsNewHead: boolean;
  /** What is stretched to fit, in words; such a start is less good than one of the sizes that were trained. */
  readonly remarks: readonly string[];
}

/**
 * The checkpoint that fits a network best: one of the same patches before one that is resized, the one with the most parameters first.
 * Throws {@link CheckpointError} where none fits, with all that stands against each, how to train one and how to do without.
 */
export function checkpointFor(graph: Graph, cards: readonly CheckpointCard[]): CheckpointFit {
  const judged = cards.map((card) => ({ card, ...judge(card, graph) }));
  const fitting = judged.filter(({ reasons }) => reasons.length === 0);
  const [best] = fitting.sort((a, b) => a.remarks.length - b.remarks.length || b.card.parameters - a.card.parameters);
  if (best !== undefined) return { card: best.card, needsNewHead: best.needsNewHead, remarks: best.remarks };
  const lines = judged.map(({ card, reasons }) => `  ${card.name} (${card.title}): ${reasons.join('; ')}`);
  throw new CheckpointError(
    [
      `no shipped checkpoint fits the network "${graph.name}":`,
      ...lines,
      'Train one for it (`logah train --help`) and give its file with --checkpoint, or start without one (`logah init --help`);',
      '--untrained asks for a fresh one.',
    ].join('\n'),
  );
}

/** How this checkpoint fits a network. Throws {@link CheckpointError} with what stands against it. */
export function fitOf(card: CheckpointCard, graph: Graph): CheckpointFit {
  const { reasons, needsNewHead, remarks } = judge(card, graph);
  if (reasons.length > 0)
    throw new CheckpointError(
      `the checkpoint ${card.name} does not fit the network "${graph.name}": ${reasons.join('; ')}`,
    );
  return { card, needsNewHead, remarks };
}

interface Judgement {
  /** What stands against it. */
  readonly reasons: readonly string[];
  readonly needsNewHead: boolean;
  readonly remarks: readonly string[];
}

function judge(card: CheckpointCard, graph: Graph): Judgement {
  const roles = parameterRoles(graph);
  const present = new Set(roles.values());
  const unknown = [...present].filter((role) => !isKnown(role, card));
  const unfilled =
    unknown.length > 0
      ? [`it never learned to fill ${unknown.map((role) => role.replaceAll('_', ' ')).join(', ')}`]
      : [];
  const shapeOf = (wanted: ParameterRole): readonly number[] | undefined =>
    graph.parameters.find(({ name }) => roles.get(name) === wanted)?.shape;
  const answers = lastSize(graph.values[graph.outputs[0]].shape);
  const { task } = card;
  // What it says of tokens is nothing to a network of images, nor the other way round.
  if (unfilled.length > 0 && (task.kind === 'text') !== present.has('token_embedding'))
    return { reasons: unfilled, needsNewHead: false, remarks: [] };
  const head = present.has('head') ? 'own' : 'tied';
  const own =
    task.kind === 'images'
      ? judgeImages(task, graph, shapeOf('patch_embedding')?.[2])
      : judgeText(task, answers, head, shapeOf('position')?.[0]);
  const width = widthOf(graph);
  const remarks = width > card.maxWidth ? [`features beyond ${card.maxWidth} repeat those before them`] : [];
  const needsNewHead = task.kind === 'images' && answers !== task.classes;
  return { reasons: [...unfilled, ...own.reasons], needsNewHead, remarks: [...own.remarks, ...remarks] };
}

/** Class tokens are not predicted by anything; their first values are fixed. */
const isKnown = (role: ParameterRole, { roles }: CheckpointCard): boolean =>
  role === 'class_token' || roles.includes(role);

type OfTask = Pick<Judgement, 'reasons' | 'remarks'>;

function judgeImages({ image, patch }: ImageTask, graph: Graph, ownPatch: number | undefined): OfTask {
  const [, channels, height, width] = graph.values[graph.inputs[0]].shape;
  if (channels !== 3 || height === undefined || height !== width) {
    return { reasons: [`it is for square images of 3 channels, [batch, 3, ${image}, ${image}]`], remarks: [] };
  }
  const isSame = ownPatch === patch && height === image;
  return {
    reasons: [],
    remarks: isSame
      ? []
      : [`patches of ${patch} pixels in images of ${image} are resized to patches of ${ownPatch} in ${height}`],
  };
}

const TOKENIZERS: Readonly<Record<TextTask['tokenizer'], string>> = { bytes: 'bytes', gpt2: "GPT-2's" };

function judgeText(
  { vocab, tokenizer, context, heads }: TextTask,
  answers: number | undefined,
  head: 'own' | 'tied',
  positions = context,
): OfTask {
  const isOfTokens = answers === vocab;
  const reasons = [
    ...(isOfTokens
      ? []
      : [
          `its tokens are ${TOKENIZERS[tokenizer]}, ${vocab} of them, and this network has ${answers ?? 'no fixed number'}`,
        ]),
    ...(head === 'own' || heads.includes('tied')
      ? []
      : [
          `it learned a head of its own, and this network’s is its token embedding${isOfTokens ? ': use tied=false' : ''}`,
        ]),
  ];
  return {
    reasons,
    remarks: positions > context ? [`positions beyond ${context} repeat those before them`] : [],
  };
}

/** Features of a token: what the head reads. */
function widthOf(graph: Graph): number {
  const name = classLayer(graph)?.parameters.weight;
  const shape = graph.parameters.find((parameter) => parameter.name === name)?.shape ?? [];
  return shape[1] ?? 0;
}

const lastSize = (shape: readonly (number | string)[]): number | undefined => {
  const last = shape.at(-1);
  return typeof last === 'number' ? last : undefined;
};
