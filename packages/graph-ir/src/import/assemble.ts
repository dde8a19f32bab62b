// A graph from what was found in a model and what was kept of it.
import { recordOf } from '@logah/files';
import {
  type Constant,
  elementCount,
  type Graph,
  GraphError,
  type OnnxAttribute,
  type OnnxOperand,
  type Operator,
  type Parameter,
  type TensorType,
} from '../graph.js';
import { validate } from '../validate.js';
import { keptBody } from './bodies.js';
import { type TensorUse, usedShape } from './draft.js';
import {
  type ForeignNode,
  isDouble,
  isLearned,
  QUANTISED_OPERATORS,
  type StoredTensor,
  seenShape,
  tensorDtype,
  typeOf,
} from './foreign.js';
import { label } from './order.js';
import type { Raised } from './raise.js';
import type { Settled } from './settle.js';

/** A graph that was read from another format, and where the values of its parameters are. */
export interface ImportedModel {
  readonly graph: Graph;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Constants of more elements are stored as parameters. */
const MOST_INLINE = 2 ** 16;

/** Throws {@link GraphError} for a value that only a text or an unreadable tensor gives. */
export function assemble(
  model: Settled,
  outputNames: readonly string[],
  { raised, types }: { readonly raised: ReadonlyMap<string, Raised>; readonly types: (value: string) => TensorType },
): ImportedModel {
  return new Assembler(model, raised, types).run(outputNames);
}

interface Step {
  readonly place: number;
  readonly build: () => Operator;
}

class Assembler {
  readonly #model: Settled;
  readonly #raised: ReadonlyMap<string, Raised>;
  readonly #types: (value: string) => TensorType;
  readonly #producers = new Map<string, readonly [node: ForeignNode, place: number]>();
  readonly #parameters = new Map<string, Parameter>();
  readonly #stored = new Map<string, StoredTensor>();
  /** Names of parameters by tensor and the order of its axes. */
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #renamed = new Map<string, string>();
  readonly #values = recordOf<TensorType>();

  constructor(model: Settled, raised: ReadonlyMap<string, Raised>, types: (value: string) => TensorType) {
    this.#model = model;
    this.#types = types;
    model.nodes.forEach((node, place) => {
      for (const output of node.outputs) this.#producers.set(output, [node, place]);
    });
    this.#raised = this.#withValues(raised);
  }

