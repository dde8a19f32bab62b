// Networks of any wiring, for properties that hold for all of them.
import fc from 'fast-check';
import { type Graph, GraphBuilder, type ValueRef } from '../src/index.js';

const FEATURES = 4;

/** Each step's kind and which earlier values it reads, counted from the last. */
const step = fc.record({
  kind: fc.constantFrom('linear', 'relu', 'tanh', 'layer_norm', 'add', 'multiply', 'transpose'),
  first: fc.nat(5),
  second: fc.nat(5),
});

/** Graphs of up to 30 operators on values `[batch, 4, 4]`; whatever nobody reads is an output. */
export const anyGraph: fc.Arbitrary<Graph> = fc.array(step, { minLength: 1, maxLength: 30 }).map((steps) => {
  const g = new GraphBuilder('any');
  const values = [g.input('x', ['batch', FEATURES, FEATURES])];
  const read = new Set<string>();
  steps.forEach(({ kind, first, second }, i) => {
    const pick = (back: number): ValueRef => {
      const value = values[Math.max(0, values.length - 1 - back)];
      read.add(value.name);
      return value;
    };
    switch (kind) {
      case 'linear':
        values.push(g.linear(pick(first), `layers.${i}.fc`, { out: FEATURES }));
        break;
      case 'layer_norm':
        values.push(g.layerNorm(pick(first), `layers.${i}.norm`));
        break;
      case 'relu':
      case 'tanh':
        values.push(g.activation(pick(first), kind));
        break;
      case 'transpose':
        values.push(g.transpose(pick(first), [0, 2, 1]));
        break;
      case 'add':
      case 'multiply':
        values.push(g[kind](pick(first), pick(second)));
        break;
    }
  });
  return g.build(values.filter(({ name }) => !read.has(name)));
});
