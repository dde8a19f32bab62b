// The parameters of a network among whatever else a training program saves beside them.
import { PytorchFileError } from './errors.js';
import type { PytorchFile } from './open.js';
import { type StoredTensor, tensorBytes } from './tensor.js';
import { isOtherArray, unreadTensor } from './unread-tensor.js';
import { describeValue, isKind, type PickleValue, tensorOf } from './values.js';

/** Which of a file's parameters: those that were trained, or their moving average over the training. */
export type Weights = 'trained' | 'average';

export interface StateDictionary {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What was done to find them, in words. */
  readonly notes: readonly string[];
  /** What lies beside the dictionary that holds them, but for tensors; nothing where the file is that dictionary. */
  readonly beside: ReadonlyMap<PickleValue, PickleValue>;
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

/** What notes about things that are left out name of them at most. */
const MOST_NAMED = 5;

/**
 * The parameters in a file: those under "state_dict" and other usual names, else the dictionary itself; wrappers'
 * prefixes are taken off. Tensors that are left out are named in the notes.
 * Throws {@link PytorchFileError} saying what the file holds instead, and for a parameter of a kind that is not read.
 */
export function stateDictionary(
  { name, value, byteLength }: PytorchFile,
  options: { readonly weights?: Weights } = {},
): StateDictionary {
  const { weights = 'trained' } = options;
  const notes: string[] = [];
  const all: ReadonlyMap<PickleValue, PickleValue> = value instanceof Map ? value : new Map();
  const key = KEYS[weights].find((candidate) => holdsTensors(all.get(candidate)));
  const found = key !== undefined ? all.get(key) : weights === 'trained' ? value : undefined;
  if (!(found instanceof Map && holdsTensors(found)))
    throw new PytorchFileError(`${name}: ${whatInstead(value, weights)}`);
  const tensors = tensorsIn(found, name);
  if (tensors.size === 0) throw new PytorchFileError(`${name}: ${whatInstead(found, weights)}`);
  const around = key === undefined ? [] : [...all].filter(([candidate]) => candidate !== key);
  if (key !== undefined) notes.push(`The parameters are those under "${key}".`);
  noteLeftOut(around, `beside "${key}"`, notes);
  const unnamed = [...found].filter(([item, content]) => typeof item !== 'string' || tensorOf(content) === undefined);
  noteLeftOut(unnamed, 'which are no tensors of numbers with a text as name', notes);
  checkGrowth(tensors, byteLength, name);
  return {
    tensors: withoutPrefixes(tensors, notes),
    notes,
    beside: new Map(around.filter(([, item]) => !isTensor(item))),
  };
}

/** Tells of tensors, and of dictionaries with some, that are not taken. */
function noteLeftOut(
  entries: ReadonlyArray<readonly [PickleValue, PickleValue]>,
  where: string,
  notes: string[],
): void {
  const left = entries.filter(([, item]) => isTensor(item) || isOtherArray(item) || holdsTensors(item));
  if (left.length === 0) return;
  const named = left.slice(0, MOST_NAMED).map(([key, item]) => `${describeValue(key)} (${describeValue(item)})`);
  const more = left.length > MOST_NAMED ? ` and ${left.length - MOST_NAMED} more` : '';
  notes.push(`Left out are ${named.join(', ')}${more}, ${where}.`);
}

const isTensor = (value: PickleValue): boolean => tensorOf(value) !== undefined || unreadTensor(value) !== undefined;

/** Whether a value is a dictionary with a tensor in it, of whatever kind. */
const holdsTensors = (value: PickleValue | undefined): boolean =>
  value instanceof Map && [...value.values()].some(isTensor);

/** Throws where tensors that repeat what is stored take far more bytes together than the file has. */
function checkGrowth(tensors: ReadonlyMap<string, StoredTensor>, byteLength: number, source: string): void {
  const limit = Math.max(ALWAYS_ALLOWED_BYTES, MOST_GROWTH * byteLength);
  const bytes = [...tensors.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  if (bytes > limit)
    throw new PytorchFileError(
      `${source}: its tensors repeat ${byteLength} bytes up to ${bytes} together; ${limit} are allowed`,
    );
}

/**
 * The tensors of a dictionary by name. What is none, such as a module's extra state, is no parameter.
 * Throws {@link PytorchFileError} naming a tensor of a kind that is not read, and the kind.
 */
function tensorsIn(values: ReadonlyMap<PickleValue, PickleValue>, source: string): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, item] of values) {
    const kind = unreadTensor(item);
    if (kind !== undefined)
      throw new PytorchFileError(`${source}: the tensor ${describeValue(name)} cannot be read: it is ${kind}`);
    const tensor = tensorOf(item);
    if (typeof name === 'string' && tensor !== undefined) tensors.set(name, tensor);
  }
  return tensors;
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
