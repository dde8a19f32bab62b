// Text out of files on its way to a terminal.

/**
 * Control characters (C0, DEL, C1), which a terminal obeys, and the marks that turn the direction of writing, with
 * which a name can look like another; line feeds and tabs stay.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The text with every character that a terminal would obey written out, such as `\u001b`. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
