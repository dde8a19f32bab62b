// Which networks and samples belong together.
import { buildArchitecture, type Graph, parseArchitecture } from '@logah/graph-ir';
import { graphFromConfig } from '@logah/graph-ir/huggingface';
import { describe, expect, it } from 'vitest';
import { misfitOf } from '../src/index.js';

const built = (text: string): Graph => buildArchitecture(parseArchitecture(text));
const GPT = built('gpt2:layers=1,heads=2,hidden=16,vocab=257,context=16');
const VIT = built('vit:layers=1,heads=2,hidden=16,mlp=16,patch=4,classes=10,image=8');
const text = (vocab: number, context: number) => ({ kind: 'text', vocab, context }) as const;
const images = (classes: number, image: number) => ({ kind: 'images', classes, image }) as const;

describe('misfitOf', () => {
  it.each([
    ['a shorter text', GPT, text(257, 8)],
    ['the whole context', GPT, text(257, 16)],
    [
      'any length without places',
      built('llama:layers=1,heads=2,kvHeads=2,hidden=16,mlp=16,vocab=257,context=16'),
      text(257, 99),
    ],
    ['its own images', VIT, images(10, 8)],
  ])('is nothing for %s', (_, graph, samples) => {
    expect(misfitOf(graph, samples)).toBeUndefined();
  });

  it.each([
    ['more tokens', GPT, text(300, 16), 'the network answers for 257 tokens, but the data has 300: use vocab=300'],
    ['fewer tokens', GPT, text(200, 16), 'the network answers for 257 tokens, but the data has 200: use vocab=200'],
    [
      'longer blocks',
      GPT,
      text(257, 17),
      'the network has a context of 16 tokens, but the blocks of the data have 17: use context=17, or blocks of 16 at most',
    ],
    ['other classes', VIT, images(7, 8), 'the network answers for 10 classes, but the data has 7: use classes=7'],
    ['larger images', VIT, images(10, 9), 'the network takes images of 3×8×8, but the data has 3×9×9: use image=9'],
  ])('names %s', (_, graph, samples, sentence) => {
    expect(misfitOf(graph, samples)).toBe(sentence);
  });

  it('counts the places behind the first ones, which RoBERTa leaves alone', () => {
    const roberta = graphFromConfig(
      JSON.stringify({
        ...{ model_type: 'roberta', architectures: ['RobertaForMaskedLM'], vocab_size: 50, hidden_size: 8 },
        ...{ num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 8, max_position_embeddings: 12 },
      }),
    );
    expect(misfitOf(roberta, text(50, 10))).toBeUndefined();
    expect(misfitOf(roberta, text(50, 11))).toContain('a context of 10 tokens');
  });
});
