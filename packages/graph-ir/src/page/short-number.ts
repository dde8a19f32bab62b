/** A number in four digits; what was not finite is null in the page's data. */
export const shortNumber = (value: number | null): string =>
  value === null ? 'none' : String(Number(value.toPrecision(4)));
