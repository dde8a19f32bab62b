// Small ONNX models made in tests.
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type GraphProtoSchema, type ModelProto, ModelProtoSchema, type NodeProtoSchema } from 'onnx-buf';

type Init<T> = Exclude<T, { readonly $typeName: string }>;
export type GraphInit = Init<MessageInitShape<typeof GraphProtoSchema>>;
type NodeInit = Init<MessageInitShape<typeof NodeProtoSchema>>;
type ModelInit = Init<MessageInitShape<typeof ModelProtoSchema>>;

/** The bytes of a model whose output is "y". */
export const modelOf = (graph: GraphInit, opset = 20, more: ModelInit = {}): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      graph: { name: 'g', output: [{ name: 'y' }], ...graph },
      ...more,
    }),
  );

export const parsed = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);

/** ONNX's numbers of element types. */
export const TYPES = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  bfloat16: 16,
  uint16: 4,
  float8e4m3fn: 17,
  int4: 22,
} as const;

/** An input, or an output, of this type; names are sizes that are not known. Without sizes it has any number of axes. */
export const input = (name: string, type: keyof typeof TYPES, sizes?: ReadonlyArray<number | string>) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: TYPES[type],
        ...(sizes === undefined
          ? {}
          : {
              shape: {
                dim: sizes.map((size) =>
                  typeof size === 'number'
                    ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
                    : { value: { case: 'dimParam' as const, value: size } },
                ),
              },
            }),
      },
    },
  },
});

export const node = (
  opType: string,
  from: string[],
  to: string | string[],
  attribute: NodeInit['attribute'] = [],
): NodeInit => ({ opType, input: from, output: typeof to === 'string' ? [to] : to, attribute });

/** Attributes of nodes. */
export const int = (name: string, value: number) => ({ name, type: 2, i: BigInt(value) });
export const ints = (name: string, values: readonly number[]) => ({ name, type: 7, ints: values.map(BigInt) });
export const float = (name: string, value: number) => ({ name, type: 1, f: value });

export const text = (name: string, value: string) => ({ name, type: 3, s: new TextEncoder().encode(value) });

/** Stored tensors. */
export const floats = (name: string, dims: readonly number[], values: readonly number[]) => ({
  name,
  dataType: TYPES.float32,
  dims: dims.map(BigInt),
  floatData: [...values],
});
export const doubles = (name: string, dims: readonly number[], values: readonly number[]) => ({
  name,
  dataType: TYPES.float64,
  dims: dims.map(BigInt),
  doubleData: [...values],
});
export const integers = (name: string, dims: readonly number[], values: readonly number[]) => ({
  name,
  dataType: TYPES.int64,
  dims: dims.map(BigInt),
  int64Data: values.map(BigInt),
});
