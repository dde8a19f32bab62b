// Attributes of kept operators as they are written: graphs within nodes with the names of the model around them, floats of one kind.

import { BITS, type ElementType, isFloat } from '../element-types.js';
import type { OnnxAttribute, OnnxBody } from '../graph.js';
import { GraphError } from '../graph.js';
import { elementNumber, elementType } from '../interpreter/operation.js';
import { writtenType } from './element-plan.js';

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** The names that graphs within a node read from around it, in the order of the node's last operands. */
export function captureNames(attributes: Attributes): string[] {
  const names = new Set<string>();
  for (const attribute of Object.values(attributes))
    if (typeof attribute === 'object' && 'body' in attribute)
      for (const name of attribute.body.captures) names.add(name);
  return [...names];
}

/** The graphs within a node, at any depth. */
export function* bodiesWithin(attributes: Attributes): Generator<OnnxBody> {
  for (const attribute of Object.values(attributes)) {
    if (typeof attribute !== 'object' || !('body' in attribute)) continue;
    yield attribute.body;
    for (const node of attribute.body.nodes) yield* bodiesWithin(node.attributes);
  }
}

/** Attributes that name an element type by ONNX's number. */
const TYPE_ATTRIBUTES = ['dtype', 'output_datatype', 'output_dtype', 'softmax_precision'] as const;

/** Attributes with float32 in place of floats that a written model has not; a cast rounds, so it stays what it is. */
export function withFloats(attributes: Attributes): Attributes {
  const result: Record<string, OnnxAttribute> = { ...attributes };
  for (const key of TYPE_ATTRIBUTES) {
    const value = attributes[key];
    const type = typeof value === 'number' ? elementType(value) : undefined;
    // What quantises to few bits does it itself.
    if (type !== undefined && isUnwritten(type) && BITS[type] === 16) result[key] = elementNumber(writtenType(type));
  }
  const { value } = attributes;
  if (typeof value === 'object' && 'constant' in value) {
    const { element, ...constant } = value.constant;
    if (element !== undefined && writtenType(element) === element) return result;
    result.value = { constant };
  }
  return result;
}

/** A cast to the type of another operand is a cast to that type. */
export function withoutLikeness(
  operator: string,
  attributes: Attributes,
  types: ReadonlyArray<ElementType | undefined>,
): {
  readonly node: { readonly operator: string; readonly attributes: Attributes };
  readonly types: ReadonlyArray<ElementType | undefined>;
} {
  if (operator !== 'CastLike') return { node: { operator, attributes }, types };
  const to = elementNumber(types[1] ?? 'float32');
  return { node: { operator: 'Cast', attributes: { ...attributes, to } }, types: types.slice(0, 1) };
}

/** Attributes whose graphs read values of the model by the names that it has for them. Throws for graphs with floats that the model has not. */
export function withNames(attributes: Attributes, outer: ReadonlyMap<string, string>, where: string): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, attribute]) =>
      typeof attribute === 'object' && 'body' in attribute
        ? [key, { body: renamed(attribute.body, outer, where) }]
        : [key, attribute],
    ),
  );
}

/** Floats that a written model has not. */
const isUnwritten = (type: ElementType): boolean => isFloat(type) && writtenType(type) !== type;

function renamed(body: OnnxBody, outer: ReadonlyMap<string, string>, where: string): OnnxBody {
  const inner = scopeWithin(body, outer);
  const rename = (name: string): string => inner.get(name) ?? name;
  const refuse = (what: string): never => {
    throw new GraphError(
      `${where} cannot be written: ${what} of a graph within it is of floats that the model is not of`,
    );
  };
  for (const { name, constant } of body.constants)
    if (constant.element !== undefined && isUnwritten(constant.element)) refuse(`the constant "${name}"`);
  return {
    inputs: body.inputs.map(rename),
    outputs: body.outputs.map(rename),
    captures: body.captures.map(rename),
    constants: body.constants.map((known) => ({ ...known, name: rename(known.name) })),
    nodes: body.nodes.map((node) => {
      const to =
        node.operator === 'Cast' && typeof node.attributes.to === 'number'
          ? elementType(node.attributes.to)
          : undefined;
      if (to !== undefined && isUnwritten(to)) refuse(`Cast "${node.outputs[0]}"`);
      return {
        ...node,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
        attributes: withNames(node.attributes, inner, where),
      };
    }),
  };
}

/** The names that a graph within a node is written with: values around it have the model's, its own get others where these are the same. */
function scopeWithin(body: OnnxBody, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const own = new Set([
    ...body.inputs,
    ...body.constants.map(({ name }) => name),
    ...body.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== '')),
  ]);
  const around = new Set(outer.values());
  const taken = new Set([...around, ...own, ...body.captures]);
  const inner = new Map(outer);
  for (const name of own) {
    let written = name;
    if (around.has(name)) for (let i = 1; taken.has(written); i++) written = `${name}_${i}`;
    taken.add(written);
    inner.set(name, written);
  }
  return inner;
}
