// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = {
  name: 'gpts-wikitext2-bpe',
  title: "starts for GPT-2s over GPT-2's own tokens, their heads tied or not",
  decoder: 'template',
  parameters: 5955429,
  file: 'gpts-wikitext2-bpe.safetensors',
  bytes: 11918098,
  dtype: 'F16',
  sha256: '102d5111a69c1ecc12951c43cf1753906696472038fafe52ee29847848dc50f0',
  task: {
    kind: 'text',
    tokenizer: 'gpt2',
    vocab: 50257,
    context: 64,
    heads: ['own', 'tied'],
  },
  maxWidth: 256,
  roles: [
    'attention_out',
    'attention_qkv',
    'bias',
    'head',
    'mlp_in',
    'mlp_out',
    'norm_bias',
    'norm_gain',
    'position',
    'token_embedding',
  ],
  trainedOn: {
    data: "the first 3,600 blocks of 64 tokens of WikiText-2's validation text",
    licence: 'CC BY-SA',
    command:
      'logah train --dataset gpts-1k --heads both --data text --data-dir DIR --tokenizer gpt2 --context 64 --train-samples 3600 --variant template-tiny --max-width 256 --batch 8 --lr 2e-3 --epochs 10 --steps-per-epoch 100 --warmup-epochs 1 --ema 0.99 --seed 0 --out gpts-wikitext2-bpe',
    architectures: 'gpts-1k',
    seed: 0,
    steps: 1000,
    batch: 8,
  },
  curve: [
    {
      step: 500,
      loss: 5.8995,
      accuracy: 0.2262,
    },
    {
      step: 1000,
      loss: 5.7543,
      accuracy: 0.2401,
    },
  ],
  reached: [
    {
      architecture: 'gpt2:layers=5,heads=8,hidden=152,vocab=50257,context=64,tied=false',
      loss: 5.7363,
      accuracy: 0.2406,
    },
    {
      architecture: 'gpt2:layers=9,heads=8,hidden=176,vocab=50257,context=64,tied=false',
      loss: 5.7384,
      accuracy: 0.2396,
    },
    {
      architecture: 'gpt2:layers=7,heads=8,hidden=120,vocab=50257,context=64,tied=false',
      loss: 5.7354,
      accuracy: 0.2406,
    },
    {
      architecture: 'gpt2:layers=3,heads=8,hidden=216,vocab=50257,context=64,tied=true',
      loss: 5.8072,
      accuracy: 0.2396,
    },
  ],
};
