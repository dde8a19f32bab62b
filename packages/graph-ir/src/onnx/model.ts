// ONNX models as plain data: nodes, constants and initialisers, encoded at the end.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import { BITS, type ElementType, isFloat } from '../element-types.js';
import type { Constant, OnnxAttribute, OnnxBody, Shape } from '../graph.js';
import { isAnyShape } from '../import/foreign.js';
import { elementNumber } from '../interpreter/operation.js';

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

type Tensor = MessageInitShape<typeof TensorProtoSchema>;
type ValueInfo = MessageInitShape<typeof ValueInfoProtoSchema>;

/** The version of the format that an opset came with. */
const IR_VERSIONS: ReadonlyArray<readonly [opset: number, version: number]> = [
  [20, 9],
  [22, 10],
  [23, 11],
  [24, 12],
  [27, 13],
  [Number.POSITIVE_INFINITY, 14],
];

/** A value of a model with its type. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export interface OnnxModel {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Tensor[];
}

/** The bytes of an `.onnx` file. */
export function encodeModel({ name, opset, inputs, outputs, nodes, initializers }: OnnxModel): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSIONS.find(([last]) => opset <= last)?.[1] ?? 14),
    producerName: '@logah/graph-ir',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: {
      name,
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
      node: nodes.map(encodeNode),
      initializer: [...initializers],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

const valueInfo = ({ name, type, shape }: OnnxValue): ValueInfo => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      // No shape says that there may be any number of axes.
      value: { elemType: elementNumber(type), ...(isAnyShape(shape) ? {} : { shape: { dim: dimensions(shape) } }) },
    },
  },
});

const dimensions = (shape: Shape) =>
  shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );

function encodeAttribute(
  name: string,
  value: Exclude<OnnxAttribute, { readonly body: OnnxBody }>,
): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (!('float' in value || 'floats' in value || 'strings' in value || 'constant' in value))
    return { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: AttributeProto_AttributeType.FLOATS, floats: [...value.floats] };
  if ('constant' in value)
    return {
      name,
      type: AttributeProto_AttributeType.TENSOR,
      t: constantTensor('', value.constant, constantType(value.constant)),
    };
  const texts = value.strings.map((text) => new TextEncoder().encode(text));
  return { name, type: AttributeProto_AttributeType.STRINGS, strings: texts };
}

const encodeNode = ({ op, inputs, outputs, attributes }: OnnxNode): MessageInitShape<typeof NodeProtoSchema> => ({
  name: outputs[0],
  opType: op,
  input: [...inputs],
  output: [...outputs],
  attribute: Object.entries(attributes).map(([key, value]) =>
    typeof value === 'object' && 'body' in value
      ? {
          name: key,
          type: AttributeProto_AttributeType.GRAPH,
          g: encodeBody(key, value.body, op === 'Loop' ? LOOP_INPUTS : []),
        }
      : encodeAttribute(key, value),
  ),
});

/** The number of a step, and whether it goes on. */
const LOOP_INPUTS: readonly ElementType[] = ['int64', 'bool'];

/** A graph within a node, whose first inputs are single numbers of these types; the types of its other values follow from where it is. */
const encodeBody = (
  name: string,
  body: OnnxBody,
  scalars: readonly ElementType[],
): MessageInitShape<typeof GraphProtoSchema> => ({
  name,
  input: body.inputs.map((input, i) =>
    i < scalars.length ? valueInfo({ name: input, type: scalars[i], shape: [] }) : { name: input },
  ),
  output: body.outputs.map((output) => ({ name: output })),
  initializer: body.constants.map(({ name: constant, constant: value }) =>
    constantTensor(constant, value, constantType(value)),
  ),
  node: body.nodes.map(({ operator, ...node }) => encodeNode({ op: operator, ...node })),
});

/** The type in which a constant within an attribute is stored. */
const constantType = (constant: Constant): ElementType => storableType(constant.element ?? constant.dtype);

/** The type in which constants of a type are stored: those of few bits are cast from one that has more. */
export function storableType(type: ElementType): ElementType {
  if (isFloat(type)) return type === 'float64' ? type : 'float32';
  return BITS[type] < 8 ? 'int32' : type;
}

/** A constant of a kept operator with elements of this type, which is one that {@link storableType} gives. */
export function constantTensor(name: string, { shape, values }: Constant, type: ElementType): Tensor {
  const dims = shape.map(BigInt);
  const dataType = elementNumber(type);
  if (type === 'float64') return { name, dataType, dims, doubleData: [...values] };
  if (isFloat(type)) return floats(name, shape, Float32Array.from(values));
  switch (type) {
    case 'int64':
      return { name, dataType, dims, int64Data: values.map(wholeNumber) };
    case 'uint64':
    case 'uint32':
      return { name, dataType, dims, uint64Data: values.map(BigInt) };
    default:
      return { name, dataType, dims, int32Data: [...values] };
  }
}

/** Numbers beyond 64 bits mean "as far as there is". */
function wholeNumber(value: number): bigint {
  const whole = BigInt(value);
  const most = 2n ** 63n - 1n;
  return whole > most ? most : whole < -most - 1n ? -most - 1n : whole;
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
