// Layers models of TensorFlow.js: Keras' layers in ONNX's words.
import { GraphError, type Shape, type TensorType } from '../graph.js';
import { type ForeignModel, tensorDtype } from '../import/foreign.js';
import { naming } from '../import/order.js';
import type { ReadPlace } from '../import/stored.js';
import type { Reader } from '../json-reader.js';
import { checkFields, typeName } from './layer-fields.js';
import { checkSizes } from './layer-sizes.js';
import { LAYERS, type Layer } from './layers.js';
import { Masks } from './masks.js';
import { type ModelJson, nameOf, optional } from './model-json.js';
import { Translation } from './translation.js';

/** Layers that are not known are kept as operators of the domain "keras". Throws {@link GraphError} naming a layer that is not as it should be. */
export function translateLayers(model: ModelJson, source: string, readPlace: ReadPlace | undefined): ForeignModel {
  const config = optional(model.topology, 'model_config') ?? model.topology;
  const settings = config.field('config');
  const t = new Translation(source, model.tensors, readPlace);
  const network = new Network(t, source);
  const outputs = network.read(config);
  return {
    name: Array.isArray(settings.value) ? nameOf(source) : (optional(settings, 'name')?.string() ?? nameOf(source)),
    source,
    nodes: t.nodes,
    tensors: t.tensors,
    inputs: network.inputs,
    outputs,
    declared: new Map(),
  };
}

/** One call of a layer: the results of other calls that it reads. */
type Call = readonly Reference[];

class Network {
  readonly inputs: Array<{ readonly name: string; readonly type: TensorType }> = [];
  readonly #t: Translation;
  readonly #source: string;
  readonly #masks = new Masks();

  constructor(t: Translation, source: string) {
    this.#t = t;
    this.#source = source;
  }

  /** The results of a model; `given` are its inputs where it is a layer of another. Values get names that begin with `prefix`. */
  read(model: Reader, given?: readonly string[], prefix = ''): readonly string[] {
    const kind = model.field('class_name').literal('Sequential', 'Functional', 'Model');
    return kind === 'Sequential' ? this.#sequential(model, given, prefix) : this.#functional(model, given, prefix);
  }

  #sequential(model: Reader, given: readonly string[] | undefined, prefix: string): readonly string[] {
    const config = model.field('config');
    const layers = (Array.isArray(config.value) ? config : config.field('layers')).list((layer) => layer);
    let value = given?.[0];
    for (const layer of layers) {
      value ??= this.#input(layer);
      if (layer.field('class_name').value !== 'InputLayer')
        [value] = this.#layer(layer, [value], prefix + layerName(layer));
    }
    return value === undefined ? config.fail('a model with layers') : [value];
  }

  #functional(model: Reader, given: readonly string[] | undefined, prefix: string): readonly string[] {
    const config = model.field('config');
    const values = new Map<string, readonly string[]>();
    const places = references(config.field('input_layers'));
    const results = references(config.field('output_layers'));
    const waiting: LayerCalls[] = [];
    config.field('layers').list((layer) => {
      const name = layerName(layer);
      if (layer.field('class_name').value === 'InputLayer') {
        const place = places.findIndex((reference) => reference.layer === name);
        values.set(`${name}/0`, [given?.[place] ?? this.#input(layer)]);
      } else waiting.push({ layer, name, calls: callsOf(layer), first: 0 });
    });
    const used = [...results, ...waiting.flatMap(({ calls }) => calls.flat())];
    // Files list layers in the order in which they were made; a layer can be called on what a later one gives.
    for (let rest: readonly LayerCalls[] = waiting.map((layer) => withFirst(layer, used)); rest.length > 0; ) {
      const later = rest.filter((calls) => !this.#call(calls, values, prefix));
      if (later.length === rest.length)
        throw new GraphError(
          `${this.#source}: the layer "${later[0].name}" reads what no layer gives, or waits for itself`,
        );
      rest = later;
    }
    return results.map(
      ({ layer, call, index }) =>
        values.get(`${layer}/${call}`)?.[index] ?? config.field('output_layers').fail('results of layers of the model'),
    );
  }

  /** Runs a layer as often as it is called; false when something that it reads is not there yet. */
  #call({ layer, name, calls, first }: LayerCalls, values: Map<string, readonly string[]>, prefix: string): boolean {
    const inputs = calls.map((call) =>
      call.map(({ layer: from, call: which, index }) => values.get(`${from}/${which}`)?.[index]),
    );
    if (!inputs.every((call) => call.every((input) => input !== undefined))) return false;
    inputs.forEach((call, i) => {
      const given = call.filter((input) => input !== undefined);
      values.set(`${name}/${first + i}`, this.#layer(layer, given, `${prefix}${name}${i === 0 ? '' : `:${i}`}`));
    });
    return true;
  }

  /** What one call of a layer gives, under the name `output`. */
  #layer(layer: Reader, inputs: readonly string[], output: string): readonly string[] {
    const kind = layer.field('class_name').string();
    const name = layerName(layer);
    if (MODELS.has(kind)) return this.read(layer, inputs, `${output}/`);
    const t = this.#t;
    t.enter(output);
    checkSizes(kind, layer.field('config'), (role) => t.tensors.get(this.#findWeight(name, role) ?? '')?.shape);
    const translate = Object.hasOwn(LAYERS, kind) ? LAYERS[kind] : undefined;
    const described: Layer = {
      output,
      inputs,
      config: layer.field('config'),
      weight: (role) => this.#weight(name, role),
      shapeOf: (weight) => t.tensors.get(weight)?.shape ?? [],
    };
    const masked = (): void => this.#masks.pass(kind, described);
    if (translate === undefined) {
      masked();
      return [t.node(`keras.${kind}`, inputs, {}, [output])];
    }
    const result = naming(this.#source, `${kind} "${name}"`, () => {
      checkFields(kind, described.config);
      if (inputs.length !== 1 && !MERGES.has(kind))
        throw new GraphError(`is called with ${inputs.length} inputs; one is known`);
      masked();
      return translate(t, described);
    });
    return [t.node('Identity', [result], {}, [output])];
  }

  #weight(layer: string, role: string): string {
    const found = this.#findWeight(layer, role);
    if (found === undefined) throw new GraphError(`the model has no weight "${layer}/${role}"`);
    const tensor = this.#t.tensors.get(found);
    // TensorFlow.js assigns it to a variable of float32, which takes nothing else.
    if (tensor !== undefined && tensorDtype(tensor) !== 'float32')
      throw new GraphError(`the weight "${found}" should be float32, got ${tensorDtype(tensor)}`);
    return found;
  }

  /** A layer's weight is named after it, within the names of what wraps it. */
  #findWeight(layer: string, role: string): string | undefined {
    const { tensors } = this.#t;
    const plain = `${layer}/${role}`;
    if (tensors.has(plain)) return plain;
    return [...tensors.keys()].find(
      (key) => key.endsWith(`/${plain}`) || (key.startsWith(`${layer}/`) && key.endsWith(`/${role}`)),
    );
  }

  #input(layer: Reader): string {
    const config = layer.field('config');
    const name = layer.field('class_name').value === 'InputLayer' ? layerName(layer) : `${layerName(layer)}_input`;
    const sizes = optional(config, 'batch_input_shape') ?? config.field('batch_shape');
    const shape: Shape = sizes
      .list((size) => size)
      .map((size, axis) => {
        if (size.value !== null) return size.number();
        return axis === 0 ? 'batch' : `${name}_${axis}`;
      });
    if (optional(config, 'sparse')?.boolean()) config.field('sparse').fail('false');
    this.inputs.push({ name, type: { dtype: inputType(optional(config, 'dtype')), shape } });
    return name;
  }
}

