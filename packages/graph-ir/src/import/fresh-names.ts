// A graph within a node that takes the node's place: what it gives gets names that nothing around it has.
import type { ForeignBody, ForeignNode } from './foreign.js';

/** Names that a body itself gives: of its tensors, its inputs and its nodes' results. */
const ownNames = ({ tensors, nodes, parameters = [] }: ForeignBody): string[] =>
  [...parameters, ...tensors.keys(), ...nodes.flatMap(({ outputs }) => outputs)].filter((name) => name !== '');

/** The body with other names for what it gives, where these are taken; what it reads from around it stays. */
export function withFreshNames(body: ForeignBody, taken: ReadonlySet<string>): ForeignBody {
  const own = new Set(ownNames(body));
  const used = new Set([...taken, ...own]);
  const fresh = new Map<string, string>();
  for (const name of own) {
    if (!taken.has(name)) continue;
    let written = name;
    for (let i = 1; used.has(written); i++) written = `${name}_${i}`;
    used.add(written);
    fresh.set(name, written);
  }
  return fresh.size === 0 ? body : renamed(body, fresh);
}

function renamed(body: ForeignBody, names: ReadonlyMap<string, string>): ForeignBody {
  const rename = (name: string): string => names.get(name) ?? name;
  return {
    ...body,
    ...(body.parameters === undefined ? {} : { parameters: body.parameters.map(rename) }),
    outputs: body.outputs.map(rename),
    tensors: new Map([...body.tensors].map(([name, tensor]) => [rename(name), tensor])),
    nodes: body.nodes.map((node) => renamedNode(node, names)),
  };
}

/** Graphs within the node read the new names, too, except where they have their own of the old ones. */
function renamedNode(node: ForeignNode, names: ReadonlyMap<string, string>): ForeignNode {
  const rename = (name: string): string => names.get(name) ?? name;
  const within = (body: ForeignBody): ForeignBody => {
    const own = new Set(ownNames(body));
    return renamed(body, new Map([...names].filter(([name]) => !own.has(name))));
  };
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    ...(node.bodies === undefined
      ? {}
      : { bodies: Object.fromEntries(Object.entries(node.bodies).map(([key, body]) => [key, within(body)])) }),
  };
}
