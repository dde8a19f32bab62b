// Models that packages ship, against the runtimes that they are made for: node tools/real-models/run.mjs FOLDER [--backend ort|cpu|wasm] [--filter TEXT].
// FOLDER holds unpacked packages: `pip download --no-deps silero-vad magika rapidocr nudenet` (each wheel unzipped) and `npm pack nsfwjs
// @upscalerjs/esrgan-slim` (each tarball unpacked), in folders of any names. What is not there is skipped and said so. A difference is an error.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GraphError } from '@logah/graph-ir';
import { openModel } from '@logah/graph-ir/node';
import { graphToOnnx } from '@logah/graph-ir/onnx';
import { forward } from '@logah/network';
import * as tf from '@tensorflow/tfjs-core';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: 'string', default: 'ort' }, filter: { type: 'string', default: '' } },
});
const [folder] = positionals;
if (folder === undefined || !existsSync(folder)) {
  console.log('skipped: no folder of unpacked packages (the head of this file says what it holds)');
  process.exit(0);
}
const { backend } = options;
// TensorFlow.js' own runtimes, which models of its formats are compared with, run on the CPU.
await import('@tensorflow/tfjs-backend-cpu');
if (backend === 'wasm') await import('@logah/wasm-kernels');
else if (backend === 'ort') await import('@logah/backend-ort');
await tf.setBackend(backend);
await tf.ready();

const moduleOf = (path) => createRequire(new URL(path, import.meta.url));
const ort = moduleOf('../../packages/backend-ort/package.json')('onnxruntime-node');
const { loadLayersModel } = moduleOf('../../packages/network/package.json')('@tensorflow/tfjs-layers');

const SAMPLE_RATE = { sr: 16_000 };
/** Models by the end of their path, with the shapes of their inputs and the inputs that are fixed. */
const MODELS = [
  { path: 'silero_vad/data/silero_vad.onnx', inputs: { input: [1, 576], state: [2, 1, 128] }, constants: SAMPLE_RATE },
  {
    path: 'silero_vad/data/silero_vad_16k_op15.onnx',
    inputs: { input: [1, 576], state: [2, 1, 128] },
    constants: SAMPLE_RATE,
  },
  {
    path: 'silero_vad/data/silero_vad_op18_ifless.onnx',
    inputs: { input: [1, 576], state: [2, 1, 128] },
    constants: SAMPLE_RATE,
  },
  { path: 'silero_vad/data/silero_vad_half.onnx', inputs: { input: [1, 576], state: [2, 1, 128] } },
  { path: 'silero_vad/data/silero_vad_16k_sequence.onnx', inputs: { input: [3, 576], h: [1, 1, 128], c: [1, 1, 128] } },
  { path: 'silero_vad/data/silero_vad_openvino_16k.onnx', inputs: { input: [1, 576], state: [2, 1, 128] } },
  { path: 'magika/models/standard_v3_3/model.onnx', inputs: { bytes: [2, 2048] } },
  { path: 'rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx', inputs: { x: [1, 3, 48, 192] } },
  { path: 'rapidocr/models/PP-OCRv6_det_small.onnx', inputs: { x: [1, 3, 64, 96] } },
  { path: 'rapidocr/models/PP-OCRv6_rec_small.onnx', inputs: { x: [1, 3, 48, 96] } },
  { path: 'nudenet/320n.onnx', inputs: { images: [1, 3, 320, 320] } },
  { path: 'dist/models/mobilenet_v2/model.min.js', inputs: { '*': [1, 224, 224, 3] } },
  { path: 'models/x2/model.json', inputs: { '*': [1, 24, 20, 3] } },
];

/** Numbers in [-1, 1) that look random. */
const noise = (count) =>
  Float32Array.from({ length: count }, (_, k) => {
    const wave = 43758.5453 * Math.sin(12.9898 * k + 78.233);
    return 2 * (wave - Math.floor(wave)) - 1;
  });
const countOf = (shape) => shape.reduce((product, size) => product * size, 1);
const given = (shape, dtype) => {
  const values = noise(countOf(shape));
  // Bytes, and one more for padding.
  return dtype === 'int32' ? Int32Array.from(values, (x) => Math.floor(128 * (x + 1))) : values;
};

/** What differs between two lists of results, or undefined: more than 1e-4 of the largest value and a sigmoid's precision near 1. */
function difference(found, wanted) {
  if (found.length !== wanted.length) return `${found.length} results, not ${wanted.length}`;
  for (const [i, { shape, values }] of wanted.entries()) {
    if (found[i].shape.join() !== shape.join()) return `result ${i} is [${found[i].shape}], not [${shape}]`;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(Number(value))), 0);
    const at = values.findIndex(
      (value, k) => !(Math.abs(Number(value) - Number(found[i].values[k])) <= 1e-4 * largest + 2 ** -22),
    );
    if (at >= 0) return `result ${i} has ${found[i].values[at]} at ${at}, not ${values[at]}`;
  }
  return undefined;
}

