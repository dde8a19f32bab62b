// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = {
  name: 'vits-cifar10',
  title: 'starts for vision transformers with patches of 4 on 32×32 colour images',
  decoder: 'template',
  parameters: 2040398,
  file: 'vits-cifar10.safetensors',
  bytes: 4087780,
  dtype: 'F16',
  sha256: '3a5ab295bf3ee12173a957fe81a48fe4ad5cde6ffb7faf8292832bc17ffa0d64',
  task: {
    kind: 'images',
    image: 32,
    patch: 4,
    classes: 10,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
  },
  maxWidth: 512,
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
      'logah train --dataset vits-1k --width-step 16 --data cifar10 --data-dir DIR --train-samples 40000 --variant template-tiny --patch 4 --batch 32 --lr 1e-3 --epochs 14 --steps-per-epoch 120 --ema 0.995 --seed 0 --out vits-cifar10 (its first 898 steps on a schedule of 20 epochs)',
    architectures: 'vits-1k',
    seed: 0,
    steps: 1680,
    batch: 32,
  },
  curve: [
    {
      step: 400,
      loss: 1.9583,
      accuracy: 0.2675,
    },
    {
      step: 800,
      loss: 1.84,
      accuracy: 0.32,
    },
    {
      step: 1200,
      loss: 1.7346,
      accuracy: 0.353,
    },
    {
      step: 1600,
      loss: 1.6685,
      accuracy: 0.38,
    },
    {
      step: 1680,
      loss: 1.6643,
      accuracy: 0.3832,
    },
  ],
  reached: [
    {
      architecture: 'vit:layers=9,heads=4,hidden=208,mlp=832,patch=4,classes=10,image=32',
      loss: 1.6487,
      accuracy: 0.386,
    },
    {
      architecture: 'vit:layers=6,heads=4,hidden=208,mlp=832,patch=4,classes=10,image=32',
      loss: 1.6515,
      accuracy: 0.392,
    },
    {
      architecture: 'vit:layers=7,heads=8,hidden=208,mlp=832,patch=4,classes=10,image=32',
      loss: 1.6525,
      accuracy: 0.376,
    },
    {
      architecture: 'vit:layers=7,heads=12,hidden=144,mlp=576,patch=4,classes=10,image=32',
      loss: 1.7045,
      accuracy: 0.379,
    },
  ],
};
