// Whether a hypernetwork is for a network at all: the same question for everything that fills one.
import { classLayer, type Graph, parameterRoles, toComputationalGraph } from '@logah/graph-ir';
import { encoderConfig, type HypernetConfig, HypernetError } from './config.js';
import { decoderOf } from './decoder.js';

export interface FitOptions {
  /** The hypernetwork's, for messages: its file. */
  readonly name: string;
  /** Whether the last layer is drawn anew. */
  readonly hasNewHead: boolean;
  /** What asks for that, for messages: `--new-head`. */
  readonly newHead: string;
}

/**
 * Throws {@link HypernetError} where a hypernetwork of this configuration is not for this network: of another domain, for other answers than
 * its own without a new head, with a new head where the network has none to draw, or with a tensor that its decoder cannot make.
 */
export function checkFit(config: HypernetConfig, graph: Graph, { name, hasNewHead, newHead }: FitOptions): void {
  checkDomain(config, graph, name);
  if (hasNewHead) checkOwnHead(graph, newHead);
  else checkAnswers(config, graph, name, newHead);
  const { nodeTypes } = encoderConfig(config);
  const decoder = decoderOf(config);
  // Paths of more than one edge make no targets.
  for (const target of toComputationalGraph(graph, { cutoff: 1, nodeTypes }).targets) decoder.plan(target);
}

/** Throws {@link HypernetError} where the last layer is the token embedding, which a new head, asked for by `newHead`, would replace. */
export function checkOwnHead(graph: Graph, newHead: string): void {
  const weight = classLayer(graph)?.parameters.weight;
  if (weight !== undefined && parameterRoles(graph).get(weight) === 'token_embedding') {
    throw new HypernetError(
      `"${graph.name}" answers with its token embedding, so ${newHead} would draw that anew; use tied=false`,
    );
  }
}

/** Of which domain a network is: one that looks up tokens is a language model. */
export const domainOf = (graph: Graph): HypernetConfig['domain'] =>
  [...parameterRoles(graph).values()].includes('token_embedding') ? 'language' : 'vision';

function checkDomain({ domain }: HypernetConfig, graph: Graph, name: string): void {
  const wanted = domainOf(graph);
  if (domain !== wanted) {
    throw new HypernetError(
      `${name}: a hypernetwork for ${domain} models, but "${graph.name}" is a ${wanted} model; use one that was trained with --data ${wanted === 'language' ? 'text' : 'cifar10 or other images'}`,
    );
  }
}

/** The classes of a LoGAH or GHN-3 for language are those of its shape embeddings, not its vocabulary. */
function checkAnswers({ classes, decoder, domain }: HypernetConfig, graph: Graph, name: string, newHead: string): void {
  const last = graph.values[graph.outputs[0]].shape.at(-1);
  if (last === classes || (domain === 'language' && decoder !== 'template')) return;
  throw new HypernetError(
    `${name}: a hypernetwork for ${classes} classes or tokens, but "${graph.name}" answers for ${last}; ${newHead} draws the last layer anew`,
  );
}
