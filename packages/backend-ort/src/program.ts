// ONNX models of a few nodes, described as plain data and encoded to the bytes that a session loads.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  ModelProtoSchema,
  TensorProto_DataType,
} from 'onnx-buf';

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool';

/** A float is marked, since JavaScript cannot tell 1 from 1.0. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

/** One ONNX operator. Names connect nodes: an input is a program input, a constant, or an earlier node's output. */
export interface ProgramNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Empty for ONNX's own operators. */
  readonly domain?: string;
}

/** A small computation. Inputs and outputs are of any shape. */
export interface Program {
  readonly inputs: Readonly<Record<string, ElementType>>;
  readonly outputs: Readonly<Record<string, ElementType>>;
  readonly nodes: readonly ProgramNode[];
  /** Values known when the program is made: lists of int64, or float32 scalars. */
  readonly constants?: Readonly<Record<string, readonly bigint[] | number>>;
}

/** Operators of ONNX Runtime beyond the standard. */
export const MICROSOFT = 'com.microsoft';

/** The output that every model has before a program's own: one number of a type that JavaScript has no arrays for. `session.ts` says why. */
export const UNREADABLE_OUTPUT = 'unreadable';

const OPSET = 20n;
const IR_VERSION = 9n;

const DATA_TYPES = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
} as const;

/** The program as a serialised ONNX model. */
export function encodeProgram({ inputs, outputs, nodes, constants = {} }: Program): Uint8Array {
  const values = (types: Readonly<Record<string, ElementType>>) =>
    Object.entries(types).map(([name, type]) => ({
      name,
      type: { value: { case: 'tensorType' as const, value: { elemType: DATA_TYPES[type] } } },
    }));
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: MICROSOFT, version: 1n },
    ],
    graph: {
      name: nodes.map(({ op }) => op).join('-'),
      input: values(inputs),
      output: [
        {
          name: UNREADABLE_OUTPUT,
          type: { value: { case: 'tensorType' as const, value: { elemType: TensorProto_DataType.BFLOAT16 } } },
        },
        ...values(outputs),
      ],
      node: nodes.map(({ op, domain = '', inputs: read, outputs: written, attributes = {} }) => ({
        opType: op,
        domain,
        input: [...read],
        output: [...written],
        attribute: Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
      })),
      initializer: [
        { name: UNREADABLE_OUTPUT, dataType: TensorProto_DataType.BFLOAT16, dims: [], int32Data: [0] },
        ...Object.entries(constants).map(([name, value]) =>
          typeof value === 'number'
            ? { name, dataType: TensorProto_DataType.FLOAT, dims: [], floatData: [value] }
            : { name, dataType: TensorProto_DataType.INT64, dims: [BigInt(value.length)], int64Data: [...value] },
        ),
      ],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function encodeAttribute(name: string, value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string') {
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  }
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
}
