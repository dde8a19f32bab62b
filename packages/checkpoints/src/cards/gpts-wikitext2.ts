// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = {
  name: 'gpts-wikitext2',
  title: 'starts for GPT-2s over bytes of English text',
  decoder: 'template',
  parameters: 1121821,
  file: 'gpts-wikitext2.safetensors',
  bytes: 2250730,
  dtype: 'F16',
  sha256: '3d39309fb1f3dccd7f76649e9377200ed00966bda8b16a018a5e8ef0d2ad777c',
  task: {
    kind: 'text',
    tokenizer: 'bytes',
    vocab: 257,
    context: 128,
    heads: ['own'],
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
    data: "the first 7,000 blocks of 128 bytes of WikiText-2's validation text",
    licence: 'CC BY-SA',
    command:
      'logah train --dataset gpts-1k --data text --data-dir DIR --tokenizer bytes --context 128 --train-samples 7000 --variant template-tiny --max-width 256 --batch 16 --lr 1.5e-3 --epochs 15 --steps-per-epoch 100 --ema 0.995 --seed 0 --out gpts-wikitext2',
    architectures: 'gpts-1k',
    seed: 0,
    steps: 1500,
    batch: 16,
  },
  curve: [
    {
      step: 500,
      loss: 2.3563,
      accuracy: 0.3276,
    },
    {
      step: 1000,
      loss: 2.2161,
      accuracy: 0.357,
    },
    {
      step: 1500,
      loss: 2.08,
      accuracy: 0.3911,
    },
  ],
  reached: [
    {
      architecture: 'gpt2:layers=3,heads=8,hidden=176,vocab=257,context=128,tied=false',
      loss: 2.1267,
      accuracy: 0.378,
    },
    {
      architecture: 'gpt2:layers=7,heads=8,hidden=120,vocab=257,context=128,tied=false',
      loss: 2.0411,
      accuracy: 0.4021,
    },
    {
      architecture: 'gpt2:layers=3,heads=8,hidden=192,vocab=257,context=128,tied=false',
      loss: 2.1244,
      accuracy: 0.3792,
    },
    {
      architecture: 'gpt2:layers=7,heads=8,hidden=168,vocab=257,context=128,tied=false',
      loss: 2.0277,
      accuracy: 0.4049,
    },
  ],
};
