/**
 * A word of a command line as a POSIX shell takes it: in quotes unless all of it is `bare`, letters that no shell takes
 * apart.
 */
export const shellWord = (word: string, bare = /^[\w:=,./@-]+$/): string =>
  bare.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
