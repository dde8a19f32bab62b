// What differs between two networks, for people.
import { counted } from '@logah/files';
import type { Graph, Parameter } from '@logah/graph-ir';
import type { GraphDifference, ValueDifference } from '@logah/graph-ir/diff';
import { thousands } from './text-table.js';

/** How the values of a parameter that both have differ. */
export interface ParameterValues extends ValueDifference {
  readonly name: string;
  /** In B, where it is called otherwise. */
  readonly inB?: string;
}

const LONGEST = 120;
const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
const show = ({ shape, layout }: Parameter): string => `[${shape.join(', ')}] ${layout}`;
const number = (value: number): string => value.toPrecision(3);

/** The differences in lines: `-` only A has, `+` only B has, `~` both have, but not the same. */
export function differenceText(
  a: Graph,
  b: Graph,
  { interface: ends, operators, parameters }: GraphDifference,
  values: readonly ParameterValues[] | undefined,
): string {
  const typeOf = ({ operators: all }: Graph, name: string): string => {
    const operator = all.find((candidate) => candidate.name === name);
    return operator?.type === 'onnx' ? `ONNX ${operator.attributes.operator}` : (operator?.type ?? '');
  };
  const sections: ReadonlyArray<readonly [title: string, lines: readonly string[]]> = [
    ['inputs and outputs', ends.map((change) => `~ ${change.kind} ${change.a ?? 'none'} → ${change.b ?? 'none'}`)],
    [
      `operators (${thousands(operators.same.length)} the same)`,
      [
        ...operators.removed.map((name) => `- ${name} (${typeOf(a, name)})`),
        ...operators.added.map((name) => `+ ${name} (${typeOf(b, name)})`),
        ...operators.changed.flatMap((change) => [
          `~ ${change.a === change.b ? change.a : `${change.a} → ${change.b}`} (${typeOf(b, change.b)})`,
          ...change.changes.map(({ what, a: from, b: to }) => `    ${what}: ${short(from)} → ${short(to)}`),
        ]),
      ],
    ],
    [
      `parameters (${thousands(parameters.same.length)} the same)`,
      [
        ...parameters.removed.map((parameter) => `- ${parameter.name} ${show(parameter)}`),
        ...parameters.added.map((parameter) => `+ ${parameter.name} ${show(parameter)}`),
        ...parameters.renamed.map((pair) => `~ ${pair.a.name} is called ${pair.b.name}`),
        ...parameters.changed.map(
          (pair) =>
            `~ ${pair.a.name === pair.b.name ? pair.a.name : `${pair.a.name} → ${pair.b.name}`}: ${show(pair.a)} → ${show(pair.b)}`,
        ),
      ],
    ],
    [
      'values',
      (values ?? []).map(
        ({ name, inB, maxAbsolute, maxRelative, count, elements }) =>
          `~ ${inB === undefined ? name : `${name} → ${inB}`}: ${thousands(count)} of ${thousands(elements)} differ, ` +
          `at most by ${number(maxAbsolute)} (relative ${number(maxRelative)})`,
      ),
    ],
  ];
  const texts = sections.flatMap(([title, lines]) =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)],
  );
  return texts.length > 0
    ? [`A: ${a.name}, B: ${b.name}`, ...texts].join('\n')
    : `No differences: ${counted(operators.same.length, 'operator')}, ${counted(parameters.same.length, 'parameter')}${values === undefined ? ', values not compared' : ' with their values'}.`;
}
