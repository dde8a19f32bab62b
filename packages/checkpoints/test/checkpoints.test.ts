import '@logah/backend-ort';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buildArchitecture, type Graph, GraphBuilder, parseArchitecture } from '@logah/graph-ir';
import { disposeHypernet, hypernetParameterCount, predict } from '@logah/hypernet';
import { createRandom } from '@logah/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { CARDS, cardOf, checkpointFor, fitOf, isShipped, openCheckpoint, provenance } from '../src/index.js';
import { checkpointPath, loadCheckpoint, openHypernet } from '../src/node.js';

const network = (text: string): Graph => buildArchitecture(parseArchitecture(text));
const SMALL_VIT = 'vit:layers=3,heads=4,hidden=48,mlp=192,patch=8';

beforeAll(() => tf.setBackend('ort'));

describe.each(CARDS.map((card) => [card.name, card] as const))('the checkpoint %s', (name, card) => {
  it('is the file of its card', async () => {
    const bytes = await readFile(checkpointPath(name));
    expect(bytes.length).toBe(card.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(card.sha256);
  });

  it('is a hypernetwork of as many parameters as its card says', async () => {
    const hypernet = await loadCheckpoint(name);
    expect(hypernetParameterCount(hypernet.config).learned).toBe(card.parameters);
    expect(hypernet.config.decoder).toBe(card.decoder);
    disposeHypernet(hypernet);
  });

  it('fills every network that its card says it reached, with finite values', async () => {
    const hypernet = await loadCheckpoint(name);
    for (const { architecture } of card.reached) {
      for await (const { data } of predict(hypernet, network(architecture), { random: createRandom(0) })) {
        expect(data.every(Number.isFinite)).toBe(true);
      }
      const isWider = Number(/hidden=(\d+)/.exec(architecture)?.[1]) > card.maxWidth;
      expect(fitOf(card, network(architecture)).remarks).toEqual(
        isWider ? [`features beyond ${card.maxWidth} repeat those before them`] : [],
      );
    }
    disposeHypernet(hypernet);
  });

  it('says how it was made', () => {
    expect(card.trainedOn.command).toMatch(/^logah (train|quickstart) .*--seed \d+/);
    expect(card.trainedOn.steps).toBeGreaterThan(0);
    expect(card.curve.length).toBeGreaterThan(0);
  });

  it('leaves no tensors behind when it is opened and freed', async () => {
    const before = tf.memory().numTensors;
    disposeHypernet(await loadCheckpoint(name));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is not opened from other bytes', async () => {
    const bytes = Uint8Array.from(await readFile(checkpointPath(name)));
    bytes[bytes.length - 1] ^= 1;
    await expect(openCheckpoint(card, bytes)).rejects.toThrow(
      `${card.file}: not the checkpoint ${name}; its SHA-256 should be ${card.sha256}, got `,
    );
  });
});

describe('checkpointFor', () => {
  it('takes the checkpoint of the same patches', () => {
    const { card, needsNewHead, remarks } = checkpointFor(network(SMALL_VIT));
    expect(card.task).toMatchObject({ kind: 'images', patch: 8 });
    expect([needsNewHead, remarks]).toEqual([false, []]);
  });

  it('says that a network of other classes needs a new head', () => {
    expect(checkpointFor(network(`${SMALL_VIT},classes=100`)).needsNewHead).toBe(true);
  });

  it('remarks on what is resized and repeated', () => {
    const { remarks } = checkpointFor(network('vit:layers=2,heads=8,hidden=1024,mlp=4096,patch=16,image=64'));
    expect(remarks.join()).toMatch(/are resized to patches of 16 in 64,features beyond \d+ repeat those before them/);
  });

  it('refuses a network of roles that no checkpoint learned, saying which and how to train one', () => {
    expect(() => checkpointFor(network('resnet18'))).toThrow(/it never learned to fill kernel, pointwise kernel/);
    expect(() => checkpointFor(network('resnet18'))).toThrow(/logah train --help/);
  });

  it('refuses a language model of another vocabulary', () => {
    const gpt2 = network('gpt2:layers=2,heads=2,hidden=16,vocab=50257,context=16,tied=false');
    expect(() => fitOf(cardOf('gpts-wikitext2'), gpt2)).toThrow(
      'the checkpoint gpts-wikitext2 does not fit the network "gpt2": its tokens are bytes, 257 of them, and this network has 50257',
    );
  });

  it('takes the checkpoint of GPT-2’s own tokens, for tied heads and others', () => {
    for (const tied of [true, false]) {
      const { card, needsNewHead, remarks } = checkpointFor(network(`gpt2:tied=${tied}`));
      expect([card.name, needsNewHead]).toEqual(['gpts-wikitext2-bpe', false]);
      expect(remarks).toEqual([
        'positions beyond 64 repeat those before them',
        'features beyond 256 repeat those before them',
      ]);
    }
  });

  it('refuses a language model over bytes whose head is its token embedding, and says what helps', () => {
    const tied = 'gpt2:layers=2,heads=2,hidden=16,vocab=257,context=16,tied=true';
    expect(() => checkpointFor(network(tied))).toThrow(
      /gpts-wikitext2 \(.*\): it learned a head of its own, and this network’s is its token embedding: use tied=false\n/,
    );
    expect(checkpointFor(network(tied.replace('true', 'false'))).card.name).toBe('gpts-wikitext2');
  });

  it('says all that stands against a checkpoint at once, and advises nothing that would not do', () => {
    const others = 'its tokens are bytes, 257 of them, and this network has 50; it learned a head of its own';
    const tied = network('gpt2:layers=2,heads=2,hidden=16,vocab=50,context=16,tied=true');
    expect(() => fitOf(cardOf('gpts-wikitext2'), tied)).toThrow(others);
    expect(() => fitOf(cardOf('gpts-wikitext2'), tied)).not.toThrow('use tied=false');
    expect(() => checkpointFor(tied)).toThrow("its tokens are GPT-2's, 50257 of them, and this network has 50\n");
    const llama = network('llama:layers=1,heads=4,kvHeads=2,hidden=16,mlp=32,vocab=257');
    expect(() => fitOf(cardOf('gpts-wikitext2-bpe'), llama)).toThrow(
      /never learned to fill .*; its tokens are GPT-2's, 50257 of them, and this network has 257$/,
    );
    // Of tokens there is nothing to say to a network of images.
    expect(() => fitOf(cardOf('gpts-wikitext2'), network(SMALL_VIT))).toThrow(/never learned to fill [^;]*$/);
  });

  it('remarks on positions beyond the context that was trained', () => {
    const long = network('gpt2:layers=2,heads=2,hidden=16,vocab=257,context=300,tied=false');
    expect(checkpointFor(long).remarks).toEqual(['positions beyond 128 repeat those before them']);
  });

  it('refuses images that are not square or not of three channels', () => {
    const g = new GraphBuilder('grey');
    const patches = g.conv2d(g.input('images', ['batch', 1, 32, 32]), 'patches', { out: 8, kernel: 8, stride: 8 });
    const grey = g.build([
      g.linear(g.select(g.transpose(g.reshape(patches, [0, 0, -1]), [0, 2, 1]), 1, 0), 'head', { out: 10 }),
    ]);
    expect(() => checkpointFor(grey)).toThrow(/it is for square images of 3 channels/);
  });
});

describe('what a file of predicted parameters says', () => {
  it('is how its pixels are normalised, and its own images and classes', () => {
    const card = cardOf('vits-digits');
    const other = network(`${SMALL_VIT},image=64,classes=7`);
    expect(provenance(card, other, 3)).toEqual({
      predicted_by: 'vits-digits',
      trained_on: card.trainedOn.data,
      mean: '[0.1,0.1,0.1]',
      std: '[0.28,0.28,0.28]',
      image_size: '64',
      classes: '7',
      head: 'drawn, seed 3',
    });
  });

  it('is the tokens of a language model', () => {
    const gpt2 = network('gpt2:layers=2,heads=2,hidden=16,vocab=257,context=16,tied=false');
    const said = provenance(cardOf('gpts-wikitext2'), gpt2, null);
    expect(said).toMatchObject({ tokenizer: 'bytes', vocab: '257', context: '128' });
    expect(Object.keys(said)).not.toContain('head');
  });
});

describe('names', () => {
  it('that are neither a file nor a checkpoint are refused with those that ship', async () => {
    await expect(openHypernet('vits-cifra10')).rejects.toThrow(
      `"vits-cifra10" is neither a file nor a checkpoint that ships; those are ${CARDS.map(({ name }) => name).join(', ')}`,
    );
  });

  it('that do not exist are refused with those that do', () => {
    expect(isShipped('none')).toBe(false);
    expect(() => cardOf('none')).toThrow(
      `no checkpoint is called "none"; there are ${CARDS.map(({ name }) => name).join(', ')}`,
    );
  });
});
