// ONNX files as foreign models: protobuf messages checked and turned into plain data. Weights stay where they are.
import { fromBinary } from '@bufbuild/protobuf';
import { messageOf, recordOf } from '@logah/files';
import {
  type AttributeProto,
  TensorProto_DataType as DataType,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type TensorShapeProto_Dimension,
  type ValueInfoProto,
} from 'onnx-buf';
import { ELEMENT_TYPES, type ElementType } from '../element-types.js';
import { ANY_SHAPE, type Constant, GraphError, type OnnxAttribute, type TensorType } from '../graph.js';
import {
  type ForeignBody,
  type ForeignModel,
  type ForeignNode,
  type Place,
  type StoredTensor,
  typedAs,
} from '../import/foreign.js';
import { byteLength, knownTensor } from '../import/stored.js';
import { elementType } from '../interpreter/operation.js';
import { type FunctionOf, Inliner } from './functions.js';
import { modernise } from './modernise.js';

/**
 * Reads an ONNX model of any opset; what older ones wrote in another way is turned into today's. Tensors inside the file are views of `bytes`.
 * Throws {@link GraphError} naming `source` and the node or tensor at fault.
 */
export function decodeModel(bytes: Uint8Array, source: string): ForeignModel {
  const model = parse(bytes, source);
  const opset = Number(model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n);
  const { graph } = model;
  if (graph === undefined) throw new GraphError(`${source}: not a whole ONNX model: it has no graph`);
  if (opset < 1) throw new GraphError(`${source}: the file does not say which opset of ONNX its operators are of`);
  const decoder = new Decoder(source, opset, new Inliner(model.functions, source), graph);
  const body = decoder.body(graph);
  return {
    name: graph.name || source,
    source,
    ...body,
    inputs: graph.input
      .filter(({ name }) => !body.tensors.has(name))
      .map((info) => ({ name: info.name, type: decoder.valueType(info, true) })),
    declared: new Map([...graph.valueInfo, ...graph.output].map((info) => [info.name, decoder.valueType(info, false)])),
  };
}

function parse(bytes: Uint8Array, source: string): ModelProto {
  if (decodeText(bytes.subarray(0, 16)) === 'version https://')
    throw new GraphError(
      `${source}: this is a pointer of git-lfs, not the file itself: \`git lfs pull\` fetches what it points to`,
    );
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new GraphError(
      `${source}: not a whole ONNX model: ${isTooDeep(cause) ? 'its messages are nested too deep' : 'the file is damaged, cut short, or of another kind'}`,
      { cause },
    );
  }
}

/** Whether a file says what the elements of a value are. */
const isTyped = ({ type }: ValueInfoProto): boolean =>
  type?.value.case === 'tensorType' && type.value.value.elemType !== DataType.UNDEFINED;

const isTooDeep = (cause: unknown): boolean => /call stack/.test(messageOf(cause));

class Decoder {
  readonly #source: string;
  readonly #opset: number;
  readonly #inliner: Inliner;
  /** Names of values of the file, which constants that are added must not have. */
  readonly #names: ReadonlySet<string>;
  #constants = 0;

  constructor(source: string, opset: number, inliner: Inliner, graph: GraphProto) {
    this.#names = new Set(namesOf(graph));
    this.#source = source;
    this.#opset = opset;
    this.#inliner = inliner;
  }

  body(graph: GraphProto, opset = this.#opset): ForeignBody {
    if (graph.sparseInitializer.length > 0)
      this.#fail(`the graph "${graph.name}"`, 'has sparse tensors, which cannot be read');
    const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, this.#stored(tensor)]));
    const nodes: ForeignNode[] = [];
    this.#nodes(graph.node, opset, nodes, tensors);
    return {
      nodes,
      outputs: graph.output.map(({ name }) => name),
      tensors,
      parameters: graph.input.map(({ name }) => name),
      results: graph.output.map((info) => (isTyped(info) ? this.valueType(info, false) : undefined)),
    };
  }

