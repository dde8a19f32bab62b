// Values of a pickle as JSON, to be read by people: what is not JSON's is described in a string, and what is long is
// cut.
import { describeValue, isKind, type PickleValue } from './values.js';

const MOST_VALUES = 500;
const DEEPEST = 8;

/**
 * A value as JSON. Beyond {@link MOST_VALUES} values, or 8 levels deep, there is only a word for each: values may
 * contain themselves.
 */
export function jsonText(value: PickleValue): string {
  let values = 0;
  const write = (item: PickleValue, depth: number): string => {
    values++;
    const isCut = values > MOST_VALUES || depth > DEEPEST;
    if (item === null || typeof item === 'boolean') return String(item);
    if (typeof item === 'number') return Number.isFinite(item) ? String(item) : JSON.stringify(String(item));
    if (typeof item === 'bigint') return String(item);
    if (typeof item === 'string') return JSON.stringify(item);
    if (isCut) return JSON.stringify(describeValue(item));
    const list = (items: Iterable<PickleValue>): string => {
      const all = [...items];
      const rest = all.length > MOST_VALUES ? [`"… ${all.length - MOST_VALUES} more"`] : [];
      return `[${[...all.slice(0, MOST_VALUES).map((one) => write(one, depth + 1)), ...rest].join(', ')}]`;
    };
    const record = (entries: Iterable<[PickleValue, PickleValue]>): string =>
      `{${[...entries]
        .slice(0, MOST_VALUES)
        .map(
          ([key, one]) =>
            `${JSON.stringify(typeof key === 'string' ? key : describeValue(key))}: ${write(one, depth + 1)}`,
        )
        .join(', ')}}`;
    if (Array.isArray(item) || item instanceof Set) return list(item);
    if (item instanceof Map) return record(item);
    return isKind(item, 'namespace') ? record(item.fields) : JSON.stringify(describeValue(item));
  };
  return write(value, 0);
}