async function inRuntime(bytes, inputs) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const results = await session.run(
    Object.fromEntries(
      session.inputMetadata.map(({ name, type }) => {
        const { shape, values } = inputs.get(name);
        return [name, new ort.Tensor(type, type === 'int64' ? BigInt64Array.from(values, BigInt) : values, shape)];
      }),
    ),
  );
  await session.release();
  return session.outputNames.map((name) => ({
    shape: [...results[name].dims],
    values: Array.from(results[name].data),
  }));
}

/** A layers model in TensorFlow.js' own runtime. */
async function inTensorflow(path, inputs) {
  await tf.setBackend('cpu');
  const json = JSON.parse(readFileSync(path, 'utf8'));
  const parts = json.weightsManifest.flatMap(({ paths }) => paths.map((part) => readFileSync(join(path, '..', part))));
  const weights = Uint8Array.from(Buffer.concat(parts)).buffer;
  const specs = json.weightsManifest.flatMap(({ weights: own }) => own);
  const artifacts = { modelTopology: json.modelTopology, weightSpecs: specs, weightData: weights, format: json.format };
  const model = await loadLayersModel({ load: async () => artifacts });
  const [{ shape, values }] = inputs.values();
  const found = tf.tidy(() => {
    const output = model.predict(tf.tensor(values, shape));
    return (Array.isArray(output) ? output : [output]).map((t) => ({ shape: t.shape, values: t.dataSync() }));
  });
  await tf.setBackend(backend);
  return found;
}

/** A model of TensorFlow.js that a package holds as modules of base64, as files. */
function asFiles(path, to) {
  const load = createRequire(path);
  const model = load(path);
  for (const { paths } of model.weightsManifest)
    for (const name of paths) writeFileSync(join(to, name), Buffer.from(load(`./${name}.min.js`), 'base64'));
  writeFileSync(join(to, 'model.json'), JSON.stringify(model));
  return join(to, 'model.json');
}

const files = readdirSync(folder, { recursive: true }).map(String);
let failures = 0;
for (const { path, inputs: shapes, constants } of MODELS.filter((one) => one.path.includes(options.filter))) {
  const file = files.find((name) => name.endsWith(path));
  if (file === undefined) {
    console.log(`${path}: skipped, the package is not there`);
    continue;
  }
  const temporary = mkdtempSync(join(tmpdir(), 'real-models-'));
  try {
    const where = path.endsWith('.min.js') ? asFiles(resolve(folder, file), temporary) : join(folder, file);
    const opened = openModel(where, constants === undefined ? {} : { constants });
    const { graph } = opened;
    const values = new Map(graph.parameters.map(({ name }) => [name, opened.values(name)]));
    const inputs = new Map(
      graph.inputs.map((name) => {
        const shape = shapes[name] ?? shapes['*'];
        return [name, { shape, values: given(shape, graph.values[name].dtype) }];
      }),
    );
    const fixed = Object.entries(constants ?? {}).map(([name, value]) => [name, { shape: [], values: [value] }]);
    const wanted = where.endsWith('.onnx')
      ? await inRuntime(readFileSync(where), new Map([...inputs, ...fixed]))
      : await inTensorflow(where, inputs);
    const found = tf.tidy(() => {
      const parameters = Object.fromEntries(
        graph.parameters.map(({ name, shape }) => [name, tf.tensor(values.get(name), [...shape])]),
      );
      const tensors = [...inputs].map(([name, one]) => [
        name,
        tf.tensor(one.values, one.shape, graph.values[name].dtype),
      ]);
      return forward(graph, parameters, Object.fromEntries(tensors)).map((t) => ({
        shape: t.shape,
        values: t.dataSync(),
      }));
    });
    const again = await inRuntime(graphToOnnx(graph, { values }), inputs);
    const problems = [
      ['runs', difference(found, wanted)],
      ['is written', difference(again, wanted)],
    ].flatMap(([what, why]) => (why === undefined ? [] : [`${what} otherwise: ${why}`]));
    failures += problems.length;
    opened.close();
    console.log(`${path}: ${problems.join('; ') || 'runs and is written as its runtime computes it'}`);
  } catch (error) {
    failures++;
    console.log(`${path}: ${error instanceof GraphError ? 'refused' : 'failed'}: ${error.message}`);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
process.exitCode = failures === 0 ? 0 : 1;