  /** The operators of ours that read values alone: one that reads a stored tensor stays ONNX's, which may. */
  #withValues(raised: ReadonlyMap<string, Raised>): ReadonlyMap<string, Raised> {
    const inputs = new Set(this.#model.inputs.map(({ name }) => name));
    const readable = ({ draft }: Raised): boolean =>
      draft.inputs.every((value) => inputs.has(value) || this.#producers.has(value) || raised.has(value));
    const kept = new Map([...raised].filter(([, one]) => readable(one)));
    return kept.size === raised.size ? kept : this.#withValues(kept);
  }

  run(outputNames: readonly string[]): ImportedModel {
    const { name, inputs, outputs } = this.#model;
    const given = new Set(inputs.map((input) => input.name));
    for (const input of inputs) this.#values[input.name] = input.type;
    const aliases: Operator[] = [];
    const results = outputs.map((value, i) => {
      const isOwn = !given.has(value) && (this.#producers.has(value) || this.#raised.has(value));
      const wanted = outputNames[i];
      if (isOwn && !this.#renamed.has(value) && (wanted === value || !this.#isValue(wanted))) {
        this.#renamed.set(value, wanted);
        return wanted;
      }
      if (given.has(value) && wanted === value) return value;
      // A result that is an input, another result, or no result of a node at all.
      const alias = `${wanted}/result`;
      aliases.push(this.#identity(value, alias));
      return alias;
    });
    const operators = [...this.#steps(outputs), ...aliases];
    const graph: Graph = {
      name,
      inputs: inputs.map((input) => input.name),
      outputs: results,
      operators: this.#withDistinctNames(operators),
      values: this.#values,
      parameters: [...this.#parameters.values()],
    };
    validate(graph);
    return { graph, tensors: this.#stored };
  }

  #isValue = (name: string): boolean =>
    this.#producers.has(name) || this.#raised.has(name) || this.#model.inputs.some((input) => input.name === name);

  #final = (value: string): string => this.#renamed.get(value) ?? value;

  /** The operators that these values depend on, in the model's order. */
  #steps(outputs: readonly string[]): Operator[] {
    const steps: Step[] = [];
    const seen = new Set<string | ForeignNode>();
    const stack = [...outputs];
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      const raised = this.#raised.get(value);
      const produced = this.#producers.get(value);
      if (raised) {
        if (seen.has(value)) continue;
        seen.add(value);
        const name = value;
        steps.push({ place: raised.place, build: () => this.#raisedOperator(name, raised) });
        stack.push(...raised.draft.inputs);
      } else if (produced) {
        const [node, place] = produced;
        if (seen.has(node)) continue;
        seen.add(node);
        steps.push({ place, build: () => this.#keptOperator(node) });
        stack.push(
          ...[...node.inputs, ...this.#captured(node).map(({ value }) => value)].filter((input) =>
            this.#isOperand(input),
          ),
        );
      }
    }
    return this.#sorted(steps);
  }

  /** By place; operators of one place after what they read. */
  #sorted(steps: readonly Step[]): Operator[] {
    const built = [...steps]
      .sort((a, b) => a.place - b.place)
      .map(({ place, build }) => ({ place, operator: build() }));
    const result: Operator[] = [];
    for (let start = 0; start < built.length; ) {
      let end = start + 1;
      while (end < built.length && built[end].place === built[start].place) end++;
      let group = built.slice(start, end).map(({ operator }) => operator);
      while (group.length > 0) {
        const waiting = new Set(group.flatMap(({ outputs }) => outputs));
        const ready = group.filter(({ inputs }) => !inputs.some((input) => waiting.has(input)));
        if (ready.length === 0) throw new GraphError(`${this.#model.source}: "${group[0].name}" waits for itself`);
        result.push(...ready);
        group = group.filter((operator) => !ready.includes(operator));
      }
      start = end;
    }
    return result;
  }

  #raisedOperator(value: string, { draft }: Raised): Operator {
    const node = this.#producers.get(value)?.[0];
    const parameters = Object.fromEntries(
      Object.entries(draft.uses).map(([role, use]) => [role, this.#parameter(use)]),
    );
    const { type, inputs, attributes } = draft;
    const output = this.#final(value);
    this.#values[output] = this.#types(value);
    // A draft has its operator's own attributes; TypeScript cannot follow that through the union.
    return {
      name: node?.name || value,
      type,
      inputs: inputs.map(this.#final),
      parameters,
      attributes,
      outputs: [output],
    } as Operator;
  }

  #keptOperator(node: ForeignNode, results = node.outputs.map(this.#types)): Operator {
    const operands = node.inputs.map((input) => this.#operand(input, node));
    const parameters: Record<string, string> = {};
    // What graphs within the node read comes after its operands.
    const names = [...node.inputs, ...this.#captured(node).map(({ value }) => value)];
    const all = [...operands, ...names.slice(operands.length).map((name) => this.#operand(name, node))];
    all.forEach((operand, place) => {
      if (operand === 'parameter')
        parameters[`${place}`] = this.#parameter({ tensor: names[place], layout: 'as_it_is' });
    });
    const outputs = node.outputs.map((output, i) => this.#final(output || `${label(node)}/${i}`));
    outputs.forEach((output, i) => {
      this.#values[output] = results[i];
    });
    return {
      name: node.name || outputs[0],
      type: 'onnx',
      inputs: names.filter((_, place) => all[place] === 'input').map(this.#final),
      parameters,
      attributes: {
        operator: node.op,
        operands: all,
        attributes: this.#attributes(node),
        results,
      },
      outputs,
    };
  }

  /** What graphs within a node read from around it, but for constants, which they hold themselves. */
  #captured({ captures = [] }: ForeignNode): ReadonlyArray<{ readonly name: string; readonly value: string }> {
    return captures.filter(({ value }) => !this.#model.constants.has(value));
  }

  #attributes(node: ForeignNode): Readonly<Record<string, OnnxAttribute>> {
    if (node.bodies === undefined) return node.attributes;
    const captures = this.#captured(node).map(({ name }) => name);
    const constants = (node.captures ?? []).flatMap(({ name, value }) => {
      const constant = this.#model.constants.get(value);
      return constant === undefined ? [] : [{ name, constant }];
    });
    const bodies = Object.entries(node.bodies).map(
      ([key, body]) =>
        [key, { body: keptBody(body, captures, constants, `${this.#model.source}: ${label(node)}`) }] as const,
    );
    return { ...node.attributes, ...Object.fromEntries(bodies) };
  }

  /** Whether an operand is a value that something computes. */
  #isOperand(name: string): boolean {
    return name !== '' && !this.#model.constants.has(name) && !this.#model.tensors.has(name);
  }

  #operand(name: string, node: ForeignNode): OnnxOperand {
    if (name === '') return 'none';
    const constant = this.#model.constants.get(name);
    const stored = this.#model.tensors.get(name);
    if (stored && isLearned(stored)) return 'parameter';
    if (constant && constant.values.length <= MOST_INLINE) return constant;
    if (stored && isDouble(stored) && elementCount(stored.shape) > MOST_INLINE)
      throw new GraphError(
        `${this.#model.source}: ${label(node)} reads "${name}" float64 [${stored.shape.join(', ')}], but parameters have 32 bits and a graph holds up to ${MOST_INLINE} doubles itself; a Cast of the tensor to float32 makes it a parameter`,
      );
    // A quantised weight is of integers that floats hold exactly.
    if (stored && !isDouble(stored) && (tensorDtype(stored) === 'float32' || QUANTISED_OPERATORS.has(node.op)))
      return 'parameter';
    if (stored || constant)
      throw new GraphError(
        `${this.#model.source}: ${label(node)} reads "${name}", ${this.#unheld(constant, stored)}; parameters are floats, and a graph holds up to ${MOST_INLINE} other numbers itself`,
      );
    return 'input';
  }

  /** Why what is no parameter cannot be in the graph itself. */
  #unheld(constant: Constant | undefined, stored: StoredTensor | undefined): string {
    if (constant !== undefined) return `${constant.values.length} constants of ${typeOf(constant)}`;
    const what = stored ? `a tensor ${stored.type} [${seenShape(stored).join(', ')}]` : 'a tensor';
    const isSmall = stored !== undefined && elementCount(stored.shape) <= MOST_INLINE;
    return isSmall ? `${what} whose values are in another file, which was not given` : what;
  }

  #identity(value: string, alias: string): Operator {
    const node: ForeignNode = { name: alias, op: 'Identity', inputs: [value], outputs: [alias], attributes: {} };
    return this.#keptOperator(node, [this.#types(value)]);
  }

  #parameter(use: TensorUse): string {
    const stored = this.#model.tensors.get(use.tensor);
    if (stored === undefined) throw new GraphError(`${this.#model.source}: there is no tensor "${use.tensor}"`);
    const key = `${use.tensor} ${use.permutation?.join() ?? ''}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const shape = usedShape(use, seenShape(stored));
    const permutation = use.permutation?.map((axis) => stored.permutation?.[axis] ?? axis) ?? stored.permutation;
    const name = distinct(use.name ?? this.#model.views.get(use.tensor)?.base ?? use.tensor, this.#taken);
    this.#names.set(key, name);
    this.#parameters.set(name, { name, shape, layout: use.layout });
    this.#stored.set(name, permutation === undefined ? stored : { ...stored, permutation });
    return name;
  }

  #withDistinctNames(operators: readonly Operator[]): Operator[] {
    const taken = new Set<string>();
    return operators.map((operator) => ({ ...operator, name: distinct(operator.name, taken) }));
  }
}

/** The name, or the name with the first number that makes it another than all that are taken; it is taken from now on. */
function distinct(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 1; taken.has(free); i++) free = `${name}_${i}`;
  taken.add(free);
  return free;
}
