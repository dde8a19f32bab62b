// How far two predictions of one network are apart.

/** Values by the name of their parameter. */
export type Values = ReadonlyMap<string, Float32Array>;

/** The largest difference, relative to the largest value of a tensor where that is above 1; NaN where one is not a number. */
export function farthest(wanted: Values, found: Values): number {
  return [...wanted].reduce((most, [name, values]) => {
    const others = found.get(name) ?? new Float32Array();
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    return values.reduce((own, value, i) => Math.max(own, Math.abs(value - others[i]) / scale), most);
  }, 0);
}
