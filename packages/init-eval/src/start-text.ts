// A start as text: `mimetic:position=1.5+noise`, `logah:FILE+new-head`.
import { isShipped } from '@logah/checkpoints/catalog';
import { didYouMean } from '@logah/graph-ir';
import type { RoleDeviations } from '@logah/network';
import { EvaluationError } from './errors.js';
import {
  CLOSED_FORM_STARTS,
  type ClosedFormName,
  FILE_STARTS,
  type FileStartName,
  MODIFIERS,
  type ModifierName,
} from './start-tables.js';

/** What a text says: a start, and what changes it, in order. */
export interface StartText {
  readonly start:
    | { readonly kind: 'closed-form'; readonly name: ClosedFormName; readonly deviations: RoleDeviations }
    | {
        readonly kind: 'file';
        readonly name: FileStartName;
        readonly file: string;
        /** Graphs are wired as the authors' code does, for a checkpoint of theirs. */
        readonly isReference: boolean;
      };
  readonly modifiers: ReadonlyArray<{ readonly name: ModifierName; readonly value: number | undefined }>;
}

const isClosedForm = (name: string): name is ClosedFormName => Object.hasOwn(CLOSED_FORM_STARTS, name);
const isFileStart = (name: string): name is FileStartName => Object.hasOwn(FILE_STARTS, name);
const isModifier = (name: string): name is ModifierName => Object.hasOwn(MODIFIERS, name);

/** What can be said, in one line. */
export const INITIALIZER_HELP = [
  `${Object.keys(CLOSED_FORM_STARTS).join(', ')}; roles may have other deviations (random:position=1.5,head=0.001)`,
  Object.keys(FILE_STARTS)
    .map((name) => `${name}:FILE`)
    .join(', '),
  `then any of ${Object.entries(MODIFIERS)
    .map(([name, { usual }]) => `+${name}${usual === undefined ? '' : '[=NUMBER]'}`)
    .join(', ')}, in the order written`,
  '+reference behind logah:FILE or ghn3:FILE for a checkpoint of their authors',
].join('; ');

/** What a name that is nearly right may have meant. */
const NAMES = [...Object.keys(CLOSED_FORM_STARTS), ...Object.keys(FILE_STARTS)];
const KNOWN = [...NAMES, ...NAMES.flatMap((name) => Object.keys(MODIFIERS).map((modifier) => `${name}+${modifier}`))];

/** Modifiers at the end of a text; a file's name may have a + in it. */
const REFERENCE = 'reference';
const MODIFIER_NAMES = [...Object.keys(MODIFIERS), REFERENCE].join('|');
const PARTS = new RegExp(`^(.+?)((?:\\+(?:${MODIFIER_NAMES})(?:=[^+]*)?)*)$`, 's');

/** Reads a text. Throws {@link EvaluationError} naming what is unknown or is no number, and what is known. */
export function parseStart(text: string): StartText {
  const [, start = '', behind = ''] = PARTS.exec(text) ?? [];
  const parts = behind.split('+').slice(1);
  const isReference = parts.includes(REFERENCE);
  const modifiers = parts.filter((part) => part !== REFERENCE).map((modifier) => parseModifier(modifier, text));
  const colon = start.indexOf(':');
  const [name, argument] = colon < 0 ? [start, ''] : [start.slice(0, colon), start.slice(colon + 1)];
  if (isReference && name !== 'logah' && name !== 'ghn3') {
    throw new EvaluationError(
      `the initialiser "${text}": +reference wires what a hypernetwork reads, so it follows logah:FILE or ghn3:FILE`,
    );
  }
  if (isFileStart(name)) {
    if (argument === '') throw new EvaluationError(`"${text}" wants a file: ${name}:FILE (${FILE_STARTS[name].makes})`);
    return { start: { kind: 'file', name, file: argument, isReference }, modifiers };
  }
  if (isClosedForm(name)) {
    return { start: { kind: 'closed-form', name, deviations: parseDeviations(argument, text) }, modifiers };
  }
  throw new EvaluationError(`unknown initialiser "${text}"; known are ${INITIALIZER_HELP}${didYouMean(name, KNOWN)}`);
}

