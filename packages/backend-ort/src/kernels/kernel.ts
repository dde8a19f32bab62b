// What a native kernel is: a function that computes a tfjs kernel, or says that this case is not for it.
import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import { type OrtBackend, sizeOf } from '../backend.js';
import type { AttributeValue, ElementType, Program, ProgramNode } from '../program.js';
import { Kernel } from '../session.js';

/** Returns undefined for inputs that it does not handle (another type, a rare attribute): the JavaScript kernel takes them. */
export type NativeFunction = (
  backend: OrtBackend,
  inputs: NamedTensorInfoMap,
  attrs: NamedAttrMap,
) => TensorInfo | TensorInfo[] | undefined;

export interface NativeKernel {
  readonly name: string;
  readonly run: NativeFunction;
}

/**
 * A native kernel whose inputs and attributes have tfjs-core's types for that kernel name; `Inputs` and `Attrs` are what tfjs-core
 * guarantees its kernels, which its registry cannot express.
 */
export function nativeKernel<Inputs extends object, Attrs extends object = object>(
  name: string,
  run: (backend: OrtBackend, inputs: Inputs, attrs: Attrs) => TensorInfo | TensorInfo[] | undefined,
): NativeKernel {
  return {
    name,
    run: (backend, inputs, attrs) => run(backend, inputs as unknown as Inputs, attrs as unknown as Attrs),
  };
}

/** Kernels made from attributes, one for each distinct set. */
export function kernelFamily<Args extends ReadonlyArray<unknown>>(
  build: (...args: Args) => Program,
): (...args: Args) => Kernel {
  const kernels = new Map<string, Kernel>();
  return (...args) => {
    const key = JSON.stringify(args);
    const known = kernels.get(key);
    if (known) return known;
    const made = new Kernel(build(...args));
    kernels.set(key, made);
    return made;
  };
}

/** Inputs or outputs of a program that are all float32. */
export const floats = (...names: readonly string[]): Record<string, ElementType> =>
  Object.fromEntries(names.map((name) => [name, 'float32']));

/** An operator with one output. */
export const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: ProgramNode['attributes'] = {},
  domain = '',
): ProgramNode => ({ op, domain, inputs, outputs: [output], attributes });

/** A program of one operator with inputs `x0`, `x1`, … and one output. */
export function oneNode(
  op: string,
  inputs: readonly ElementType[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  options: { readonly output?: ElementType; readonly domain?: string } = {},
): Program {
  const names = inputs.map((_, i) => `x${i}`);
  return {
    inputs: Object.fromEntries(names.map((name, i) => [name, inputs[i]])),
    outputs: { y: options.output ?? 'float32' },
    nodes: [{ op, inputs: names, outputs: ['y'], attributes, domain: options.domain ?? '' }],
  };
}

/** Whether all tensors are float32 and none is empty. */
export const areFloats = (...tensors: readonly TensorInfo[]): boolean =>
  tensors.every(({ dtype, shape }) => dtype === 'float32' && sizeOf(shape) > 0);

/** Whether a tensor of one shape can be repeated to another. */
export function broadcastsTo(from: readonly number[], to: readonly number[]): boolean {
  const offset = to.length - from.length;
  return offset >= 0 && from.every((size, i) => size === 1 || size === to[offset + i]);
}

/** What an element of a simple operator counts as work, and one of a function such as exp: a second thread pays from these on. */
export const LIGHT = 4;
export const HEAVY = 16;
