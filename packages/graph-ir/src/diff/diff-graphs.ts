// The differences of two networks as data.
import { own } from '@logah/files';
import type { Graph, Operator, Parameter, TensorType } from '../graph.js';
import { type Alignment, alignGraphs, neighbours } from './align.js';
import { attributesOf } from './attributes.js';

export interface OperatorPair {
  readonly a: string;
  readonly b: string;
}

export interface AttributeChange {
  /** "type", an attribute, "inputs" for other operators that it reads, "result" for shapes it gives, or the role of a parameter. */
  readonly what: string;
  readonly a: string;
  readonly b: string;
}

/** An operator that is not the same in both. */
export interface OperatorChange extends OperatorPair {
  readonly changes: readonly AttributeChange[];
}

/** An input or output of the network that is not the same in both. */
export interface InterfaceChange {
  readonly kind: 'input' | 'output';
  /** Undefined where one has none at this place. */
  readonly a: string | undefined;
  readonly b: string | undefined;
}

/** A parameter and what it is in the other network. */
export interface ParameterPair {
  readonly a: Parameter;
  readonly b: Parameter;
}

export interface GraphDifference {
  readonly interface: readonly InterfaceChange[];
  readonly operators: {
    /** Operators that are the same, but for their names and those of what they read. */
    readonly same: readonly OperatorPair[];
    readonly changed: readonly OperatorChange[];
    /** Names of operators that only A has. */
    readonly removed: readonly string[];
    /** Names of operators that only B has. */
    readonly added: readonly string[];
  };
  readonly parameters: {
    /** Of the same name, shape and layout. */
    readonly same: readonly ParameterPair[];
    /** Of the same shape and layout, at the same place, under another name. */
    readonly renamed: readonly ParameterPair[];
    /** Of another shape or layout. */
    readonly changed: readonly ParameterPair[];
    readonly removed: readonly Parameter[];
    readonly added: readonly Parameter[];
  };
}

/** Whether two networks are the same but for the names of operators and values. Renamed parameters are a difference. */
export const isEmptyDifference = ({ interface: ends, operators, parameters }: GraphDifference): boolean =>
  [
    ends,
    operators.changed,
    operators.removed,
    operators.added,
    parameters.renamed,
    parameters.changed,
    parameters.removed,
    parameters.added,
  ].every(({ length }) => length === 0);

/**
 * What differs between networks A and B. Parameters of the same name are the same parameter; operators are matched by
 * them first, then by their likeness and order; other parameters by the operators and roles they belong to.
 */
export function diffGraphs(a: Graph, b: Graph): GraphDifference {
  const alignment = alignGraphs(a, b);
  const parameters = pairParameters(a, b, alignment);
  const counterpart = new Map(
    [...parameters.same, ...parameters.renamed, ...parameters.changed].map((pair) => [pair.a.name, pair.b.name]),
  );
  const context: Context = {
    ...{ a, b, alignment, counterpart },
    ...{ aroundA: neighbours(a), aroundB: neighbours(b), originsA: originsOf(a), originsB: originsOf(b) },
  };
  const same: OperatorPair[] = [];
  const changed: OperatorChange[] = [];
  for (const [i, j] of [...alignment.ofA].sort(([first], [second]) => first - second)) {
    const pair = { a: a.operators[i].name, b: b.operators[j].name };
    const changes = changesOf(i, j, context);
    if (changes.length === 0) same.push(pair);
    else changed.push({ ...pair, changes });
  }
  return {
    interface: [
      ...endChanges('input', a.inputs, b.inputs, a, b),
      ...endChanges('output', a.outputs, b.outputs, a, b),
      ...otherOutputs(context),
    ],
    operators: {
      same,
      changed,
      removed: a.operators.flatMap(({ name }, i) => (alignment.ofA.has(i) ? [] : [name])),
      added: b.operators.flatMap(({ name }, j) => (alignment.ofB.has(j) ? [] : [name])),
    },
    parameters,
  };
}

