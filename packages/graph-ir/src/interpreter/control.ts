// Conditionals and loops of ONNX.
import { integer, integers } from '../onnx-attributes.js';
import { type Body, type Operation, operand, type Rule, type Rules, scalar } from './operation.js';
import { axisOf, concatenated, countOf, exactTensor, fail, reshaped, type Tensor, takeRows } from './tensor.js';

/** Loops that run longer are taken for endless. */
const MOST_STEPS = 1_000_000;

const bodyOf = ({ bodies }: Operation, name: string): Body => bodies?.[name] ?? fail(`has no ${name}`);

const conditional: Rule = (operation) =>
  bodyOf(operation, operand(operation, 0).values[0] !== 0 ? 'then_branch' : 'else_branch').run([]);

/** Tensors of one shape along a new axis in front. */
const stacked = (tensors: readonly Tensor[], axis = 0): Tensor =>
  concatenated(
    tensors.map((tensor) => reshaped(tensor, [...tensor.shape.slice(0, axis), 1, ...tensor.shape.slice(axis)])),
    axis,
  );

/** What is collected of no step: nothing, of the shape that a step's results would have along a new axis. */
const nothingOf = ({ type, shape }: Tensor, axis = 0): Tensor =>
  exactTensor(type, [...shape.slice(0, axis), 0, ...shape.slice(axis)], []);

const loop: Rule = (operation) => {
  const body = bodyOf(operation, 'body');
  const most = scalar(operation, 0) ?? MOST_STEPS;
  let goesOn = (scalar(operation, 1) ?? 1) !== 0;
  let carried = operation.operands.slice(2).map((_, i) => operand(operation, i + 2));
  const collected: Tensor[][] = Array.from({ length: body.results - 1 - carried.length }, () => []);
  for (let step = 0; goesOn && step < most; step++) {
    if (step >= MOST_STEPS) return fail(`runs for more than ${MOST_STEPS} steps`);
    const results = body.run([exactTensor('int64', [], [step]), exactTensor('bool', [], [1]), ...carried]);
    goesOn = results[0].values[0] !== 0;
    const count = carried.length;
    carried = results.slice(1, 1 + count);
    collected.forEach((list, i) => {
      list.push(results[1 + count + i]);
    });
  }
  if (collected.every((list) => list.length > 0)) return [...carried, ...collected.map((list) => stacked(list))];
  // Only a step tells the shapes: one is tried, and forgotten.
  const tried = body.run([exactTensor('int64', [], [0]), exactTensor('bool', [], [1]), ...carried]);
  return [...carried, ...tried.slice(1 + carried.length).map((result) => nothingOf(result))];
};

const scan: Rule = (operation) => {
  const body = bodyOf(operation, 'body');
  const scanned = integer(operation, 'num_scan_inputs', 0);
  const operands = operation.operands.map((_, i) => operand(operation, i));
  let states = operands.slice(0, operands.length - scanned);
  const inputs = operands.slice(operands.length - scanned);
  const axes = inputs.map((x, i) => axisOf(integers(operation, 'scan_input_axes')?.[i] ?? 0, x.shape.length));
  const inReverse = integers(operation, 'scan_input_directions') ?? [];
  const outReverse = integers(operation, 'scan_output_directions') ?? [];
  const length = inputs[0]?.shape[axes[0]] ?? 0;
  const collected: Tensor[][] = Array.from({ length: body.results - states.length }, () => []);
  for (let step = 0; step < length; step++) {
    const rows = inputs.map((x, i) => {
      const row = takeRows(x, axes[i], [inReverse[i] === 1 ? length - 1 - step : step]);
      return reshaped(
        row,
        row.shape.filter((_, axis) => axis !== axes[i]),
      );
    });
    const results = body.run([...states, ...rows]);
    const count = states.length;
    states = results.slice(0, count);
    collected.forEach((list, i) => {
      if (outReverse[i] === 1) list.unshift(results[count + i]);
      else list.push(results[count + i]);
    });
  }
  const along = (i: number, { shape }: Tensor): number =>
    axisOf(integers(operation, 'scan_output_axes')?.[i] ?? 0, shape.length + 1);
  if (length > 0) return [...states, ...collected.map((list, i) => stacked(list, along(i, list[0])))];
  // Only a step tells the shapes: one of zeros is tried, and forgotten.
  const zeros = inputs.map(({ type, shape }, i) => {
    const rest = shape.filter((_, axis) => axis !== axes[i]);
    return exactTensor(type, rest, new Float64Array(countOf(rest)));
  });
  const tried = body.run([...states, ...zeros]).slice(states.length);
  return [...states, ...tried.map((result, i) => nothingOf(result, along(i, result)))];
};

export const CONTROL: Rules = { If: conditional, Loop: loop, Scan: scan };