interface LayerCalls {
  readonly layer: Reader;
  readonly name: string;
  readonly calls: readonly Call[];
  /** The number of the first call. */
  readonly first: number;
}

/** A model within a model counts its own making as its call 0, in most files. */
const withFirst = (layer: LayerCalls, used: readonly Reference[]): LayerCalls => {
  const isModel = MODELS.has(layer.layer.field('class_name').value);
  const calls = used.filter((reference) => reference.layer === layer.name).map(({ call }) => call);
  return isModel && !calls.includes(0) ? { ...layer, first: 1 } : layer;
};

/** What TensorFlow.js gives a model as its input. Whatever a layer's policy for floats is called, these are float32. */
function inputType(dtype: Reader | undefined): TensorType['dtype'] {
  const name = dtype === undefined ? 'float32' : typeName(dtype);
  if (name === 'int32' || name === 'int64' || name === 'uint8') return 'int32';
  if (name === 'bool') return 'bool';
  return typeof name === 'string' && name.includes('float')
    ? 'float32'
    : (dtype?.fail('a type of numbers or of truth values') ?? 'float32');
}

/** Layers that read several values. */
const MERGES: ReadonlySet<string> = new Set([
  ...['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum', 'Concatenate'],
]);

const MODELS: ReadonlySet<unknown> = new Set(['Sequential', 'Functional', 'Model']);

interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly index: number;
}

const layerName = (layer: Reader): string => (optional(layer, 'name') ?? layer.field('config').field('name')).string();

/** `["layer", call, index]`, or a list of these. */
function references(reader: Reader): Reference[] {
  const [first] = reader.list((item) => item.value);
  return typeof first === 'string' ? [reference(reader)] : reader.list(reference);
}

function reference(reader: Reader): Reference {
  const [layer, call, index, options] = reader.list((item) => item);
  // Whether it is being trained is the one option of a call that may be said here.
  if (options !== undefined && options.value !== null)
    options.entries((option) => {
      const isPlain = option.value === null || (option.value === false && option.path.endsWith('.training'));
      return isPlain || option.fail('no option of a call: none is known');
    });
  if (layer === undefined || call === undefined || index === undefined) return reader.fail('[layer, call, index]');
  return { layer: layer.string(), call: call.number(), index: index.number() };
}

const callsOf = (layer: Reader): Call[] => layer.field('inbound_nodes').list((call) => call.list(reference));