const show = (shape: ReadonlyArray<number | string>): string => `[${shape.join(', ')}]`;
const showType = ({ dtype, element, shape }: TensorType): string => `${element ?? dtype} ${show(shape)}`;

/** Outputs are matched by place, since their names are often made up; inputs have names that their users know. */
function endChanges(
  kind: InterfaceChange['kind'],
  namesA: readonly string[],
  namesB: readonly string[],
  { values: valuesA }: Graph,
  { values: valuesB }: Graph,
): InterfaceChange[] {
  return Array.from({ length: Math.max(namesA.length, namesB.length) }, (_, i): InterfaceChange => {
    const end = (name: string | undefined, values: Graph['values']): string | undefined =>
      name === undefined ? undefined : `${kind === 'input' ? `${name}: ` : ''}${showType(values[name])}`;
    return { kind, a: end(namesA[i], valuesA), b: end(namesB[i], valuesB) };
  }).filter((change) => change.a !== change.b);
}

/** Outputs of one type at one place that two operators give that are not each other's counterparts, or another of their results. */
function otherOutputs({ a, b, alignment: { ofA, ofB }, originsA, originsB }: Context): InterfaceChange[] {
  return a.outputs.flatMap((nameA, i): InterfaceChange[] => {
    const nameB = b.outputs[i];
    if (nameB === undefined) return [];
    const [typeA, typeB] = [showType(a.values[nameA]), showType(b.values[nameB])];
    const [from, to] = [originsA.get(nameA), originsB.get(nameB)];
    if (typeA !== typeB || from === undefined || to === undefined) return [];
    // Inputs have places below 0; an operator that only one has is a difference of its own.
    const isKnown = (from.place < 0 || ofA.has(from.place)) && (to.place < 0 || ofB.has(to.place));
    const counterpart = from.place < 0 ? from.place : ofA.get(from.place);
    if (!isKnown || (counterpart === to.place && from.result === to.result)) return [];
    return [{ kind: 'output', a: `${nameA}: ${typeA}`, b: `${nameB}: ${typeB}` }];
  });
}

interface Origin {
  /** Of the operator in the graph's list; -1 and below are the inputs. */
  readonly place: number;
  /** Which of the operator's results. */
  readonly result: number;
}

/** What gives each value. */
const originsOf = ({ inputs, operators }: Graph): ReadonlyMap<string, Origin> =>
  new Map([
    ...inputs.map((name, i) => [name, { place: -1 - i, result: 0 }] as const),
    ...operators.flatMap(({ outputs }, place) => outputs.map((name, result) => [name, { place, result }] as const)),
  ]);

interface Context {
  readonly a: Graph;
  readonly b: Graph;
  readonly alignment: Alignment;
  /** Names of A's parameters to those of B's that they are. */
  readonly counterpart: ReadonlyMap<string, string>;
  readonly aroundA: ReturnType<typeof neighbours>;
  readonly aroundB: ReturnType<typeof neighbours>;
  readonly originsA: ReadonlyMap<string, Origin>;
  readonly originsB: ReadonlyMap<string, Origin>;
}

