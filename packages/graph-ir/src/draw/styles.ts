// One look for all pictures: a colour and a shape for each kind of node. Words on the colours are dark, so they read on light and dark pages.
import type { NodeKind, NodeMark } from './drawing.js';

export interface NodeStyle {
  readonly fill: string;
  readonly stroke: string;
  readonly shape: 'box' | 'round' | 'pill' | 'hexagon' | 'trapezoid';
}

const style = (fill: string, stroke: string, shape: NodeStyle['shape']): NodeStyle => ({ fill, stroke, shape });

export const STYLES: Readonly<Record<NodeKind, NodeStyle>> = {
  input: style('#ffffff', '#57606a', 'pill'),
  output: style('#ffffff', '#57606a', 'pill'),
  weights: style('#b6d7f4', '#1f6fb2', 'box'),
  bias: style('#e3effa', '#7fb0d9', 'box'),
  norm: style('#d5ead0', '#3f8f3a', 'round'),
  attention: style('#f6cfc0', '#c0532b', 'hexagon'),
  embedding: style('#e2d4f2', '#7a4fb0', 'box'),
  combine: style('#fbe7a8', '#b38600', 'pill'),
  pool: style('#c8e9e6', '#2b8a83', 'trapezoid'),
  activation: style('#eeeeee', '#999999', 'round'),
  shape: style('#f6f6f6', '#bbbbbb', 'round'),
  foreign: style('#f3e3e3', '#a06a6a', 'round'),
};

export const INK = '#1b1f24';
export const SHORTCUT = '#d9730d';

/** Colours, signs and words of differences; the signs say the same without colours. */
export const MARKS: Readonly<
  Record<NodeMark, { readonly fill: string; readonly stroke: string; readonly sign: string; readonly words: string }>
> = {
  added: { fill: '#c9f0cf', stroke: '#1a7f37', sign: '+', words: 'added' },
  removed: { fill: '#ffd7d5', stroke: '#cf222e', sign: '−', words: 'removed' },
  changed: { fill: '#ffe9a8', stroke: '#9a6700', sign: '~', words: 'changed' },
  values: { fill: '#d8e6ff', stroke: '#0969da', sign: '≈', words: 'other values' },
};

/** What a node of the same kind looks like in a picture of differences, where only those stand out. */
export const UNMARKED = { fill: '#f6f8fa', stroke: '#8c959f' };
