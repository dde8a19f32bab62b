// The worker: holds the network that the page shows, and what was predicted for it. tfjs is loaded when something is computed with it.

import { factsOf, type OpenedNetwork } from './facts.js';
import { openNetwork } from './open-network.js';
import { pictureOf } from './picture.js';
import type { Predicted } from './predict.js';
import type { CallMessage, CallName, Calls, ReplyMessage } from './protocol.js';

type Handler<K extends CallName> = (
  request: Calls[K]['request'],
  progress: (value: Calls[K]['progress']) => void,
) => Promise<Calls[K]['result']> | Calls[K]['result'];

let network: OpenedNetwork | undefined;
let predicted: Predicted | undefined;

const opened = (): OpenedNetwork => {
  if (network === undefined) throw new Error('no network is open');
  return network;
};

const handlers: { readonly [K in CallName]: Handler<K> } = {
  open: async (source) => {
    // What cannot be opened leaves nothing of another network.
    network = predicted = undefined;
    network = await openNetwork(source);
    return factsOf(network);
  },
  picture: (request) => pictureOf(opened().graph, request),
  predict: async ({ hypernet, seed }, progress) => {
    const { predictNetwork } = await import('./predict.js');
    predicted = await predictNetwork(opened(), hypernet, seed, progress);
    return predicted.prediction;
  },
  save: async ({ format }) => {
    const { fileOf } = await import('./save.js');
    if (predicted === undefined) throw new Error('nothing is predicted yet');
    return fileOf(predicted, format);
  },
  digits: async ({ count }) => (await import('./digits.js')).shownDigits(count),
  answer: async ({ architecture, pixels }) => (await import('./answer.js')).answersFor(architecture, pixels),
  train: async (settings, progress) => (await import('./train.js')).trainSideBySide(settings, progress),
};

const reply = (message: ReplyMessage): void => postMessage(message);

async function answer<K extends CallName>(id: number, call: K, request: Calls[K]['request']): Promise<void> {
  try {
    const handler: Handler<K> = handlers[call];
    const result = await handler(request, (progress) => reply({ id, kind: 'progress', progress }));
    reply({ id, kind: 'result', result });
  } catch (error) {
    reply({ id, kind: 'error', message: error instanceof Error ? error.message : String(error) });
  }
}

// One call after the other: they share the network and its tensors.
let last: Promise<void> = Promise.resolve();
addEventListener('message', ({ data: { id, call, request } }: MessageEvent<CallMessage>) => {
  last = last.then(() => answer(id, call, request));
});
