// The escapes in which pickles of protocol 0 write texts, as Python's codecs decode them.

/** One-letter escapes of Python's byte strings. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\n', ''],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
]);

/**
 * The text that Python's codec "raw-unicode-escape" decodes: `\uXXXX` and `\UXXXXXXXX` are characters, every other
 * backslash is one. Undefined for an escape with too few digits or beyond U+10FFFF.
 */
export function textOfRawEscapes(text: string): string | undefined {
  let isValid = true;
  const decoded = text.replace(/\\(?:u[\da-fA-F]{4}|U[\da-fA-F]{8}|.)/gs, (found) => {
    if (!/^\\[uU]/.test(found)) return found;
    const code = Number.parseInt(found.slice(2), 16);
    if (code <= 0x10ffff) return String.fromCodePoint(code);
    // Not a number, too: letters without their digits.
    isValid = false;
    return '';
  });
  return isValid ? decoded : undefined;
}

/**
 * The bytes that Python's `codecs.escape_decode` makes of the inside of a quoted byte string, one character a byte;
 * unknown escapes stay as they are. Undefined for `\x` without two digits.
 */
export function bytesOfEscapes(text: string): string | undefined {
  let isValid = true;
  const decoded = text.replace(/\\(x[\da-fA-F]{2}|[0-7]{1,3}|.)/gs, (found, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (code === 'x') isValid = false;
    return LETTERS.get(code) ?? found;
  });
  return isValid ? decoded : undefined;
}
