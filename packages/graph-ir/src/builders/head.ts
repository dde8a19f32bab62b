// What a language model ends with.
import type { GraphBuilder, ValueRef } from '../builder.js';

/** Logits of tokens at every place, of classes of the whole text, or the features themselves. */
export type TextHead =
  | { readonly type: 'tokens' }
  | { readonly type: 'classes'; readonly classes: number }
  | { readonly type: 'none' };

export interface TextHeadOptions {
  readonly head: TextHead;
  readonly vocab: number;
  /** The parameter of the token embedding that the head shares; a matrix of its own where it is left out. */
  readonly tiedTo?: string;
}

/** From features `[batch, time, features]`; classes are of the last place: no place is padding. */
export function textHead(g: GraphBuilder, x: ValueRef, { head, vocab, tiedTo }: TextHeadOptions): ValueRef {
  switch (head.type) {
    case 'none':
      return x;
    case 'classes':
      return g.linear(g.select(x, 1, -1), 'score', { out: head.classes, hasBias: false });
    case 'tokens':
      return g.linear(x, 'lm_head', { out: vocab, hasBias: false, weight: tiedTo ?? 'lm_head.weight' });
  }
}
