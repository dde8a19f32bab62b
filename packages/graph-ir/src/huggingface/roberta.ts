// RoBERTa with Hugging Face's names (transformers.RobertaForMaskedLM, RobertaForSequenceClassification, RobertaModel).
import { GraphBuilder } from '../builder.js';
import type { Graph } from '../graph.js';
import { bertEncoder, bertPooler, type HuggingFaceBertConfig } from './bert.js';

/**
 * The graph of a RoBERTa: a BERT with heads of its own, whose first place has the row `firstPosition` of the positions' table: the one after the padding's.
 * Inputs and results are those of a BERT. No place is padding. Throws GraphError when sizes do not fit each other.
 */
export function buildHuggingFaceRoberta(config: HuggingFaceBertConfig, firstPosition: number): Graph {
  const { hidden, vocab, epsilon, head } = config;
  const g = new GraphBuilder('roberta');
  const prefix = head.type === 'none' ? '' : 'roberta.';
  const x = bertEncoder(g, config, prefix, firstPosition);
  switch (head.type) {
    case 'none':
      return g.build([x, bertPooler(g, x, prefix)]);
    case 'classes': {
      const dense = g.linear(g.select(x, 1, 0), 'classifier.dense', { out: hidden });
      return g.build([g.linear(g.activation(dense, 'tanh'), 'classifier.out_proj', { out: head.classes })]);
    }
    case 'masked-tokens': {
      // This head's activation is GELU, whatever the blocks have.
      const dense = g.activation(g.linear(x, 'lm_head.dense', { out: hidden }), 'gelu');
      const weight = head.isTied ? `${prefix}embeddings.word_embeddings.weight` : 'lm_head.decoder.weight';
      const options = { out: vocab, weight, bias: 'lm_head.bias' };
      return g.build([g.linear(g.layerNorm(dense, 'lm_head.layer_norm', epsilon), 'lm_head.decoder', options)]);
    }
  }
}
