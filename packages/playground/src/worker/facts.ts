// What the page says of a network before anything is predicted.
import { CARDS, type CheckpointCard, CheckpointError, checkpointFor, fitOf } from '@logah/checkpoints/catalog';
import {
  estimateCost,
  type Graph,
  GraphError,
  parameterCount,
  parameterRoles,
  summarizeComputationalGraph,
  toComputationalGraph,
} from '@logah/graph-ir';
import { type HypernetChoice, type NetworkFacts, UNTRAINED } from './protocol.js';

export interface OpenedNetwork {
  readonly graph: Graph;
  /** As `logah` reads it, or the name of the file. */
  readonly name: string;
  readonly assumed: readonly string[];
  /** Values that a dropped file has for parameters that no hypernetwork predicts. */
  readonly values?: (parameter: string) => Float32Array | undefined;
}

/** What a tab can hold beside its copy for a download. */
const MOST_PARAMETERS = 150e6;

/** A graph of more nodes has a matrix of distances that fills a phone's memory. */
const MOST_NODES = 6000;

/** What there is to say of a network. */
export function factsOf({ graph, name, assumed }: OpenedNetwork): NetworkFacts {
  const { computational, trouble } = lowered(graph);
  const fitting = fittingCards(graph);
  return {
    name,
    parameters: parameterCount(graph),
    tensors: graph.parameters.length,
    flops: flopsOf(graph),
    computational,
    trouble,
    hypernets: computational === null ? [] : [...fitting.choices, UNTRAINED_CHOICE],
    unfit: fitting.reason,
    tooLarge: tooLargeFor(graph),
    assumed,
  };
}

/** Why a network cannot be filled in a tab; null where it can. */
export function tooLargeFor(graph: Graph): string | null {
  const count = parameterCount(graph);
  return count <= MOST_PARAMETERS
    ? null
    : `${Math.round(count / 1e6).toLocaleString('en-US')} million parameters are more than a tab can hold (${MOST_PARAMETERS / 1e6} million).`;
}

/** The domain of hypernetworks for a network. */
export const domainOf = (graph: Graph): 'language' | 'vision' =>
  [...parameterRoles(graph).values()].includes('token_embedding') ? 'language' : 'vision';

const UNTRAINED_CHOICE: HypernetChoice = {
  name: UNTRAINED,
  title: 'an untrained LoGAH of the size tiny: fills any network',
  bytes: 0,
  remarks: ['The hypernetwork is untrained: a network filled by it trains worse than from a random start.'],
};

function lowered(graph: Graph): Pick<NetworkFacts, 'computational' | 'trouble'> {
  if (graph.operators.length > MOST_NODES) {
    return { computational: null, trouble: `${graph.operators.length} operators are too many to show distances of` };
  }
  try {
    const summary = summarizeComputationalGraph(toComputationalGraph(graph));
    const { nodes, edges, maxDistance } = summary;
    return {
      computational: { nodes: nodes.length, edges: edges.length, largestDistance: maxDistance },
      trouble: null,
    };
  } catch (error) {
    if (error instanceof GraphError) return { computational: null, trouble: error.message };
    throw error;
  }
}

/** With one sample, and as much text as the network takes. */
function flopsOf(graph: Graph): number | null {
  const roles = parameterRoles(graph);
  const positions = graph.parameters.find(({ name }) => roles.get(name) === 'position');
  const time = domainOf(graph) === 'language' ? (positions?.shape[0] ?? 1024) : 1;
  try {
    return estimateCost(graph, { batch: 1, time }).flops;
  } catch (error) {
    if (error instanceof GraphError) return null;
    throw error;
  }
}

function fittingCards(graph: Graph): { readonly choices: readonly HypernetChoice[]; readonly reason: string | null } {
  try {
    const best = checkpointFor(graph).card;
    const others = CARDS.filter((card) => card !== best);
    return { choices: [best, ...others].flatMap((card) => choiceOf(card, graph)), reason: null };
  } catch (error) {
    if (error instanceof CheckpointError) return { choices: [], reason: error.message };
    throw error;
  }
}

function choiceOf(card: CheckpointCard, graph: Graph): HypernetChoice[] {
  try {
    const { needsNewHead, remarks } = fitOf(card, graph);
    const head = needsNewHead ? ['The last layer is drawn anew: the hypernetwork knows other classes.'] : [];
    return [{ name: card.name, title: card.title, bytes: card.bytes, remarks: [...remarks, ...head] }];
  } catch (error) {
    if (error instanceof CheckpointError) return [];
    throw error;
  }
}
