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
  sha256: '3f596f9489f7a3d984b5b785a0c1a75fad766687635f98710d0c92925a275d00',
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
    data: 'CIFAR-10 (JPEG copies), the first 40,000 of 50,000 training images',
    licence: 'none stated by its authors',
    command:
      'logah train --dataset vits-small --data cifar10 --data-dir DIR --train-samples 40000 --variant template-small --patch 8 --batch 64 --epochs 12 --steps-per-epoch 600 --ema 0.995 --seed 0 --out vits-small-cifar10 (its first 3,807 steps on a schedule of 20 epochs; stopped after 6,031 steps)',
    architectures: 'vits-small',
    seed: 0,
    steps: 6031,
    batch: 64,
  },
  curve: [
    {
      step: 1500,
      loss: 1.6205,
      accuracy: 0.404,
    },
    {
      step: 3000,
      loss: 1.4803,
      accuracy: 0.4585,
    },
    {
      step: 4500,
      loss: 1.3977,
      accuracy: 0.489,
    },
    {
      step: 6000,
      loss: 1.3382,
      accuracy: 0.515,
    },
  ],
  reached: [
    {
      architecture: 'vit:layers=2,heads=4,hidden=40,mlp=160,patch=8,classes=10,image=32',
      loss: 1.3812,
      accuracy: 0.494,
    },
    {
      architecture: 'vit:layers=3,heads=4,hidden=56,mlp=224,patch=8,classes=10,image=32',
      loss: 1.2953,
      accuracy: 0.536,
    },
  ],
};
