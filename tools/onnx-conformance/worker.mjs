// Runs cases from one place of a list on; prints a line of JSON for each model: node worker.mjs CASES LIST BACKEND START.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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
// What is written does not depend on the backend: one run of ONNX Runtime is enough.
const ort =
  backend === 'ort'
    ? createRequire(new URL('../../packages/backend-ort/package.json', import.meta.url))('onnxruntime-node')
    : undefined;

/** Whether a result is what the case wants: undefined, or what differs. */
function difference({ shape, values }, wanted, data, model, { rtol, atol }) {
  // What is added to a vector has at least its axis.
  const right = model === 'constant' && wanted.shape.length === 0 ? [1] : wanted.shape;
  if (shape.join() !== right.join()) return `is [${shape}], not [${right}]`;
  for (let i = 0; i < wanted.count; i++) {
    const [a, b] = [Number(values[i]), data[wanted.at + i]];
    const isSame = a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (!isSame && !(Math.abs(a - b) <= Math.max(atol, 1e-5) + Math.max(rtol, 1e-3) * Math.abs(b)))
      return `has ${a} at ${i}, not ${b}`;
  }
  return undefined;
}

/** The first of a case's results that differs from what it wants, in words. */
function firstDifference(found, set, model, data, info) {
  const outputs = model === 'constant' ? set.outputs.slice(0, 1) : set.outputs;
  return outputs.map((wanted, i) => difference(found[i], wanted, data, model, info)).find((text) => text !== undefined);
}

/** Shape and numbers of a graph's input: those of the case, or a 0 that a model of constants adds. */
function inputOf(name, set, data) {
  const input = set.inputs.find((one) => one.name === name);
  return input === undefined
    ? { shape: [1], numbers: [0] }
    : { shape: input.shape, numbers: Array.from(data.subarray(input.at, input.at + input.count)) };
}

/** What becomes of a model: "agrees", "wrong", "refused", or "crashed" for an error that is none of ours. */
async function outcome(info, model, data, dir) {
  let imported;
  try {
    imported = graphFromOnnx(new Uint8Array(readFileSync(join(dir, `${model}.onnx`))), model);
    const { graph, tensors } = imported;
    const values = new Map(
      [...tensors].map(([name, stored]) => [name, decodeTensor(name, stored, stored.place.bytes)]),
    );
    const sets = model === 'plain' ? info.sets : info.sets.slice(0, 1);
    for (const set of sets) {
      const why = tf.tidy(() => {
        const parameters = Object.fromEntries(
          graph.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name), [...shape])]),
        );
        const inputs = Object.fromEntries(
          graph.inputs.map((name) => {
            const { shape, numbers } = inputOf(name, set, data);
            return [name, tf.tensor(numbers, shape, graph.values[name].dtype)];
          }),
        );
        const found = forward(graph, parameters, inputs).map((t) => ({ shape: t.shape, values: t.dataSync() }));
        return firstDifference(found, set, model, data, info);
      });
      if (why !== undefined) return { outcome: 'wrong', why };
    }
    return { outcome: 'agrees', ...(await written(graph, values, dir, sets[0], model, data, info)) };
  } catch (error) {
    return { outcome: error instanceof GraphError ? 'refused' : 'crashed', why: error.message };
  }
}

const ARRAYS = {
  bool: Uint8Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
};

/** What ONNX Runtime makes of a model whose inputs are the case's of these names: "agrees", "wrong", or "rejected" where it does not open or run it. */
async function runtimeOutcome(bytes, names, set, model, data, info) {
  try {
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
    const feeds = Object.fromEntries(
      session.inputMetadata.map(({ name, type }, i) => {
        const { shape, numbers } = inputOf(names?.[i] ?? name, set, data);
        const Numbers = ARRAYS[type];
        const wide = type.endsWith('int64');
        return [name, new ort.Tensor(type, Numbers.from(wide ? numbers.map(BigInt) : numbers), shape)];
      }),
    );
    const results = await session.run(feeds);
    const found = session.outputNames.map((name) => ({ shape: results[name].dims, values: results[name].data }));
    await session.release();
    const why = firstDifference(found, set, model, data, info);
    return why === undefined ? { written: 'agrees' } : { written: 'wrong', whyWritten: why };
  } catch (error) {
    return { written: 'rejected', whyWritten: error.message };
  }
}

/** Written models have float32 for floats of 16 bits, which round less: they are judged by the digits that those have. */
const precisionOf = (graph, { rtol, atol }) => {
  const elements = Object.values(graph.values).map(({ element }) => element);
  const rounding = elements.includes('bfloat16') ? 2 ** -6 : elements.includes('float16') ? 2 ** -9 : 0;
  return { rtol: Math.max(rtol, rounding), atol };
};

/**
 * What becomes of a model that is written again: what ONNX Runtime makes of it, "refused" by the writer, or "beyond" where ONNX Runtime has no kernel for the
 * case itself or gets it wrong, so that it cannot judge.
 */
async function written(graph, values, dir, set, model, data, info) {
  if (ort === undefined) return {};
  let bytes;
  try {
    bytes = graphToOnnx(graph, { values });
  } catch (error) {
    if (error instanceof GraphError) return { written: 'refused', whyWritten: error.message };
    throw error;
  }
  const again = await runtimeOutcome(bytes, graph.inputs, set, model, data, { ...info, ...precisionOf(graph, info) });
  if (again.written === 'agrees' || /Type Error/.test(again.whyWritten)) return again;
  const original = await runtimeOutcome(readFileSync(join(dir, `${model}.onnx`)), undefined, set, model, data, info);
  return original.written === again.written ? { ...again, written: 'beyond' } : again;
}

const list = JSON.parse(readFileSync(listFile, 'utf8'));
for (let at = Number(start); at < list.length; at++) {
  const dir = join(folder, list[at]);
  const info = JSON.parse(readFileSync(join(dir, 'case.json'), 'utf8'));
  const raw = readFileSync(join(dir, 'data.bin'));
  const data = new Float64Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  for (const model of info.excluded ? [] : info.models)
    console.log(JSON.stringify({ at, name: list[at], model, ...(await outcome(info, model, data, dir)) }));
  console.log(JSON.stringify({ at, done: true }));
}
