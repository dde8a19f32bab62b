// Whether this device's WebGPU computes what wasm computes: a small network predicted on both.
import { cardOf } from '@logah/checkpoints/catalog';
import { buildArchitecture, type Graph, parseArchitecture } from '@logah/graph-ir';
import { onWebGpu } from './backend.js';
import { farthest, type Values } from './farthest.js';
import { UNTRAINED } from './protocol.js';

/** Of values around 1 and below. */
const TOLERANCE = 1e-5;

const checked = new Map<string, Promise<void>>();

/**
 * Predicts a small network on wasm, which is current, and on WebGPU, once for each hypernetwork. Throws Error where WebGPU is
 * missing, complains, or gives other numbers.
 */
export function checkWebGpu(hypernetName: string, predictValues: (small: Graph) => Promise<Values>): Promise<void> {
  const known = checked.get(hypernetName);
  if (known !== undefined) return known;
  const check = compare(smallNetworkFor(hypernetName), predictValues);
  checked.set(hypernetName, check);
  // A hypernetwork that could not be fetched is tried again.
  check.catch(() => checked.delete(hypernetName));
  return check;
}

async function compare(small: Graph, predictValues: (small: Graph) => Promise<Values>): Promise<void> {
  const found = await onWebGpu(() => predictValues(small));
  const apart = farthest(await predictValues(small), found);
  if (!(apart <= TOLERANCE)) throw new Error(`WebGPU gives other numbers than wasm here, by ${apart.toPrecision(2)}`);
}

/** A network of two heads and one layer that the hypernetwork is for. */
function smallNetworkFor(hypernetName: string): Graph {
  const sizes = 'layers=1,heads=2,hidden=32';
  if (hypernetName === UNTRAINED) return graphOf(`vit:${sizes},mlp=128,patch=8`);
  const { task } = cardOf(hypernetName);
  return graphOf(
    task.kind === 'images'
      ? `vit:${sizes},mlp=128,patch=${task.patch},classes=${task.classes},image=${task.image}`
      : `gpt2:${sizes},vocab=${task.vocab},context=${task.context}`,
  );
}

const graphOf = (architecture: string): Graph => buildArchitecture(parseArchitecture(architecture));
