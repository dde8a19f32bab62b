// How the work of a step is divided: networks among threads or processes, and a network's mini-batch where there are fewer networks than those.
import { buildArchitecture, parameterCount } from '@logah/graph-ir';
import type { DrawnNetwork } from './train.js';

/** The networks in `count` lists of about the same number of parameters: the largest first, each to the list that has least. */
export function evenShares(networks: readonly DrawnNetwork[], count: number): DrawnNetwork[][] {
  const weighed = networks.map((network) => ({
    network,
    weight: parameterCount(buildArchitecture(network.architecture)),
  }));
  weighed.sort((a, b) => b.weight - a.weight);
  const shares = Array.from({ length: count }, () => ({ weight: 0, networks: [] as DrawnNetwork[] }));
  for (const { network, weight } of weighed) {
    const lightest = shares.reduce((least, share) => (share.weight < least.weight ? share : least));
    lightest.networks.push(network);
    lightest.weight += weight;
  }
  return shares.map((share) => share.networks);
}

/** What one of several processes computes of a step. */
export interface Share {
  readonly networks: readonly DrawnNetwork[];
  /** Rows of the mini-batch, from the first to before the last. */
  readonly rows: readonly [from: number, to: number];
  /** How much of the step's mean that is; the weights of all processes add up to 1. */
  readonly weight: number;
}

/** The share of process `rank` of `size` in a meta-batch whose mini-batch has so many rows. */
export function shareOf(networks: readonly DrawnNetwork[], rows: number, rank: number, size: number): Share {
  const count = networks.length;
  if (count >= size) {
    const own = evenShares(networks, size)[rank];
    return { networks: own, rows: [0, rows], weight: own.length / count };
  }
  const index = rank % count;
  const peers = Math.ceil((size - index) / count);
  const place = Math.floor(rank / count);
  const [from, to] = [place, place + 1].map((part) => Math.floor((part * rows) / peers));
  return { networks: [networks[index]], rows: [from, to], weight: (to - from) / rows / count };
}
