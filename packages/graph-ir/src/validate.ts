// Checks a graph from the first operator to the last, inferring every shape on the way.
import { own, recordOf } from '@logah/files';
import {
  elementCount,
  type Graph,
  GraphError,
  type Operator,
  type OperatorOf,
  type OperatorType,
  type TensorType,
} from './graph.js';
import { OPERATORS } from './operators.js';

/**
 * The types of an operator's outputs.
 * Throws {@link GraphError} naming the operator when inputs or parameters are too few, too many, unknown, or of the wrong shape.
 */
export function inferOutputs(
  operator: Operator,
  typeOf: (value: string) => TensorType | undefined,
  shapeOf: (parameter: string) => readonly number[] | undefined,
): TensorType[] {
  return inferOutputsOf(operator, typeOf, shapeOf);
}

function inferOutputsOf<T extends OperatorType>(
  operator: OperatorOf<T>,
  typeOf: (value: string) => TensorType | undefined,
  shapeOf: (parameter: string) => readonly number[] | undefined,
): TensorType[] {
  const fail = (what: string): never => {
    throw new GraphError(`${operator.type} "${operator.name}": ${what}`);
  };
  if (!Object.hasOwn(OPERATORS, operator.type))
    fail(`is not an operator type; known are ${Object.keys(OPERATORS).join(', ')}`);
  const definition = OPERATORS[operator.type];
  const [least, most] = definition.inputs;
  if (operator.inputs.length < least || operator.inputs.length > most) {
    fail(`takes ${least === most ? least : `${least} to ${most}`} input(s), got ${operator.inputs.length}`);
  }
  const inputs = operator.inputs.map(
    (value) => typeOf(value) ?? fail(`reads "${value}", which no input or earlier operator gives`),
  );
  const { required, optional } = definition.parameters;
  for (const role of required) if (!Object.hasOwn(operator.parameters, role)) fail(`has no parameter "${role}"`);
  const shapes = recordOf<readonly number[]>();
  for (const [role, name] of Object.entries(operator.parameters)) {
    if (!required.includes(role) && !(optional instanceof RegExp ? optional.test(role) : optional.includes(role))) {
      const known = optional instanceof RegExp ? 'the places of its operands' : [...required, ...optional].join(', ');
      fail(`has no parameter role "${role}"; known are ${known || 'none'}`);
    }
    shapes[role] = shapeOf(name) ?? fail(`uses the parameter "${name}", which the graph does not list`);
  }
  const types = inferred(() => definition.infer(operator, inputs, shapes), fail);
  if (operator.outputs.length !== types.length)
    fail(`gives ${types.length} output(s), but names ${operator.outputs.length}`);
  return types;
}

function inferred(infer: () => TensorType | readonly TensorType[], fail: (what: string) => never): TensorType[] {
  try {
    const types = infer();
    return 'shape' in types ? [types] : [...types];
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Checks that a graph is sound: names are unique, every operator reads what exists before it, every shape follows from the
 * operators, every parameter is used, every output is there. Throws {@link GraphError} naming the operator or value at fault.
 */
export function validate(graph: Graph): void {
  const fail = (what: string): never => {
    throw new GraphError(`graph "${graph.name}": ${what}`);
  };
  const parameters = new Map<string, readonly number[]>();
  for (const { name, shape } of graph.parameters) {
    if (parameters.has(name)) fail(`two parameters are named "${name}"`);
    if (!shape.every((size) => Number.isSafeInteger(size) && size > 0))
      fail(`parameter "${name}" has shape [${shape.join(', ')}]; sizes are positive integers`);
    if (!Number.isSafeInteger(elementCount(shape)))
      fail(`parameter "${name}" has shape [${shape.join(', ')}], which no memory holds`);
    parameters.set(name, shape);
  }
  const known = new Map<string, TensorType>();
  const define = (value: string, type: TensorType): void => {
    if (known.has(value)) fail(`two operators or inputs give the value "${value}"`);
    const declared = own(graph.values, value) ?? fail(`the value "${value}" has no type`);
    if (declared.dtype !== type.dtype || declared.shape.join() !== type.shape.join()) {
      fail(
        `the value "${value}" is declared ${declared.dtype} [${declared.shape.join(', ')}], but is ${type.dtype} [${type.shape.join(', ')}]`,
      );
    }
    known.set(value, declared);
  };
  for (const input of graph.inputs) define(input, own(graph.values, input) ?? fail(`the input "${input}" has no type`));
  const names = new Set<string>();
  const used = new Set<string>();
  for (const operator of graph.operators) {
    if (names.has(operator.name)) fail(`two operators are named "${operator.name}"`);
    names.add(operator.name);
    const types = inferOutputs(
      operator,
      (value) => known.get(value),
      (name) => parameters.get(name),
    );
    operator.outputs.forEach((value, i) => {
      define(value, types[i]);
    });
    for (const name of Object.values(operator.parameters)) used.add(name);
  }
  for (const output of graph.outputs)
    if (!known.has(output)) fail(`the output "${output}" is not given by any operator`);
  for (const name of parameters.keys()) if (!used.has(name)) fail(`no operator uses the parameter "${name}"`);
  for (const value of Object.keys(graph.values)) if (!known.has(value)) fail(`no operator gives the value "${value}"`);
}
