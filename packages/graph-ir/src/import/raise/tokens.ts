// What sequences begin with: embeddings, positions, class tokens.

import { integer } from '../../onnx-attributes.js';
import { draft, type Found } from '../draft.js';
import type { ForeignNode } from '../foreign.js';
import { holdsAtEveryLength, sizesOf } from '../lengths.js';
import type { Matcher } from '../matcher.js';
import type { Settled } from '../settle.js';

export function tokens(m: Matcher, node: ForeignNode): Found | undefined {
  switch (node.op) {
    case 'Gather':
      return lookUp(m, node);
    case 'Add':
      return positionEncoding(m, node);
    case 'Concat':
      return token(m, node);
    default:
      return undefined;
  }
}

function lookUp(m: Matcher, node: ForeignNode): Found | undefined {
  const [table, indices] = node.inputs;
  const stored = m.tensor(table);
  if (stored?.shape.length !== 2 || integer(node, 'axis', 0) !== 0) return undefined;
  const view = m.model.views.get(table);
  if (view?.permutation !== undefined) return undefined;
  const uses = { weight: { tensor: table, layout: 'rows_features' as const } };
  if (m.isData(indices) && !m.isOfSizes(indices)) return { draft: draft('embedding', [indices], {}, uses) };
  // The positions 0, 1, … of a text.
  const ids = textOf(m, indices);
  if (ids === undefined) return undefined;
  const [value] = node.outputs;
  const [positions, rows] = [`${value}/positions`, `${value}/rows`];
  const isFlat = m.shape(value).length === 2;
  const embedding = draft('embedding', [positions], {}, uses);
  if (isFlat) return { before: [[positions, draft('positions', [ids], {})]], draft: embedding };
  return {
    before: [
      [positions, draft('positions', [ids], {})],
      [rows, embedding],
    ],
    draft: draft('reshape', [rows], { shape: [1, -1, stored.shape[1]] }),
  };
}

/** The input of token ids whose positions these indices are, however many. */
function textOf(m: Matcher, indices: string): string | undefined {
  const isText = (name: string, sized: Settled | undefined): boolean => {
    const known = m.compute(indices, new Map(), sized);
    return (
      known !== undefined &&
      known.shape.length <= 2 &&
      sizesOf(sized, name)?.[1] === known.values.length &&
      known.values.every((value, i) => value === i)
    );
  };
  const input = m.model.inputs.find(
    ({ name, type }) => type.dtype === 'int32' && type.shape.length === 2 && isText(name, m.sized),
  );
  if (input === undefined || sizesOf(m.sized, input.name)?.[1] === 1) return undefined;
  return holdsAtEveryLength(m, indices, '', (sized) => isText(input.name, sized)) ? input.name : undefined;
}

/** A learned positional encoding `[1, tokens, features]` added to a sequence. */
function positionEncoding(m: Matcher, node: ForeignNode): Found | undefined {
  const parts = m.split(node);
  const stored = m.tensor(parts?.other);
  if (
    !parts ||
    !stored ||
    m.shape(parts.data).length !== 3 ||
    stored.shape.length !== 3 ||
    stored.shape[0] !== 1 ||
    stored.shape[1] === 1
  )
    return undefined;
  const encoding = `${node.outputs[0]}/encoding`;
  return {
    before: [
      [
        encoding,
        draft('position_embedding', [], {}, { weight: { tensor: stored.name, layout: 'one_tokens_features' } }),
      ],
    ],
    draft: draft('add', node.inputs[0] === parts.data ? [parts.data, encoding] : [encoding, parts.data], {}),
  };
}

/** A learned token in front of a sequence. */
function token(m: Matcher, node: ForeignNode): Found | undefined {
  const [first, x, ...others] = node.inputs;
  const axis = integer(node, 'axis', 0);
  if (others.length > 0 || !m.isData(x) || m.shape(x).length !== 3 || (axis !== 1 && axis !== -2)) return undefined;
  const repeated = m.node(first, 'Expand', 'Tile');
  const stored = m.tensor(repeated ? repeated.inputs[0] : first);
  if (stored?.shape.length !== 3 || stored.shape[0] !== 1 || stored.shape[1] !== 1) return undefined;
  // Repeated for every sequence of the batch, and not within one.
  const isOnce = (sized: Settled): boolean => sized.types.get(first)?.shape[1] === 1;
  if (repeated && !(isOnce(m.sized ?? m.model) && holdsAtEveryLength(m, first, '', isOnce))) return undefined;
  return {
    draft: draft('prepend_token', [x], {}, { token: { tensor: stored.name, layout: 'one_tokens_features' } }),
  };
}
