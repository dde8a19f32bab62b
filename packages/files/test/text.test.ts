import { describe, expect, it } from 'vitest';
import {
  counted,
  DEEPEST_JSON,
  FileError,
  own,
  parseJson,
  printable,
  recordOf,
  shellWord,
  shortJson,
} from '../src/index.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a count', () => {
  it('is of one or of many, with commas', () => {
    expect([0, 1, 2, 1000, 12345].map((count) => counted(count, 'seed'))).toEqual([
      '0 seeds',
      '1 seed',
      '2 seeds',
      '1,000 seeds',
      '12,345 seeds',
    ]);
    expect([1, 3].map((count) => counted(count, 'process', 'processes'))).toEqual(['1 process', '3 processes']);
  });
});

describe('a word of a command line', () => {
  it('is in quotes where a shell would take it apart', () => {
    expect(['vit-s:patch=4', 'my file', "it's", 'a\\b', ''].map((word) => shellWord(word))).toEqual([
      'vit-s:patch=4',
      "'my file'",
      "'it'\\''s'",
      "'a\\b'",
      "''",
    ]);
    expect(shellWord('C:\\runs', /^[\w:\\]+$/)).toBe('C:\\runs');
  });
});

describe('JSON', () => {
  it('is read up to a depth, and beyond refused with the path of what is too deep', () => {
    expect(() => parseJson(nested(DEEPEST_JSON), 'f')).not.toThrow();
    expect(() => parseJson(`{"a":{"b":${nested(100_000)}}}`, 'f.json')).toThrow(
      `f.json: a.b[0][0][0][0][0][0]… is nested more than ${DEEPEST_JSON} deep`,
    );
    expect(() => parseJson(nested(100_000), 'f')).toThrow(FileError);
  });

  it('counts no brackets within texts', () => {
    const text = JSON.stringify({ text: `${'['.repeat(1000)}"\\` });
    expect(parseJson(text, 'f')).toEqual({ text: `${'['.repeat(1000)}"\\` });
  });

  it('that is none is refused by the file, in the class that was asked for', () => {
    class Own extends Error {}
    expect(() => parseJson('{', 'f', Own)).toThrow(Own);
    expect(() => parseJson('', 'f')).toThrow(/^f: not JSON/);
    expect(() => parseJson('a\nb', 'f')).toThrow(/^f: not JSON \(.*\)$/);
  });

  it('is shown in a few words', () => {
    expect(shortJson(undefined)).toBe('nothing');
    expect(shortJson('x'.repeat(1000))).toHaveLength(61);
  });
});

describe('names', () => {
  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('"%s" is a name like any other', (name) => {
    expect(own({}, name)).toBeUndefined();
    expect(recordOf<number>()[name]).toBeUndefined();
    const record = recordOf([[name, 1]]);
    expect(record[name]).toBe(1);
    expect(own(record, name)).toBe(1);
    expect(Object.keys(record)).toEqual([name]);
  });
});

it('what a terminal obeys is written out; other letters, lines and tabs stay', () => {
  expect(printable('a\u001b[31mb\u0007\u009b\u202e\r')).toBe('a\\u001b[31mb\\u0007\\u009b\\u202e\\u000d');
  expect(printable('żółć 漢字\n\tx')).toBe('żółć 漢字\n\tx');
});
