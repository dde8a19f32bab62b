// How two records of training GPTs start: role, distribution, source.
import { classLayer, type Graph, parameterRoles } from '@logah/graph-ir';
import type { Random } from '@logah/random';
import type { TensorRecord } from '@logah/tensor-ops';
import type * as tf from '@tensorflow/tfjs-core';
import { attentionLayers } from './attention-layers.js';
import { type Distribution, normal, type RoleDistributions, withDistributions, zeros } from './distributions.js';
import { InitializationError } from './error.js';

/** Uniform numbers of deviation factor / √fan_in. */
const uniformByFanIn = (factor: number): Distribution => ({
  kind: 'uniform',
  std: (fanIn) => factor / Math.sqrt(fanIn),
});

/** karpathy/nanochat, nanochat/gpt.py, `init_weights`; a gate, which it does not have, as the MLP's other input. */
const NANOCHAT: RoleDistributions = {
  token_embedding: normal(0.8),
  attention_qkv: uniformByFanIn(1),
  attention_query: uniformByFanIn(1),
  attention_key: uniformByFanIn(1),
  attention_value: uniformByFanIn(1),
  attention_out: zeros,
  mlp_in: uniformByFanIn(0.4),
  mlp_gate: uniformByFanIn(0.4),
  mlp_out: zeros,
  head: normal(0.001),
};

/**
 * KellerJordan/modded-nanogpt, train_gpt.py: `CastedLinear.reset_parameters`, projections and head 0, torch's
 * embedding.
 */
const MODDED_NANOGPT: RoleDistributions = {
  token_embedding: normal(1),
  attention_qkv: uniformByFanIn(0.5),
  attention_query: uniformByFanIn(0.5),
  attention_key: uniformByFanIn(0.5),
  attention_value: uniformByFanIn(0.5),
  attention_out: zeros,
  mlp_in: uniformByFanIn(0.5),
  mlp_gate: uniformByFanIn(0.5),
  mlp_out: zeros,
  head: zeros,
};

/**
 * Parameters as nanochat starts them: token embedding N(0, 0.8²), query, key and value uniform of deviation 1/√d, the
 * MLP's input 0.4 times that, both projections into the residual stream 0, head N(0, 0.001²). Other parameters are
 * copied; the caller owns the tensors. Throws {@link InitializationError} for a graph that is not a causal language
 * model with a head of its own.
 */
export function withNanochatWeights(graph: Graph, parameters: TensorRecord, random: Random): Record<string, tf.Tensor> {
  checkLanguageModel(graph, 'nanochat');
  return withDistributions(graph, parameters, NANOCHAT, random);
}

/**
 * Parameters as modded-nanogpt starts them: token embedding N(0, 1), matrices uniform of deviation 0.5/√d,
 * projections into the residual stream and head 0. Other parameters are copied; the caller owns the tensors. Throws
 * {@link InitializationError} for a graph that is not a causal language model with a head of its own.
 */
export function withModdedNanogptWeights(
  graph: Graph,
  parameters: TensorRecord,
  random: Random,
): Record<string, tf.Tensor> {
  checkLanguageModel(graph, 'modded-nanogpt');
  return withDistributions(graph, parameters, MODDED_NANOGPT, random);
}

function checkLanguageModel(graph: Graph, start: string): void {
  const roles = parameterRoles(graph);
  const layers = attentionLayers(graph);
  const isCausal = layers.length > 0 && layers.every((layer) => layer.isCausal);
  if (!isCausal || ![...roles.values()].includes('token_embedding')) {
    throw new InitializationError(
      `"${start}" is a start for causal language models (gpt2, llama), ` +
        `and "${graph.name}" is none: "mimetic", "orthogonal" and "random" fit`,
    );
  }
  const head = classLayer(graph)?.parameters.weight;
  if (head === undefined || roles.get(head) !== 'head') {
    throw new InitializationError(
      `"${start}" draws token embedding and head apart, but "${graph.name}" shares one table for both: use tied=false`,
    );
  }
}
