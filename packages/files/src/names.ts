// Names out of a file are not property names: every object has a `constructor` and a `toString` that nobody put there,
// and assigning to `__proto__` stores nothing.

/** What a record holds under a name; undefined for a name that it only inherits. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** A record of these entries that inherits nothing: a name that is not among them is undefined, whatever it is called. */
export function recordOf<T>(entries: Iterable<readonly [name: string, value: T]> = []): Record<string, T> {
  const record: Record<string, T> = Object.create(null);
  for (const [name, value] of entries) record[name] = value;
  return record;
}
