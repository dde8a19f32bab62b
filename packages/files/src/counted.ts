/**
 * So many of something, for people: "1 seed", "1,234 seeds". `many` is what more than one, and none, are called; by
 * default the singular with an s.
 */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
