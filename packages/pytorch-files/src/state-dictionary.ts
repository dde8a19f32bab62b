// The parameters of a network among whatever else a training program saves beside them.
import { PytorchFileError } from './errors.js';
import type { PytorchFile } from './open.js';
import { type StoredTensor, tensorBytes } from './tensor.js';
import { describeValue, isKind, type PickleValue, tensorOf } from './values.js';

/** Which of a file's parameters: those that were trained, or their moving average over the training. */
export type Weights = 'trained' | 'average';

export interface StateDictionary {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What was done to find them, in words. */
  readonly notes: readonly string[];
}

/** Under which names training programs keep parameters: PyTorch's examples, Lightning, timm, fairseq, basicsr. */
const KEYS: Readonly<Record<Weights, readonly string[]>> = {
  trained: ['state_dict', 'model_state_dict', 'model', 'params', 'net', 'weights'],
  average: ['ema_state_dict', 'state_dict_ema', 'model_ema', 'params_ema', 'ema'],
};

/** What wrappers put before every name: data parallelism and averaging, compilation. */
const PREFIXES = ['module.', '_orig_mod.'];

/** Tensors may share what is stored, such as tied layers; what grows this much and this large is taken for a bomb. */
const MOST_GROWTH = 32;
const ALWAYS_ALLOWED_BYTES = 2 ** 28;

/** A counter that averaging keeps beside the parameters (torch.optim.swa_utils.AveragedModel). */
const AVERAGE_COUNT = 'n_averaged';

/**
 * The parameters in a file: the dictionary itself, or the one under "state_dict" and other usual names; wrappers'
 * prefixes are taken off.
 * Throws {@link PytorchFileError} saying what the file holds instead.
 */
export function stateDictionary(
  { name, value, byteLength }: PytorchFile,
  options: { readonly weights?: Weights } = {},
): StateDictionary {
  const { weights = 'trained' } = options;
  const notes: string[] = [];
  const own = weights === 'trained' ? tensorsIn(value) : undefined;
  const found = own ?? inside(value, weights, notes);
  if (found === undefined) throw new PytorchFileError(`${name}: ${whatInstead(value, weights)}`);
  checkGrowth(found, byteLength, name);
  return { tensors: withoutPrefixes(found, notes), notes };
}

/** Throws where tensors that repeat what is stored take far more bytes together than the file has. */
function checkGrowth(tensors: ReadonlyMap<string, StoredTensor>, byteLength: number, source: string): void {
  const limit = Math.max(ALWAYS_ALLOWED_BYTES, MOST_GROWTH * byteLength);
  const bytes = [...tensors.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  if (bytes > limit)
    throw new PytorchFileError(
      `${source}: its tensors repeat ${byteLength} bytes up to ${bytes} together; ${limit} are allowed`,
    );
}

function inside(value: PickleValue, weights: Weights, notes: string[]): Map<string, StoredTensor> | undefined {
  if (!(value instanceof Map)) return undefined;
  for (const key of KEYS[weights]) {
    const tensors = tensorsIn(value.get(key));
    if (tensors === undefined) continue;
    notes.push(`The parameters are those under "${key}".`);
    return tensors;
  }
  return undefined;
}

/**
 * The tensors of a dictionary that has some, by name. What is none, such as a module's extra state, is no parameter.
 */
function tensorsIn(value: PickleValue | undefined): Map<string, StoredTensor> | undefined {
  if (!(value instanceof Map)) return undefined;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, item] of value) {
    const tensor = tensorOf(item);
    if (typeof name === 'string' && tensor !== undefined) tensors.set(name, tensor);
  }
  return tensors.size > 0 ? tensors : undefined;
}

function withoutPrefixes(tensors: Map<string, StoredTensor>, notes: string[]): Map<string, StoredTensor> {
  for (const prefix of PREFIXES) {
    const names = [...tensors.keys()].filter((name) => name !== AVERAGE_COUNT);
    if (names.length === 0 || !names.every((name) => name.startsWith(prefix))) continue;
    notes.push(`The prefix "${prefix}" of every name is left out.`);
    const shortened = names.map((name) => [name.slice(prefix.length), tensors.get(name)] as const);
    return withoutPrefixes(
      new Map(shortened.flatMap(([name, tensor]) => (tensor === undefined ? [] : [[name, tensor] as const]))),
      notes,
    );
  }
  return tensors;
}

function whatInstead(value: PickleValue, weights: Weights): string {
  if (isKind(value, 'object'))
    return `it holds a whole object of "${value.name}", whose class is code; save its state_dict() instead`;
  if (!(value instanceof Map)) return `it should hold a state dictionary, got ${describeValue(value)}`;
  const keys = KEYS[weights].map((key) => `"${key}"`).join(', ');
  const entries = [...value].slice(0, 20).map(([key, item]) => `${describeValue(key)}: ${describeValue(item)}`);
  const wanted = weights === 'average' ? 'it has no moving average, which would be' : 'it has no tensors, not even';
  return `${wanted} under ${keys}; it has ${entries.join(', ') || 'nothing'}`;
}
