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
import type { Shape, TensorType } from '../graph.js';

/** A float is marked, since JavaScript cannot tell 1 from 1.0. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
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

const valueInfo = ([name, { dtype, shape }]: readonly [string, TensorType]): ValueInfo => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: dtype === 'float32' ? TensorProto_DataType.FLOAT : TensorProto_DataType.INT32,
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

function encodeAttribute(name: string, value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
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
