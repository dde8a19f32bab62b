// Graph models of TensorFlow.js: TensorFlow's operators in ONNX's words.
import { ANY_SHAPE, GraphError, type TensorType } from '../graph.js';
import type { ForeignModel } from '../import/foreign.js';
import { naming } from '../import/order.js';
import type { ReadPlace } from '../import/stored.js';
import { type ModelJson, nameOf, optional } from './model-json.js';
import { NodeDef, shapeOf, valueName } from './node-def.js';
import { OPERATORS } from './operators.js';
import { Translation } from './translation.js';

/** Throws {@link GraphError} naming a node that is not as its operator wants it. */
export function translateGraph(model: ModelJson, source: string, readPlace: ReadPlace | undefined): ForeignModel {
  const nodes = model.topology.field('node').list((node) => new NodeDef(node));
  const t = new Translation(source, model.tensors, readPlace);
  const signature = model.signature;
  const inputs: Array<{ readonly name: string; readonly type: TensorType }> = [];
  const results = portCounts(nodes);
  for (const node of nodes) {
    if (node.op === 'Const') {
      if (!model.tensors.has(node.name))
        throw new GraphError(`${source}: the constant "${node.name}" is not among the weights`);
    } else if (node.op === 'Placeholder' || node.op === 'PlaceholderWithDefault') {
      inputs.push({ name: node.name, type: inputType(node, signature) });
    } else if (node.op !== 'NoOp') {
      translateNode(t, node, results.get(node.name) ?? 1, source);
    }
  }
  return {
    name: nameOf(source),
    source,
    nodes: t.nodes,
    tensors: t.tensors,
    inputs,
    outputs: outputsOf(nodes, signature),
    declared: new Map(),
  };
}

function translateNode(t: Translation, node: NodeDef, results: number, source: string): void {
  t.enter(node.name);
  const outputs = node.results(results);
  const translate = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op] : undefined;
  if (naming(source, `${node.op} "${node.name}"`, () => translate?.(t, node, outputs))) return;
  t.node(`tensorflow.${node.op}`, node.inputs, node.plainAttributes(), outputs);
}

/** How many results of each node are read, at least. */
function portCounts(nodes: readonly NodeDef[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { inputs } of nodes)
    for (const input of inputs) {
      const [, name, port] = /^(.*):(\d+)$/.exec(input) ?? [];
      if (name !== undefined) counts.set(name, Math.max(counts.get(name) ?? 1, Number(port) + 1));
    }
  return counts;
}

/** A placeholder's type, with the sizes that only the signature knows. */
function inputType(node: NodeDef, signature: ModelJson['signature']): TensorType {
  const dtype = node.dtype('dtype');
  const own = node.shape();
  const inputs = signature && optional(signature, 'inputs');
  const entry = Object.values(inputs?.entries((input) => input) ?? {}).find(
    (input) => valueName(input.field('name').string()) === node.name,
  );
  const tensorShape = entry && optional(entry, 'tensorShape');
  return { dtype, shape: (tensorShape && shapeOf(tensorShape, node.name)) ?? own ?? ANY_SHAPE };
}

/** What the signature names, or what no node reads. */
function outputsOf(nodes: readonly NodeDef[], signature: ModelJson['signature']): string[] {
  const named = signature && optional(signature, 'outputs');
  if (named) return [...new Set(Object.values(named.entries((output) => valueName(output.field('name').string()))))];
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map((input) => input.replace(/:\d+$/, ''))));
  return nodes.flatMap(({ name, op }) => (read.has(name) || op === 'Const' || op === 'NoOp' ? [] : [name]));
}
