// Files of `--strict` in PyTorch itself: torchvision's and transformers' own networks load them strictly, and answer.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLogah } from './command.js';

/** PYTHON names another than the first on the path. */
const python = process.env.PYTHON ?? 'python3';
const hasTorch = ((): boolean => {
  try {
    execFileSync(python, ['-c', 'import torch, torchvision, transformers, safetensors'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(`Strict loading is not tested: ${python} has no torch, torchvision, transformers and safetensors.`);
    return false;
  }
})();

interface Network {
  /** As `logah` reads it, or the config.json of a model of transformers. */
  readonly architecture: string | Readonly<Record<string, unknown>>;
  /** A function or class of torchvision.models, or a class of transformers. */
  readonly network: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where parameters have other names in memory than in files, which only from_pretrained knows. */
  readonly isPretrained?: true;
}

const hub = (network: string, config: Readonly<Record<string, unknown>>): Network => ({
  architecture: { architectures: [network], ...config },
  network,
  options: config,
});

const VIT_SIZES = { image_size: 32, patch_size: 8, num_labels: 10 };
const ENCODER_SIZES = { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64 };
const TEXT_SIZES = { vocab_size: 50, max_position_embeddings: 16 };
const GPT2_SIZES = { n_layer: 2, n_head: 2, n_embd: 32, vocab_size: 50, n_positions: 16 };

const NETWORKS: readonly Network[] = [
  {
    architecture: 'vit:layers=2,heads=2,hidden=32,mlp=64,patch=8,classes=10,image=32',
    network: 'VisionTransformer',
    options: {
      image_size: 32,
      patch_size: 8,
      num_layers: 2,
      num_heads: 2,
      hidden_dim: 32,
      mlp_dim: 64,
      num_classes: 10,
    },
  },
  ...['resnet18', 'mobilenet_v2', 'densenet121', 'efficientnet_b0'].map((name) => ({
    architecture: name,
    network: name,
    options: {},
  })),
  {
    architecture: 'gpt2:layers=2,heads=2,hidden=32,vocab=50,context=16',
    network: 'GPT2LMHeadModel',
    options: { model_type: 'gpt2', ...GPT2_SIZES },
  },
  {
    architecture: 'gpt2:layers=2,heads=2,hidden=32,vocab=50,context=16,tied=false',
    network: 'GPT2LMHeadModel',
    options: { model_type: 'gpt2', ...GPT2_SIZES, tie_word_embeddings: false },
  },
  {
    architecture: 'llama:layers=2,heads=4,kvHeads=2,hidden=32,mlp=64,vocab=50,context=16,tied=true',
    network: 'LlamaForCausalLM',
    options: {
      model_type: 'llama',
      ...TEXT_SIZES,
      ...ENCODER_SIZES,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      tie_word_embeddings: true,
    },
  },
  // Since transformers 5.
  { ...hub('ViTForImageClassification', { model_type: 'vit', ...VIT_SIZES, ...ENCODER_SIZES }), isPretrained: true },
  hub('ResNetForImageClassification', {
    model_type: 'resnet',
    num_labels: 10,
    embedding_size: 16,
    hidden_sizes: [16, 32],
    depths: [1, 1],
  }),
  hub('BertForMaskedLM', { model_type: 'bert', ...TEXT_SIZES, ...ENCODER_SIZES }),
  hub('RobertaForMaskedLM', { model_type: 'roberta', ...TEXT_SIZES, ...ENCODER_SIZES }),
  hub('DistilBertForMaskedLM', {
    model_type: 'distilbert',
    ...TEXT_SIZES,
    n_layers: 2,
    n_heads: 2,
    dim: 32,
    hidden_dim: 64,
  }),
  hub('Qwen2ForCausalLM', {
    model_type: 'qwen2',
    ...TEXT_SIZES,
    ...ENCODER_SIZES,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
  }),
];

describe.skipIf(!hasTorch)('a file of --strict loads with strict=True', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'logah-strict-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('in torchvision and transformers, value for value, and the network answers', async () => {
    const cases: Array<Readonly<Record<string, unknown>>> = [];
    for (const [i, { architecture, network, options, isPretrained }] of NETWORKS.entries()) {
      const own = join(folder, String(i));
      await mkdir(own);
      if (typeof architecture !== 'string') await writeFile(join(own, 'config.json'), JSON.stringify(architecture));
      const argument = typeof architecture === 'string' ? architecture : own;
      const file = join(own, 'model.safetensors');
      const { code, stderr } = await runLogah(folder, [
        'init',
        argument,
        '--init',
        'random',
        '--strict',
        '--out',
        file,
      ]);
      expect([code, stderr], network).toEqual([0, expect.not.stringContaining('strict')]);
      cases.push({ network, file, options, ...(isPretrained ? { folder: own } : {}) });
    }
    const script = fileURLToPath(new URL('strict_load.py', import.meta.url));
    const said = execFileSync(python, [script], { input: JSON.stringify(cases), stdio: ['pipe', 'pipe', 'ignore'] });
    const troubles: ReadonlyArray<string | null> = JSON.parse(said.toString());
    expect(NETWORKS.map(({ network }, i) => `${network}: ${troubles[i] ?? 'loads'}`)).toEqual(
      NETWORKS.map(({ network }) => `${network}: loads`),
    );
  }, 300_000);
});
