// Functions that an ONNX model defines itself: their nodes in the place of the nodes that call them.
import { clone } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { GraphError } from '../graph.js';

/** The nodes of a function as a call of it has them. */
export interface FunctionOf {
  readonly nodes: readonly NodeProto[];
  /** The opset of ONNX that they are of, where the function says so. */
  readonly opset?: number;
}

/** Functions within functions: more are taken for endless. */
const DEEPEST = 32;
/** Nodes of all calls together: a small file can ask for any number of them. */
const MOST_NODES = 100_000;

const keyOf = (domain: string, name: string, overload: string): string => `${domain}::${name}::${overload}`;

export class Inliner {
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #source: string;
  #calls = 0;
  #depth = 0;
  #nodes = 0;

  constructor(functions: readonly FunctionProto[], source: string) {
    this.#functions = new Map(functions.map((proto) => [keyOf(proto.domain, proto.name, proto.overload), proto]));
    this.#source = source;
  }

  /**
   * The nodes of the function that a node calls, with the names and attributes of the call; undefined for a node that calls none.
   * {@link leave} ends the call. Throws {@link GraphError} for functions that call each other without end.
   */
  functionOf(call: NodeProto): FunctionOf | undefined {
    const proto = this.#functions.get(keyOf(call.domain, call.opType, call.overload));
    if (proto === undefined) return undefined;
    if (++this.#depth > DEEPEST)
      throw new GraphError(`${this.#source}: the function "${call.opType}" calls itself, or others too deeply`);
    this.#nodes += proto.node.length;
    if (this.#nodes > MOST_NODES)
      throw new GraphError(`${this.#source}: its functions have more than ${MOST_NODES} nodes`);
    const prefix = `${call.name || call.output[0] || call.opType}/${this.#calls++}`;
    const names = new Map<string, string>([
      ...proto.input.map((name, i): [string, string] => [name, call.input[i] ?? '']),
      ...proto.output.map((name, i): [string, string] => [name, call.output[i] || `${prefix}/${name}`]),
    ]);
    const rename = (name: string): string => (name === '' ? '' : (names.get(name) ?? `${prefix}/${name}`));
    const attributes = new Map(
      [...proto.attributeProto, ...call.attribute].map((attribute) => [attribute.name, attribute]),
    );
    const opset = proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
    const nodes = proto.node.map((node) => renamed(node, rename, attributes));
    return opset === undefined ? { nodes } : { nodes, opset: Number(opset) };
  }

  leave(): void {
    this.#depth--;
  }
}

/** A node with the names of the call; attributes that refer to the call's are those. */
function renamed(
  original: NodeProto,
  rename: (name: string) => string,
  attributes: ReadonlyMap<string, AttributeProto>,
): NodeProto {
  const node = clone(NodeProtoSchema, original);
  node.name = '';
  node.input = node.input.map(rename);
  node.output = node.output.map(rename);
  node.attribute = node.attribute.flatMap((attribute): AttributeProto[] => {
    if (attribute.refAttrName !== '') {
      const given = attributes.get(attribute.refAttrName);
      if (given === undefined) return [];
      const named = clone(AttributeProtoSchema, given);
      named.name = attribute.name;
      return [named];
    }
    const { g } = attribute;
    if (g === undefined) return [attribute];
    // What a graph within the node names itself is renamed too: its names are as free as any.
    for (const named of [...g.input, ...g.output, ...g.initializer]) named.name = rename(named.name);
    g.node = g.node.map((inner) => renamed(inner, rename, attributes));
    return [attribute];
  });
  return node;
}