  /** Adds nodes as they are today; those of functions of the model are what the functions hold. */
  #nodes(protos: readonly NodeProto[], opset: number, nodes: ForeignNode[], tensors: Map<string, StoredTensor>): void {
    for (const proto of protos) {
      const inner: FunctionOf | undefined = this.#inliner.functionOf(proto);
      if (inner !== undefined) {
        this.#nodes(inner.nodes, inner.opset ?? opset, nodes, tensors);
        this.#inliner.leave();
        continue;
      }
      const constant = proto.opType === 'Constant' && isOnnxDomain(proto.domain) ? this.#constant(proto) : undefined;
      if (constant === undefined)
        nodes.push(...modernise(this.#node(proto, opset), opset, (added) => this.#add(tensors, added)));
      else tensors.set(proto.output[0], constant);
    }
  }

  /** The type of an input or output; unnamed sizes of inputs are named after their axes. */
  valueType({ name, type }: ValueInfoProto, isInput: boolean): TensorType {
    if (type?.value.case !== 'tensorType') {
      if (isInput)
        this.#fail(`the input "${name}"`, `is a ${type?.value.case ?? 'value without a type'}, not a tensor`);
      return { dtype: 'float32', shape: ANY_SHAPE };
    }
    const { elemType, shape } = type.value.value;
    const element = elementType(elemType);
    if (element === undefined && isInput)
      this.#fail(`the input "${name}"`, `is of type ${DataType[elemType] ?? elemType}, which cannot be computed with`);
    const elements = typedAs(element ?? 'float32');
    if (shape === undefined) return { ...elements, shape: ANY_SHAPE };
    return { ...elements, shape: shape.dim.map((size, axis) => this.#size(size, `${name}_${axis}`)) };
  }

  #size({ value }: TensorShapeProto_Dimension, otherwise: string): number | string {
    if (value.case === 'dimValue' && value.value > 0n) return this.#safe(value.value, `a size of "${otherwise}"`);
    return value.case === 'dimParam' && value.value !== '' ? value.value : otherwise;
  }

  #node(proto: NodeProto, opset: number): ForeignNode {
    const label = `${proto.opType} "${proto.name || proto.output[0]}"`;
    const bodies = recordOf<ForeignBody>();
    const attributes = recordOf<OnnxAttribute>();
    for (const attribute of proto.attribute) {
      if (attribute.g) bodies[attribute.name] = this.body(attribute.g, opset);
      else attributes[attribute.name] = this.#attribute(attribute, label);
    }
    return {
      name: proto.name,
      op: isOnnxDomain(proto.domain) ? proto.opType : `${proto.domain}.${proto.opType}`,
      inputs: proto.input,
      outputs: proto.output,
      attributes,
      ...(Object.keys(bodies).length > 0 ? { bodies } : {}),
    };
  }

  #attribute(attribute: AttributeProto, label: string): OnnxAttribute {
    const where = `the attribute "${attribute.name}" of ${label}`;
    switch (attribute.type) {
      case Kind.FLOAT:
        return { float: attribute.f };
      case Kind.INT:
        return Number(attribute.i);
      case Kind.STRING:
        return decodeText(attribute.s);
      case Kind.FLOATS:
        return { floats: attribute.floats };
      case Kind.INTS:
        return attribute.ints.map(Number);
      case Kind.STRINGS:
        return { strings: attribute.strings.map(decodeText) };
      case Kind.TENSOR: {
        const tensor = attribute.t && this.#stored(attribute.t);
        if (tensor?.place.kind !== 'bytes') return this.#fail(where, 'is a tensor without values');
        return { constant: knownTensor(attribute.name, tensor, tensor.place.bytes) };
      }
      default:
        return this.#fail(where, `is of type ${Kind[attribute.type] ?? attribute.type}, which cannot be read`);
    }
  }

