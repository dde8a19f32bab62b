// The one way in which JSON from outside is read: of bounded depth, so that whoever walks it cannot run out of stack.
import { type ErrorClass, FileError, messageOf } from './errors.js';

/** No file that any of our formats describes is nested as deep. */
export const DEEPEST_JSON = 100;

/** How much of a value a message shows. */
const SHOWN = 60;

/** Parts of a path that a message shows. */
const SHOWN_PATH = 8;

/**
 * The value of a JSON text. Throws the error class given, {@link FileError} by default, naming `source` and what is
 * wrong: no JSON, or nested more than {@link DEEPEST_JSON} deep, with the path of what is.
 */
export function parseJson(text: string, source: string, Raised: ErrorClass = FileError): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The reason shows the text itself, which may have lines.
    throw new Raised(`${source}: not JSON (${messageOf(cause).replace(/\s*\n\s*/g, ' ')})`, { cause });
  }
  if (bracketsOf(text) > DEEPEST_JSON) {
    throw new Raised(`${source}: ${deepPath(value)} is nested more than ${DEEPEST_JSON} deep`);
  }
  return value;
}

/** A value as JSON in a few words, for messages; the value is one of {@link parseJson}. */
export function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** How deep the brackets of a JSON text are within each other. */
function bracketsOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        break;
      case '[':
      case '{':
        deepest = Math.max(deepest, ++depth);
        break;
      case ']':
      case '}':
        depth--;
        break;
    }
  }
  return deepest;
}

/** The place of the quote that ends a string. */
function endOfString(text: string, begin: number): number {
  let at = begin + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

interface Place {
  readonly value: unknown;
  readonly within: Place | undefined;
  readonly step: string;
  readonly depth: number;
}

/** The start of the path to what is nested too deep. Without recursion, which is what it is about. */
function deepPath(root: unknown): string {
  const waiting: Place[] = [{ value: root, within: undefined, step: '', depth: 0 }];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (place.depth > DEEPEST_JSON) return written(place);
    const { value, depth } = place;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      const step = Array.isArray(value) ? `[${key}]` : `.${key}`;
      waiting.push({ value: item, within: place, step, depth: depth + 1 });
    }
  }
  return 'the file';
}

function written(place: Place): string {
  const steps: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.within) steps.push(at.step);
  const path = steps
    .reverse()
    .slice(0, SHOWN_PATH + 1)
    .join('')
    .replace(/^\./, '');
  return `${path.length > SHOWN ? path.slice(0, SHOWN) : path}…`;
}
