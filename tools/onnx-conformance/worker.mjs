// Runs cases from one place of a list on; prints a line of JSON for each model: node worker.mjs CASES LIST BACKEND START.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphError } from '@logah/graph-ir';
import { decodeTensor, graphFromOnnx, graphToOnnx } from '@logah/graph-ir/onnx';
import { forward } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';

const [, , folder, listFile, backend, start] = process.argv;
if (backend === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
else if (backend === 'wasm') await import('@logah/wasm-kernels');
else await import('@logah/backend-ort');
await tf.setBackend(backend);
await tf.ready();

/** Whether a result is what the case wants: undefined, or what differs. */
function difference(tensor, wanted, data, { rtol, atol }) {
  // A case without axes, added to a vector, has one.
  if (tensor.shape.filter((size) => size !== 1).join() !== wanted.shape.filter((size) => size !== 1).join())
    return `is [${tensor.shape}], not [${wanted.shape}]`;
  const values = tensor.dataSync();
  for (let i = 0; i < wanted.count; i++) {
    const [a, b] = [Number(values[i]), data[wanted.at + i]];
    const isSame = a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (!isSame && !(Math.abs(a - b) <= Math.max(atol, 1e-5) + Math.max(rtol, 1e-3) * Math.abs(b)))
      return `has ${a} at ${i}, not ${b}`;
  }
  return undefined;
}

/** What becomes of a model: "agrees", "wrong", "refused", or "crashed" for an error that is none of ours. */
function outcome(info, model, data, dir) {
  let imported;
  try {
    imported = graphFromOnnx(new Uint8Array(readFileSync(join(dir, `${model}.onnx`))), model);
    const { graph, tensors } = imported;
    const values = new Map(
      [...tensors].map(([name, stored]) => [name, decodeTensor(name, stored, stored.place.bytes)]),
    );
    for (const set of model === 'plain' ? info.sets : info.sets.slice(0, 1)) {
      const given = new Map(set.inputs.map((input) => [input.name, input]));
      const why = tf.tidy(() => {
        const parameters = Object.fromEntries(
          graph.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name), [...shape])]),
        );
        const inputs = Object.fromEntries(
          graph.inputs.map((name) => {
            const { shape, at, count } = given.get(name) ?? { shape: [1], at: 0, count: 0 };
            const numbers = count === 0 && !given.has(name) ? [0] : Array.from(data.subarray(at, at + count));
            return [name, tf.tensor(numbers, shape, graph.values[name].dtype)];
          }),
        );
        const found = forward(graph, parameters, inputs);
        const outputs = model === 'constant' ? set.outputs.slice(0, 1) : set.outputs;
        return outputs.map((wanted, i) => difference(found[i], wanted, data, info)).find((text) => text !== undefined);
      });
      if (why !== undefined) return { outcome: 'wrong', why };
    }
    return { outcome: 'agrees', written: written(graph, values) };
  } catch (error) {
    return { outcome: error instanceof GraphError ? 'refused' : 'crashed', why: error.message };
  }
}

/** Whether a model can be written again, which its own checks decide. */
function written(graph, values) {
  try {
    return graphToOnnx(graph, { values }).length > 0;
  } catch (error) {
    if (error instanceof GraphError) return false;
    throw error;
  }
}

const list = JSON.parse(readFileSync(listFile, 'utf8'));
for (let at = Number(start); at < list.length; at++) {
  const dir = join(folder, list[at]);
  const info = JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8'));
  const raw = readFileSync(join(dir, 'data.bin'));
  const data = new Float64Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  for (const model of info.excluded ? [] : info.models)
    console.log(JSON.stringify({ at, name: list[at], model, ...outcome(info, model, data, dir) }));
  console.log(JSON.stringify({ at, done: true }));
}