  /** The tensor that a node of type Constant gives. Undefined for texts, which no network computes with. */
  #constant(proto: NodeProto): StoredTensor | undefined {
    const [attribute] = proto.attribute;
    const label = `Constant "${proto.output[0]}"`;
    switch (attribute?.name) {
      case 'value':
        return attribute.t === undefined ? this.#fail(label, 'has no tensor') : this.#stored(attribute.t);
      case 'value_float':
        return float32([], [attribute.f]);
      case 'value_floats':
        return float32([attribute.floats.length], attribute.floats);
      case 'value_int':
        return int64([], [attribute.i]);
      case 'value_ints':
        return int64([attribute.ints.length], attribute.ints);
      default:
        return this.#fail(
          label,
          `has ${attribute ? `a "${attribute.name}"` : 'no attribute'}; a tensor, floats or integers can be read`,
        );
    }
  }

  #add(tensors: Map<string, StoredTensor>, { dtype, shape, values }: Constant): string {
    let name: string;
    do name = `constant_${this.#constants++}`;
    while (tensors.has(name) || this.#names.has(name));
    tensors.set(name, dtype === 'float32' ? float32(shape, values) : int64(shape, values.map(BigInt)));
    return name;
  }

  #stored(tensor: TensorProto): StoredTensor {
    const label = `the tensor "${tensor.name}"`;
    const type = elementType(tensor.dataType);
    if (type === undefined)
      return this.#fail(
        label,
        `is of type ${DataType[tensor.dataType] ?? tensor.dataType}; known are ${ELEMENT_TYPES.join(', ')}`,
      );
    const shape = tensor.dims.map((size) => this.#safe(size, `a size of ${label}`));
    if (!Number.isSafeInteger(byteLength(type, shape)))
      this.#fail(label, `has the shape [${shape.join(', ')}], which no memory holds`);
    const length = byteLength(type, shape);
    const place = this.#place(tensor, type, label, length);
    const found = place.kind === 'bytes' ? place.bytes.length : place.parts.reduce((sum, part) => sum + part.length, 0);
    if (found !== length)
      this.#fail(label, `${type} [${shape.join(', ')}] takes ${length} bytes, but the file holds ${found}`);
    return { type, shape, place };
  }

  #place(tensor: TensorProto, type: ElementType, label: string, length: number): Place {
    if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) {
      const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
      const location = entries.get('location');
      if (!location) return this.#fail(label, 'is in another file, but does not say in which');
      const number = (key: string, otherwise: number): number => {
        const value = entries.has(key) ? Number(entries.get(key)) : otherwise;
        return Number.isSafeInteger(value) && value >= 0
          ? value
          : this.#fail(label, `has the ${key} "${entries.get(key)}" in "${location}", which is not a place in a file`);
      };
      return {
        kind: 'files',
        parts: [{ location, offset: number('offset', 0), length: number('length', length) }],
      };
    }
    if (tensor.rawData.length > 0 || length === 0) return { kind: 'bytes', bytes: tensor.rawData };
    return { kind: 'bytes', bytes: packed(tensor, type) };
  }

  #safe(size: bigint, what: string): number {
    return size >= 0n && size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : this.#fail(what, `is ${size}`);
  }

  #fail(what: string, why: string): never {
    throw new GraphError(`${this.#source}: ${what} ${why}`);
  }
}

/** Names of all values of a graph and of those within its nodes. */
function* namesOf(graph: GraphProto): Generator<string> {
  for (const { name } of [...graph.input, ...graph.initializer]) yield name;
  for (const { output, attribute } of graph.node) {
    yield* output;
    for (const { g } of attribute) if (g !== undefined) yield* namesOf(g);
  }
}

const isOnnxDomain = (domain: string): boolean => domain === '' || domain === 'ai.onnx';
const decodeText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The bytes of a tensor that a file writes out number by number. */
function packed(tensor: TensorProto, type: ElementType): Uint8Array {
  switch (type) {
    case 'float32':
      return asBytes(tensor.floatData, 4, (view, at, value) => view.setFloat32(at, value, true));
    case 'float64':
      return asBytes(tensor.doubleData, 8, (view, at, value) => view.setFloat64(at, value, true));
    case 'int64':
      return asBytes(tensor.int64Data, 8, (view, at, value) => view.setBigInt64(at, value, true));
    case 'uint64':
      return asBytes(tensor.uint64Data, 8, (view, at, value) => view.setBigUint64(at, value, true));
    case 'uint32':
      return asBytes(tensor.uint64Data, 4, (view, at, value) => view.setUint32(at, Number(value), true));
    case 'int32':
      return asBytes(tensor.int32Data, 4, (view, at, value) => view.setInt32(at, value, true));
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return asBytes(tensor.int32Data, 2, (view, at, value) => view.setUint16(at, value & 0xffff, true));
    default:
      // Elements of fewer bits than a byte are packed into bytes already.
      return asBytes(tensor.int32Data, 1, (view, at, value) => view.setUint8(at, value & 0xff));
  }
}

function asBytes<T>(
  values: readonly T[],
  size: number,
  write: (view: DataView, at: number, value: T) => void,
): Uint8Array {
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    write(view, i * size, value);
  });
  return bytes;
}

const float32 = (shape: readonly number[], values: readonly number[]): StoredTensor => ({
  type: 'float32',
  shape,
  place: { kind: 'bytes', bytes: asBytes(values, 4, (view, at, value) => view.setFloat32(at, value, true)) },
});

const int64 = (shape: readonly number[], values: readonly bigint[]): StoredTensor => ({
  type: 'int64',
  shape,
  place: { kind: 'bytes', bytes: asBytes(values, 8, (view, at, value) => view.setBigInt64(at, value, true)) },
});
