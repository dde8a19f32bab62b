// What the command says. Names come out of files, and a terminal obeys some characters: those are written out.
import { printable } from '@logah/files';

/** A result, on standard output. */
export const print = (text: string): void => console.log(printable(text));

/** How it goes and what is wrong, on standard error. */
export const say = (text: string): void => console.error(printable(text));
