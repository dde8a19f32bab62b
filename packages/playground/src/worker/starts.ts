// Where networks that read digits start from.
import { buildArchitecture, type Graph, parseArchitecture } from '@logah/graph-ir';
import { closedFormInitializer, type Initializer, predictedInitializer, startRandom } from '@logah/init-eval';
import type { TensorRecord } from '@logah/tensor-ops';
import { useBackend } from './backend.js';
import { shippedHypernet } from './checkpoints.js';
import { requireDigitsCard } from './digits.js';
import type { StartName } from './protocol.js';

/** What each start makes of a graph: what the hypernetwork predicts, the best start in closed form that we know (docs/results.md), what PyTorch draws. */
const STARTS: Readonly<Record<StartName, () => Promise<Initializer>>> = {
  predicted: async () => predictedInitializer(await shippedHypernet(requireDigitsCard())),
  mimetic: async () => closedFormInitializer('mimetic', { position: 1.5 }),
  random: async () => closedFormInitializer('random'),
};

/** The parameters of a start; the caller owns them. */
export async function startParameters(graph: Graph, start: StartName, seed: number): Promise<TensorRecord> {
  await useBackend();
  return (await STARTS[start]())(graph, startRandom(seed));
}

export const graphOf = (architecture: string): Graph => buildArchitecture(parseArchitecture(architecture));
