// A part of a drawing that is laid out at once, and what all ways of doing it share.
import type { DrawnEdge } from './drawing.js';

/** A rectangle by its middle. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Point = Pick<Box, 'x' | 'y'>;

/** What is laid out at once: nodes by their places in it. */
export interface Piece {
  readonly sizes: ReadonlyArray<{ readonly width: number; readonly height: number }>;
  readonly edges: readonly DrawnEdge[];
  readonly folds: ReadonlyArray<{ readonly start: number; readonly length: number }>;
}

/** A piece laid out; its corner may be anywhere. */
export interface PieceLayout {
  /** Of each node. */
  readonly boxes: readonly Box[];
  /** Of each fold. */
  readonly frames: readonly Box[];
  /** For each edge the points it goes through. */
  readonly routes: ReadonlyArray<readonly Point[]>;
}

/** Between nodes of a layer, and between layers. */
export const NODE_GAP = 18;
export const LAYER_GAP = 22;
