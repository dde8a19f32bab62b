// Mutations of real files: of bytes, and of the structure that a format has.
import { crc32 } from 'node:zlib';
import { fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'x', '\u001b[31m'];
const NUMBERS = [0, -1, 1, 0.5, 1e9, 1e12, 2 ** 31, 2 ** 53, -(2 ** 31), 1e300, 255, 65536];

/** Numbers that seem random and are the same for the same seed (mulberry32). */
export function randomOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count) => Math.floor(next() * count);
  return { next, below, choose: (items) => items[below(items.length)] };
}

/** The files of a case with one of them mutated, once to a few times. */
export function mutate(files, random) {
  const names = Object.keys(files);
  // The first is what a format begins with; those beside it are mutated less often.
  const name = random.next() < 0.6 ? names[0] : random.choose(names);
  if (names.length > 1 && random.next() < 0.05) {
    const { [name]: _, ...rest } = files;
    return rest;
  }
  let bytes = files[name];
  for (let times = 1 + random.below(3); times > 0; times--) bytes = mutated(bytes, name, random);
  return { ...files, [name]: bytes };
}

function mutated(bytes, name, random) {
  const structured = random.next() < 0.65 ? structure(bytes, name, random) : undefined;
  return structured ?? mutateBytes(bytes, random);
}

/** Undefined where the bytes have no structure that is known, or lose it. */
function structure(bytes, name, random) {
  try {
    if (name.endsWith('.json')) return Buffer.from(JSON.stringify(mutateTree(JSON.parse(bytes), random)));
    if (name.endsWith('.jsonl')) return mutateLines(bytes, random);
    if (name.endsWith('.safetensors')) return mutateHeader(bytes, random);
    if (name.endsWith('.onnx')) return mutateModel(bytes, random);
    if (String(bytes.subarray(0, 2)) === 'PK') return mutateRecord(bytes, random);
  } catch {
    return undefined;
  }
  return undefined;
}

function mutateLines(bytes, random) {
  const lines = String(bytes).split('\n');
  const at = random.below(lines.length);
  lines[at] = JSON.stringify(mutateTree(JSON.parse(lines[at]), random));
  return Buffer.from(lines.join('\n'));
}

function mutateHeader(bytes, random) {
  const length = Number(Buffer.from(bytes).readBigUInt64LE(0));
  const header = Buffer.from(
    JSON.stringify(mutateTree(JSON.parse(Buffer.from(bytes).subarray(8, 8 + length)), random)),
  );
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, Buffer.from(bytes).subarray(8 + length)]);
}

function mutateModel(bytes, random) {
  const tree = mutateTree(toJson(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes)), random);
  return Buffer.from(toBinary(ModelProtoSchema, fromJson(ModelProtoSchema, tree, { ignoreUnknownFields: true })));
}

/** The first record of a zip file, a pickle, with bytes changed and its checksum made right again. */
function mutateRecord(bytes, random) {
  const out = Buffer.from(bytes);
  const begin = 30 + out.readUInt16LE(26) + out.readUInt16LE(28);
  const entry = out.indexOf('PK\x01\x02');
  const end = begin + out.readUInt32LE(entry + 24);
  for (let times = 1 + random.below(3); times > 0; times--) out[begin + random.below(end - begin)] = random.below(256);
  out.writeUInt32LE(crc32(out.subarray(begin, end)), entry + 16);
  return out;
}

/** A JSON value with one of its places changed. */
function mutateTree(root, random) {
  const places = [];
  const visit = (value) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      visit(value[key]);
    }
  };
  visit(root);
  if (places.length === 0) return hostile(random);
  const [holder, key] = random.choose(places);
  const put = (name, value) =>
    Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  switch (random.below(7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1:
      if (Array.isArray(holder)) holder.push(holder[key]);
      else put(random.choose(NAMES), holder[key]);
      break;
    case 2:
      put(key, random.choose(places)[0]);
      // What contains itself cannot be written: then another mutation is taken.
      JSON.stringify(root);
      break;
    case 3:
      if (typeof holder[key] === 'string') put(key, random.choose(NAMES));
      else put(key, hostile(random));
      break;
    case 4:
      if (typeof holder[key] === 'number') put(key, random.choose(NUMBERS));
      else put(key, hostile(random));
      break;
    case 5: {
      const [other, otherKey] = random.choose(places);
      const own = holder[key];
      put(key, other[otherKey]);
      Object.defineProperty(other, otherKey, { value: own, enumerable: true, configurable: true, writable: true });
      JSON.stringify(root);
      break;
    }
    default:
      put(key, hostile(random));
  }
  return root;
}

function hostile(random) {
  const deep = () => {
    let value = [];
    for (let i = 0; i < 2000; i++) value = [value];
    return value;
  };
  return random.choose([
    () => null,
    () => true,
    () => random.choose(NUMBERS),
    () => random.choose(NAMES),
    () => [],
    () => ({}),
    () => [1, 'a', null],
    () => ({ a: { b: [] } }),
    () => 'x'.repeat(10_000),
    deep,
  ])();
}

function mutateBytes(bytes, random) {
  const out = Buffer.from(bytes);
  const at = random.below(out.length + 1);
  switch (random.below(6)) {
    case 0:
      if (out.length > 0) out[at % out.length] ^= 1 << random.below(8);
      return out;
    case 1:
      return out.subarray(0, at);
    case 2:
      return Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + 1 + random.below(16)))]);
    case 3:
      return Buffer.concat([out.subarray(0, at), Buffer.from([random.below(256)]), out.subarray(at)]);
    case 4:
      for (let i = 0; i < 4 && at + i < out.length; i++) out[at + i] = random.choose([0, 255, 127, 128]);
      return out;
    default:
      return Buffer.concat([out.subarray(0, at), out.subarray(0, random.below(64)), out.subarray(at)]);
  }
}
