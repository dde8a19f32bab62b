import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphFromConfig } from '../src/huggingface.js';
import {
  buildArchitecture,
  type Graph,
  GraphError,
  graphFromJson,
  graphToJson,
  parseArchitecture,
} from '../src/index.js';
import { smallConvnet } from './small-convnet.js';

const schema = JSON.parse(readFileSync(new URL('../graph.schema.json', import.meta.url), 'utf8'));
const matchesSchema = new Ajv2020({ allowUnionTypes: true }).compile(schema);

const GRAPHS: ReadonlyArray<readonly [string, () => Graph]> = [
  ['a ViT', () => buildArchitecture(parseArchitecture('vit:layers=2,heads=2,hidden=16,mlp=32'))],
  ['a GPT-2 with a tied head', () => buildArchitecture(parseArchitecture('gpt2:layers=1,heads=2,hidden=16,vocab=50'))],
  ['a conv net', smallConvnet],
  [
    'a Gemma',
    () => {
      const sizes = {
        hidden_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        head_dim: 8,
      };
      return graphFromConfig(JSON.stringify({ model_type: 'gemma', ...sizes, intermediate_size: 8, vocab_size: 50 }));
    },
  ],
];

describe('the JSON format', () => {
  it.each(GRAPHS)('brings back %s', (_, build) => {
    expect(graphFromJson(graphToJson(build()))).toEqual(build());
  });

  it.each(GRAPHS)('matches its JSON Schema for %s', (_, build) => {
    expect(matchesSchema(JSON.parse(graphToJson(build())))).toBe(true);
  });

  it.each([
    ['not JSON', (text: string) => text.slice(1), /file\.json: not JSON/],
    ['another version', (text: string) => text.replace('"version":1', '"version":2'), /version should be 1, got 2/],
    [
      'an unknown operator',
      (text: string) => text.replace('"type":"relu', '"type":"x').replace('"type":"conv2d"', '"type":"conv9d"'),
      /operators\[0\]\.type should be .*got "conv9d"/,
    ],
    [
      'a missing field',
      (text: string) => text.replace('"groups":1', '"group":1'),
      /operators\[0\]\.attributes\.groups should be a number, got nothing/,
    ],
    [
      'a wrong shape',
      (text: string) => text.replace('"shape":[16,3,3,3]', '"shape":[16,4,3,3]'),
      /conv2d "conv1": a weight \[16, 4, 3, 3\] in 1 group\(s\) wants 4 channels/,
    ],
    [
      'a missing value',
      (text: string) => text.replace('"inputs":["images"],"parameters"', '"inputs":["pictures"],"parameters"'),
      /conv2d "conv1": reads "pictures"/,
    ],
  ])('refuses %s, naming the field', (_, spoil, message) => {
    const read = () => graphFromJson(spoil(graphToJson(smallConvnet())), 'file.json');
    expect(read).toThrow(message);
    expect(read).toThrow(/^file\.json: /);
  });

  it('turns every corruption of a real graph into a GraphError or a graph, never a crash', () => {
    const text = graphToJson(smallConvnet());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length), fc.string({ maxLength: 3 })), { minLength: 1, maxLength: 3 }),
        (edits) => {
          let broken = text;
          for (const [at, insert] of edits) broken = broken.slice(0, at) + insert + broken.slice(at + 1);
          try {
            graphFromJson(broken);
          } catch (error) {
            expect(error).toBeInstanceOf(GraphError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
