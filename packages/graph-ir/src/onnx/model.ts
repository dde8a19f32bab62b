// ONNX models as plain data: nodes, constants and initialisers, encoded at the end.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Constant, OnnxAttribute, Shape, TensorType } from '../graph.js';

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

type Tensor = MessageInitShape<typeof TensorProtoSchema>;
type ValueInfo = MessageInitShape<typeof ValueInfoProtoSchema>;

/** Operators as of ONNX 1.15, of November 2023: the first with GELU. */
const OPSET = 20n;
const IR_VERSION = 9n;

export interface OnnxModel {
  readonly name: string;
  readonly inputs: ReadonlyArray<readonly [name: string, type: TensorType]>;
  readonly outputs: ReadonlyArray<readonly [name: string, type: TensorType]>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Tensor[];
}

/** The bytes of an `.onnx` file. */
export function encodeModel({ name, inputs, outputs, nodes, initializers }: OnnxModel): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: '@logah/graph-ir',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name,
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
      node: nodes.map(({ op, inputs: read, outputs: written, attributes }) => ({
        name: written[0],
        opType: op,
        input: [...read],
        output: [...written],
        attribute: Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value)),
      })),
      initializer: [...initializers],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

const ELEMENT_TYPES: Readonly<Record<TensorType['dtype'], TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  bool: TensorProto_DataType.BOOL,
};

const valueInfo = ([name, { dtype, shape }]: readonly [string, TensorType]): ValueInfo => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: ELEMENT_TYPES[dtype],
        shape: { dim: dimensions(shape) },
      },
    },
  },
});

const dimensions = (shape: Shape) =>
  shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );

function encodeAttribute(name: string, value: OnnxAttribute): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (!('float' in value || 'floats' in value || 'strings' in value || 'constant' in value))
    return { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: AttributeProto_AttributeType.FLOATS, floats: [...value.floats] };
  if ('constant' in value)
    return { name, type: AttributeProto_AttributeType.TENSOR, t: constantTensor('', value.constant, true) };
  const texts = value.strings.map((text) => new TextEncoder().encode(text));
  return { name, type: AttributeProto_AttributeType.STRINGS, strings: texts };
}

/** A constant of a kept operator; whole numbers in 64 bits where `isWide`. */
export function constantTensor(name: string, { dtype, shape, values }: Constant, isWide: boolean): Tensor {
  const dims = shape.map(BigInt);
  switch (dtype) {
    case 'float32':
      return floats(name, shape, Float32Array.from(values));
    case 'int32':
      return isWide
        ? { name, dataType: TensorProto_DataType.INT64, dims, int64Data: values.map(BigInt) }
        : { name, dataType: TensorProto_DataType.INT32, dims, int32Data: [...values] };
    case 'bool':
      return { name, dataType: TensorProto_DataType.BOOL, dims, int32Data: [...values] };
  }
}

/** A constant of integers: a vector, or a scalar for a single number. */
export const integers = (name: string, values: number | readonly number[]): Tensor => ({
  name,
  dataType: TensorProto_DataType.INT64,
  dims: typeof values === 'number' ? [] : [BigInt(values.length)],
  int64Data: (typeof values === 'number' ? [values] : values).map(BigInt),
});

/** A constant or parameter of float32 values, stored in the model. */
export const floats = (name: string, shape: readonly number[], values: Float32Array): Tensor => ({
  name,
  dataType: TensorProto_DataType.FLOAT,
  dims: shape.map(BigInt),
  rawData: littleEndian(values),
});

/** A parameter whose values are in another file, beside the model. */
export const externalFloats = (
  name: string,
  shape: readonly number[],
  { location, offset, length }: { readonly location: string; readonly offset: number; readonly length: number },
): Tensor => ({
  name,
  dataType: TensorProto_DataType.FLOAT,
  dims: shape.map(BigInt),
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: [
    { key: 'location', value: location },
    { key: 'offset', value: String(offset) },
    { key: 'length', value: String(length) },
  ],
});

/** ONNX stores numbers with their lowest byte first, as nearly all machines do. */
function littleEndian(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true);
  return bytes;
}