function parseDeviations(argument: string, text: string): RoleDeviations {
  if (argument === '') return {};
  return Object.fromEntries(
    argument.split(',').map((item) => {
      const [role, number] = item.split('=');
      const std = parseNumber(number);
      if (std === undefined) {
        throw new EvaluationError(
          `"${text}": "${item}" is no deviation of a role; ` +
            `a name and a number of at least 0 were wanted, as in position=1.5, and at most ${LARGEST_DEVIATION}`,
        );
      }
      return [role, std];
    }),
  );
}

function parseModifier(modifier: string, text: string): StartText['modifiers'][number] {
  const [name, number] = modifier.split('=');
  if (!isModifier(name)) throw new EvaluationError(`"${text}": unknown modifier "+${name}"`);
  if (number === undefined) return { name, value: undefined };
  const { usual } = MODIFIERS[name];
  if (usual === undefined) throw new EvaluationError(`"${text}": +${name} takes no number`);
  const value = parseNumber(number);
  if (value === undefined)
    throw new EvaluationError(
      `"${text}": +${name} wants a number of at least 0, as in +${name}=${usual}, and at most ${LARGEST_DEVIATION}`,
    );
  return { name, value };
}

/** Beyond this, what is drawn with a deviation is no longer a finite float of 32 bits. */
const LARGEST_DEVIATION = 1e30;

/** A number from 0 to {@link LARGEST_DEVIATION}; undefined for any other text. */
function parseNumber(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return value >= 0 && value <= LARGEST_DEVIATION ? value : undefined;
}

/** The same start in one way only: with every number that a modifier has. */
export function canonicalStart(text: string): string {
  const { start, modifiers } = parseStart(text);
  const argument =
    start.kind === 'file'
      ? `:${start.file}${start.isReference ? `+${REFERENCE}` : ''}`
      : Object.entries(start.deviations)
          .map(([role, std], i) => `${i === 0 ? ':' : ','}${role}=${std}`)
          .join('');
  const behind = modifiers.map(({ name, value }) => {
    const { usual } = MODIFIERS[name];
    return usual === undefined ? `+${name}` : `+${name}=${value ?? usual}`;
  });
  return [start.name, argument, ...behind].join('');
}

/** The texts of a list with commas; a list of deviations stays with its start. */
export function splitStarts(list: string): string[] {
  const starts: string[] = [];
  for (const item of list.split(',').map((part) => part.trim())) {
    const start = /^[a-z_]+=/.test(item) ? starts.pop() : undefined;
    starts.push(start === undefined ? item : `${start},${item}`);
  }
  return starts;
}

/**
 * A start without the path of its file: "logah:runs/a/hypernet.safetensors+noise" as "logah+noise". Others, those of
 * checkpoints that ship, and those that would be called like another one `among` those shown, are as they are.
 */
export function startName(text: string, among: readonly string[] = []): string {
  const short = withoutFile(text);
  return among.some((other) => other !== text && withoutFile(other) === short) ? text : short;
}

function withoutFile(text: string): string {
  const { start } = parseStart(text);
  return start.kind === 'file' && !isShipped(start.file) ? text.replace(`:${start.file}`, '') : text;
}

/** Whether a hypernetwork, or a module of one's own, predicts a start; all others are baselines. */
export function isPredicted(text: string): boolean {
  const { start } = parseStart(text);
  return start.kind === 'file' && FILE_STARTS[start.name].isPredicted;
}

/** Whether a start is plain RandInit, or RandInit whose roles have other deviations. */
export function randomKind(text: string): 'plain' | 'rescaled' | undefined {
  const { start, modifiers } = parseStart(text);
  if (start.kind !== 'closed-form' || start.name !== 'random' || modifiers.length > 0) return undefined;
  return Object.keys(start.deviations).length === 0 ? 'plain' : 'rescaled';
}
