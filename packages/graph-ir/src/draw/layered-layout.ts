// A piece of a drawing in plain layers, in time in proportion to its size: each node one layer below the lowest that it reads, ordered within
// its layer by where those are.
import { type Box, LAYER_GAP, NODE_GAP, type Piece, type PieceLayout, type Point } from './piece.js';

/** Sweeps that order the nodes of layers. */
const SWEEPS = 4;
/** How far a frame stands out around its nodes. */
const FRAME_GAP = 8;

/** A node of a layer, or a place that an edge past the layer goes through. */
interface Item {
  readonly layer: number;
  readonly width: number;
  readonly height: number;
  readonly before: Item[];
  readonly after: Item[];
  x: number;
  y: number;
}

/** The piece in layers. */
export function layOutInLayers({ sizes, edges, folds }: Piece): PieceLayout {
  const layers: Item[][] = [];
  const itemIn = (layer: number, size: { readonly width: number; readonly height: number }): Item => {
    const item: Item = { ...size, layer, before: [], after: [], x: 0, y: 0 };
    while (layers.length <= layer) layers.push([]);
    layers[layer].push(item);
    return item;
  };
  const layerOf = layersOf(sizes.length, edges);
  const items = sizes.map((size, i) => itemIn(layerOf[i], size));
  const chains = edges.map(({ from, to }) => {
    const chain = [items[from]];
    for (let layer = layerOf[from] + 1; layer < layerOf[to]; layer++)
      chain.push(itemIn(layer, { width: 0, height: 0 }));
    chain.push(items[to]);
    for (let i = 1; i < chain.length; i++) {
      chain[i - 1].after.push(chain[i]);
      chain[i].before.push(chain[i - 1]);
    }
    return chain;
  });
  let y = 0;
  for (const layer of layers) {
    const height = layer.reduce((most, item) => Math.max(most, item.height), 0);
    for (const item of layer) item.y = y + height / 2;
    y += height + LAYER_GAP;
    settle(layer);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const layer of isDown ? layers : layers.toReversed()) order(layer, isDown ? 'before' : 'after');
  }
  const boxes: Box[] = items.map(({ x, y: middle, width, height }) => ({ x, y: middle, width, height }));
  return {
    boxes,
    frames: folds.map(({ start, length }) => around(boxes.slice(start, start + length))),
    routes: chains.map((chain) => chain.map((item, i) => pointOf(item, i === 0 ? 1 : i === chain.length - 1 ? -1 : 0))),
  };
}

/** One below the lowest that it reads; what reads nothing right above the highest of its readers. */
function layersOf(count: number, edges: Piece['edges']): number[] {
  const layers = new Array<number>(count).fill(0);
  const inOrder = edges.toSorted((a, b) => a.to - b.to);
  for (const { from, to } of inOrder) layers[to] = Math.max(layers[to], layers[from] + 1);
  const isSource = new Array<boolean>(count).fill(true);
  const highest = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
  for (const { from, to } of edges) {
    isSource[to] = false;
    highest[from] = Math.min(highest[from], layers[to]);
  }
  return layers.map((layer, i) => (isSource[i] && highest[i] < Number.POSITIVE_INFINITY ? highest[i] - 1 : layer));
}

/** Orders a layer by the mean places of what its items are joined to on one side, and puts it there as far as there is room. */
function order(layer: Item[], side: 'before' | 'after'): void {
  const wish = new Map(
    layer.map((item) => {
      const others = item[side];
      return [item, others.length === 0 ? item.x : others.reduce((sum, { x }) => sum + x, 0) / others.length];
    }),
  );
  const wished = (item: Item): number => wish.get(item) ?? item.x;
  layer.sort((a, b) => wished(a) - wished(b));
  settle(layer);
  const off = layer.reduce((sum, item) => sum + wished(item) - item.x, 0) / layer.length;
  for (const item of layer) item.x += off;
}

/** Puts a layer's items side by side. */
function settle(layer: readonly Item[]): void {
  let x = 0;
  for (const item of layer) {
    item.x = x + item.width / 2;
    x += item.width + NODE_GAP;
  }
}

/** A frame around boxes. */
function around(boxes: readonly Box[]): Box {
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const [left, top] = [
    -most(boxes.map(({ x, width }) => width / 2 - x)),
    -most(boxes.map(({ y, height }) => height / 2 - y)),
  ];
  const [right, bottom] = [
    most(boxes.map(({ x, width }) => x + width / 2)),
    most(boxes.map(({ y, height }) => y + height / 2)),
  ];
  return {
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    width: right - left + 2 * FRAME_GAP,
    height: bottom - top + 2 * FRAME_GAP,
  };
}

/** A point on an item's bottom (1), middle (0) or top (-1). */
const pointOf = ({ x, y, height }: Item, side: number): Point => ({ x, y: y + (side * height) / 2 });
