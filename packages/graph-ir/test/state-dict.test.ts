// What strict loading in PyTorch asks for beside parameters; counts and names are torchvision's and transformers'.
import { describe, expect, it } from 'vitest';
import { graphFromConfig } from '../src/huggingface.js';
import { buildArchitecture, didYouMean, extraStates, parseArchitecture } from '../src/index.js';

const extrasOf = (architecture: string) => extraStates(buildArchitecture(parseArchitecture(architecture)));

describe('extraStates', () => {
  it('has three buffers for each of the 20 batch norms of torchvision’s ResNet-18', () => {
    const extras = extrasOf('resnet18');
    expect(extras).toHaveLength(60);
    expect(extras.slice(0, 3)).toEqual([
      { kind: 'buffer', name: 'bn1.running_mean', shape: [64], value: 0 },
      { kind: 'buffer', name: 'bn1.running_var', shape: [64], value: 1 },
      { kind: 'buffer', name: 'bn1.num_batches_tracked', shape: [], value: 0 },
    ]);
    expect(extras.map(({ name }) => name)).toContain('layer4.0.downsample.1.running_var');
  });

  it('has the tied head of GPT-2, and nothing for one of its own or for ViTs', () => {
    const sizes = 'layers=2,heads=2,hidden=16,vocab=30,context=8';
    expect(extrasOf(`gpt2:${sizes}`)).toEqual([
      { kind: 'tied', name: 'lm_head.weight', shape: [30, 16], parameter: 'transformer.wte.weight' },
    ]);
    expect(extrasOf(`gpt2:${sizes},tied=false`)).toEqual([]);
    expect(extrasOf('vit-s')).toEqual([]);
  });

  it('has both names of the tied head of BERT, and that of a bias that is kept beside it', () => {
    const sizes = { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32 };
    const config = { model_type: 'bert', architectures: ['BertForMaskedLM'], vocab_size: 30, ...sizes };
    const head = 'cls.predictions';
    const weight = {
      kind: 'tied',
      name: `${head}.decoder.weight`,
      shape: [30, 16],
      parameter: 'bert.embeddings.word_embeddings.weight',
    };
    const bias = { kind: 'tied', name: `${head}.decoder.bias`, shape: [30], parameter: `${head}.bias` };
    expect(extraStates(graphFromConfig(JSON.stringify(config)))).toEqual([weight, bias]);
    const untied = { ...config, tie_word_embeddings: false };
    expect(extraStates(graphFromConfig(JSON.stringify(untied)))).toEqual([bias]);
    expect(
      extraStates(graphFromConfig(JSON.stringify({ ...config, architectures: ['BertForSequenceClassification'] }))),
    ).toEqual([]);
  });
});

describe('didYouMean', () => {
  it('names what is near, and nothing that is far', () => {
    expect(didYouMean('resnet-50', ['resnet18', 'resnet50'])).toBe('; did you mean "resnet50"?');
    expect(didYouMean('VIT-S', ['vit-s', 'vit-b'])).toBe('; did you mean "vit-s"?');
    expect(didYouMean('inception', ['vit-s', 'gpt2'])).toBe('');
  });
});
