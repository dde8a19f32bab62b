// Finds our operators in a model: layers, norms, activations, attention. What is not found stays an operator of ONNX.
import { GraphError, type Operator, type TensorType } from '../graph.js';
import { inferOutputs } from '../validate.js';
import { type Draft, type Found, usedShape } from './draft.js';
import { type ForeignNode, isAnyShape } from './foreign.js';
import { Matcher } from './matcher.js';
import { label, naming } from './order.js';
import { activation } from './raise/activations.js';
import { attention } from './raise/attention.js';
import { images } from './raise/images.js';
import { linear } from './raise/linear.js';
import { norms } from './raise/norms.js';
import { plain } from './raise/plain.js';
import { tokens } from './raise/tokens.js';
import type { Settled } from './settle.js';
import type { Sized } from './sizes.js';

/** An operator that was found, and where among the model's nodes it belongs. */
export interface Raised {
  readonly draft: Draft;
  readonly place: number;
}

/**
 * The operators of ours by the value that each gives. Those inside of others that were found are there too: what no output depends on is left out later.
 */
export function raise(
  model: Settled,
  sized: Sized | undefined,
): { readonly raised: ReadonlyMap<string, Raised>; readonly types: (value: string) => TensorType } {
  const m = new Matcher(model, sized);
  const raised = new Map<string, Raised>();
  const isLayer = (value: string): boolean => raised.get(value)?.draft.type === 'linear';
  const patterns: ReadonlyArray<(node: ForeignNode) => Found | undefined> = [
    (node) => images(m, node),
    (node) => linear(m, node),
    (node) => norms(m, node),
    (node) => activation(m, node),
    (node) => tokens(m, node),
    (node) => attention(m, node, isLayer),
    (node) => plain(m, node),
  ];
  model.nodes.forEach((node, place) => {
    if (raised.has(node.outputs[0])) return;
    for (const pattern of patterns) {
      const found = naming(model.source, label(node), () => pattern(node));
      if (found && accept(m, raised, node, place, found)) return;
    }
  });
  return { raised, types: (value) => m.type(value) };
}

/** Takes what was found, if it gives what the model says: a pattern that fits only by its looks is none. */
function accept(m: Matcher, raised: Map<string, Raised>, node: ForeignNode, place: number, found: Found): boolean {
  const value = found.value ?? node.outputs[0];
  // Our operators compute with 32 bits: what is of doubles stays so.
  if ([value, ...found.draft.inputs].some((name) => m.type(name).element === 'float64')) return false;
  const drafts = [...(found.before ?? []), [value, found.draft] as const];
  const types = new Map<string, TensorType>();
  for (const [name, draft] of drafts) {
    const type = typeOf(m, draft, types);
    if (type === undefined) return false;
    types.set(name, type);
  }
  const type = types.get(value);
  if (type === undefined || !fits(type, m.type(value))) return false;
  for (const [name, draft] of drafts) {
    raised.set(name, { draft, place: name === value ? Math.max(place, m.place(value)) : place });
    m.retype(name, types.get(name) ?? type);
  }
  return true;
}

function typeOf(m: Matcher, draft: Draft, before: ReadonlyMap<string, TensorType>): TensorType | undefined {
  const parameters = Object.fromEntries(Object.keys(draft.uses).map((role) => [role, role]));
  const { type, inputs, attributes } = draft;
  // A draft has its operator's own attributes; TypeScript cannot follow that through the union.
  const operator = { name: '', type, inputs, parameters, attributes, outputs: [''] } as Operator;
  try {
    return inferOutputs(
      operator,
      (name) => before.get(name) ?? m.type(name),
      (role) => {
        const use = draft.uses[role];
        const tensor = m.tensor(use.tensor);
        return tensor && usedShape(use, tensor.shape);
      },
    )[0];
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}

/** Whether a type that was inferred can be the one that the model has, where both know. */
function fits(found: TensorType, model: TensorType): boolean {
  if (isAnyShape(model.shape)) return true;
  return (
    found.dtype === model.dtype &&
    found.shape.length === model.shape.length &&
    found.shape.every(
      (size, i) => size === model.shape[i] || typeof size === 'string' || typeof model.shape[i] === 'string',
    )
  );
}
