// Hypernetworks as safetensors content: tensors under the reference's names, the configuration as JSON in the metadata.
import { parseJson, shortJson } from '@logah/files';
import type { FloatTensor } from '@logah/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { checkHypernetConfig, type HypernetConfig, HypernetError } from './config.js';
import { type Hypernet, hypernetParameters } from './hypernet.js';

/** What a safetensors file holds: `@logah/safetensors` reads and writes it. */
export interface CheckpointContent {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, FloatTensor>;
}

const FORMAT = 'logah';
const REFERENCE_FORMAT = 'logah-reference';

/** Tensors that the reference's checkpoints hold beside the learned ones: never used, or a second name of `decoder.l2`. */
const DEAD_TENSORS = /^(decoder\.(l1|seq\.1)|decoder_1d\.0|bias_class\.1)\.(weight|bias)$/;

/** A hypernetwork's tensors and configuration, ready to be written. */
export async function toCheckpoint({ config, parameters }: Hypernet): Promise<CheckpointContent> {
  const tensors = new Map<string, FloatTensor>();
  for (const { name, shape } of hypernetParameters(config)) {
    tensors.set(name, { shape, data: (await parameters[name].data()) as Float32Array });
  }
  return { metadata: { format: FORMAT, config: JSON.stringify(config) }, tensors };
}

/**
 * The hypernetwork of a checkpoint: one of ours, or one of the reference with its configuration.
 * Throws {@link HypernetError} naming `source` and the tensor that is missing, unknown or of another shape than the configuration's.
 */
export function fromCheckpoint({ metadata, tensors }: CheckpointContent, source: string): Hypernet {
  return assemble(readConfig(metadata, source), tensors, source);
}

/**
 * The hypernetwork of a configuration with these tensors.
 * Throws {@link HypernetError} naming `source` and the tensor that is missing, unknown, not finite or of another shape
 * than the configuration's.
 */
export function assemble(config: HypernetConfig, tensors: ReadonlyMap<string, FloatTensor>, source: string): Hypernet {
  const fail = (what: string): never => {
    throw new HypernetError(`${source}: ${what}`);
  };
  // Layers are counted in a loop: before anything is made of them, the file must hold as many.
  if (config.layers > tensors.size)
    fail(`its configuration has ${config.layers} layers, but the file has only ${tensors.size} tensors`);
  const specs = hypernetParameters(config);
  const known = new Set(specs.map(({ name }) => name));
  for (const name of tensors.keys()) {
    if (!known.has(name) && !DEAD_TENSORS.test(name))
      fail(`the tensor "${name}" belongs to no hypernetwork of this configuration`);
  }
  for (const { name, shape } of specs) {
    const found = tensors.get(name) ?? fail(`the tensor "${name}" [${shape.join(', ')}] is missing`);
    if (found.shape.join() !== shape.join()) {
      fail(`the tensor "${name}" is [${found.shape.join(', ')}], but its configuration wants [${shape.join(', ')}]`);
    }
    if (!found.data.every(Number.isFinite)) fail(`the tensor "${name}" holds NaN or infinite values`);
  }
  const entries = specs.map(
    ({ name, shape }) => [name, tf.tensor((tensors.get(name) as FloatTensor).data, [...shape])] as const,
  );
  return { config, parameters: Object.fromEntries(entries) };
}

function readConfig({ format, config }: Readonly<Record<string, string>>, source: string): HypernetConfig {
  if (config === undefined || (format !== FORMAT && format !== REFERENCE_FORMAT)) {
    throw new HypernetError(
      `${source}: not a hypernetwork; its metadata should have the format "${FORMAT}" and a config, got the format ${shortJson(format)}`,
    );
  }
  try {
    const parsed = parseJson(config, 'config', HypernetError);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new HypernetError('not an object');
    // Configurations without a decoder are LoGAH's, from when it was the only one.
    return checkHypernetConfig(
      format === FORMAT
        ? ({ decoder: 'lowrank', ...parsed } as HypernetConfig)
        : fromReferenceConfig(parsed as ReferenceConfig),
    );
  } catch (cause) {
    throw new HypernetError(
      `${source}: the configuration in its metadata is not valid: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** The configuration as the reference's converter writes it; `rank` and `maxMask` are null for GHN-3. */
interface ReferenceConfig {
  readonly hid: number;
  readonly heads: number;
  readonly layers: number;
  readonly rank: number | null;
  readonly maxMask: number | null;
  readonly maxShape: readonly [out: number, inputs: number, height: number, width: number];
  readonly numClasses: number;
  readonly decoder: string;
  readonly virtualEdges: number;
  readonly variant: 'vision' | 'llm';
  readonly initializerRange?: number;
}

function fromReferenceConfig(reference: ReferenceConfig): HypernetConfig {
  const { decoder, rank, maxMask, maxShape } = reference;
  if (!Array.isArray(maxShape))
    throw new HypernetError(`maxShape should be a list of sizes, got ${shortJson(maxShape)}`);
  const common = {
    dim: reference.hid,
    heads: reference.heads,
    layers: reference.layers,
    maxChannels: reference.maxShape[0],
    maxKernel: reference.maxShape[2],
    classes: reference.numClasses,
    virtualEdges: reference.virtualEdges,
    domain: reference.variant === 'llm' ? 'language' : 'vision',
    initializerRange: reference.initializerRange ?? 0.02,
  } as const;
  if (decoder === 'conv') return { decoder, ...common };
  if (decoder === 'lowrank') return { decoder, ...common, rank: rank ?? Number.NaN, maxRows: maxMask ?? Number.NaN };
  throw new HypernetError(`decoder should be "lowrank" or "conv", got ${shortJson(decoder)}`);
}
