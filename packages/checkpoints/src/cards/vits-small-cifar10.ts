// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = {
  name: 'vits-small-cifar10',
  title: 'starts for small vision transformers with patches of 8 on 32×32 colour images',
  decoder: 'template',
  parameters: 585230,
  file: 'vits-small-cifar10.safetensors',
  bytes: 1176828,
  dtype: 'F16',
  sha256: '0b8ab7871138eb0a437c985de861f8d57e44e5764636ffc9de64633e24f379af',
  task: {
    kind: 'images',
    image: 32,
    patch: 8,
    classes: 10,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
  },
  maxWidth: 96,
  roles: [
    'attention_out',
    'attention_qkv',
    'bias',
    'head',
    'mlp_in',
    'mlp_out',
    'norm_bias',
    'norm_gain',
    'patch_embedding',
    'position',
  ],
  trainedOn: {
    data: 'CIFAR-10 (JPEG copies), 40,000 of 50,000 training images',
    licence: 'none stated by its authors',
    architectures: 'vits-small',
    command: 'logah train …',
    seed: 0,
    steps: 1882,
    batch: 64,
  },
  curve: [
    {
      step: 1500,
      loss: 1.6205,
      accuracy: 0.404,
    },
  ],
  reached: [
    {
      architecture: 'vit:layers=2,heads=4,hidden=40,mlp=160,patch=8,classes=10,image=32',
      loss: 1.6495,
      accuracy: 0.391,
    },
    {
      architecture: 'vit:layers=3,heads=4,hidden=56,mlp=224,patch=8,classes=10,image=32',
      loss: 1.5915,
      accuracy: 0.417,
    },
  ],
};
