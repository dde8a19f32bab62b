// Numbers as the page writes them.

/** 1234567 as "1,234,567". */
export const thousands = (value: number): string => value.toLocaleString('en-US');

/** A whole number with the article that its word takes: "a 7", "an 8", "an 11", "an 18,000". */
export function withArticle(value: number): string {
  const [first] = thousands(value).split(',');
  return `${/^(8|1[18]$)/.test(first) ? 'an' : 'a'} ${thousands(value)}`;
}

/** 1234567 of "B" as "1.23 MB", 12 as "12 B". */
export function short(value: number, unit: string): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${units[power]}${unit}`;
}

/** 0.00123 as "0.00123", 0.0000123 as "1.23e-5". */
export const significant = (value: number): string => String(Number(value.toPrecision(3)));

/** 0.412 as "41 %". */
export const percent = (share: number): string => `${Math.round(100 * share)} %`;