function changesOf(
  i: number,
  j: number,
  { a, b, alignment, counterpart, aroundA, aroundB, originsA, originsB }: Context,
): AttributeChange[] {
  const [operatorA, operatorB] = [a.operators[i], b.operators[j]];
  const changes: AttributeChange[] = [];
  const compare = (what: string, inA: string, inB: string): void => {
    if (inA !== inB) changes.push({ what, a: inA, b: inB });
  };
  compare('type', operatorA.type, operatorB.type);
  const [attributesA, attributesB] = [attributesOf(operatorA), attributesOf(operatorB)];
  for (const name of new Set([...attributesA.keys(), ...attributesB.keys()]))
    compare(name, attributesA.get(name) ?? '–', attributesB.get(name) ?? '–');
  for (const role of new Set([...Object.keys(operatorA.parameters), ...Object.keys(operatorB.parameters)])) {
    const [nameA, nameB] = [own(operatorA.parameters, role), own(operatorB.parameters, role)];
    if (nameA === undefined || counterpart.get(nameA) !== nameB) compare(role, nameA ?? '–', nameB ?? '–');
  }
  const results = ({ outputs }: Operator, { values }: Graph): string =>
    outputs.map((value) => showType(values[value])).join(', ');
  compare('result', results(operatorA, a), results(operatorB, b));
  // Said even where both are called the same: then the name is another operator's.
  if (!readsTheSame(aroundA.before[i], aroundB.before[j], { alignment, aroundA, aroundB }))
    changes.push({ what: 'inputs', a: readNames(aroundA.before[i], a), b: readNames(aroundB.before[j], b) });
  else if (
    operatorA.inputs.some((name, k) => {
      const [from, to] = [originsA.get(name), originsB.get(operatorB.inputs[k] ?? '')];
      return from && to && alignment.ofA.get(from.place) === to.place && from.result !== to.result;
    })
  )
    changes.push({ what: 'inputs', a: operatorA.inputs.join(', '), b: operatorB.inputs.join(', ') });
  return changes;
}

const readNames = (places: readonly number[], { inputs, operators }: Graph): string =>
  places.map((place) => (place >= 0 ? operators[place].name : inputs[-1 - place])).join(', ');

/** Whether two matched operators read counterparts; what was only put between them and their readers, or taken out, does not count. */
function readsTheSame(
  beforeA: readonly number[],
  beforeB: readonly number[],
  { alignment: { ofA, ofB }, aroundA, aroundB }: Pick<Context, 'alignment' | 'aroundA' | 'aroundB'>,
): boolean {
  if (beforeA.length !== beforeB.length) return false;
  /** The nearest place upstream, along first inputs, that both networks have. */
  const known = (place: number, matches: ReadonlyMap<number, number>, before: readonly number[][]): number => {
    let at = place;
    while (at >= 0 && !matches.has(at)) at = before[at][0] ?? Number.NEGATIVE_INFINITY;
    return at;
  };
  return beforeA.every((place, k) => {
    const inA = known(place, ofA, aroundA.before);
    const inB = known(beforeB[k], ofB, aroundB.before);
    return inA < 0 ? inA === inB : ofA.get(inA) === inB;
  });
}

const isSameKind = (a: Parameter, b: Parameter): boolean => a.shape.join() === b.shape.join() && a.layout === b.layout;

function pairParameters(a: Graph, b: Graph, { ofA }: Alignment): GraphDifference['parameters'] {
  const [inA, inB] = [a, b].map(
    ({ parameters }) => new Map(parameters.map((parameter) => [parameter.name, parameter])),
  );
  const pairs = new Map<string, string>();
  const taken = new Set<string>();
  const pair = (nameA: string, nameB: string): void => {
    if (pairs.has(nameA) || taken.has(nameB)) return;
    pairs.set(nameA, nameB);
    taken.add(nameB);
  };
  for (const name of inA.keys()) if (inB.has(name)) pair(name, name);
  for (const [i, j] of ofA)
    for (const [role, name] of Object.entries(a.operators[i].parameters)) {
      const other = own(b.operators[j].parameters, role);
      if (other !== undefined) pair(name, other);
    }
  const all = a.parameters.flatMap((parameter): ParameterPair[] => {
    const other = inB.get(pairs.get(parameter.name) ?? '');
    return other === undefined ? [] : [{ a: parameter, b: other }];
  });
  return {
    same: all.filter((of) => isSameKind(of.a, of.b) && of.a.name === of.b.name),
    renamed: all.filter((of) => isSameKind(of.a, of.b) && of.a.name !== of.b.name),
    changed: all.filter((of) => !isSameKind(of.a, of.b)),
    removed: a.parameters.filter(({ name }) => !pairs.has(name)),
    added: b.parameters.filter(({ name }) => !taken.has(name)),
  };
}
