// Python's pickle machine (Lib/pickletools.py describes every opcode), restricted: what a pickle calls is looked up in
// a fixed list, and what is not there becomes an opaque value. The only maintained parser on npm, pickleparser 0.2,
// cannot stand in: it calls whatever lies on the stack, copies state into objects with Object.assign, and refuses
// integers of more than 8 bytes, with which PyTorch's older format begins.
import { PytorchFileError } from './errors.js';
import { bytesOfEscapes, textOfRawEscapes } from './escapes.js';
import { construct, type MakeContext, setState } from './globals.js';
import { NEWEST_PROTOCOL, OP } from './opcodes.js';
import type { ByteStream } from './stream.js';
import { describeValue, integerValue, isKind, opaqueObject, type PickleValue } from './values.js';

/** What the machine cannot know by itself. */
export interface PickleContext extends Pick<MakeContext, 'loadBytes'> {
  /** The value of a persistent id: PyTorch's pickles name storages so. */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** Every opcode has at least one byte, but a value takes more memory and time: a file beyond this is no network's. */
const MOST_OPCODES = 5_000_000;

/** Values that are copied from one list or dictionary into another. */
const MOST_COPIED = 20_000_000;

/**
 * Integers beyond 64 bits are magic numbers and hashes; converting very long ones takes time that grows with the
 * square.
 */
const MOST_INTEGER_BYTES = 256;

/** No opcode has an argument of fixed length that is longer. */
const LONGEST_FIXED = 8;

/**
 * Reads one pickle from where the stream stands, up to its end. Nothing that it names is called.
 * Throws {@link PytorchFileError} naming the file and the byte for anything but a well-formed pickle.
 */
export async function unpickle(stream: ByteStream, context: PickleContext): Promise<PickleValue> {
  const stack: PickleValue[] = [];
  const marks: number[] = [];
  const memo = new Map<number, PickleValue>();
  let opcodeAt = stream.position;
  let copied = 0;

  const fail = (what: string): never => {
    throw new PytorchFileError(`${stream.source.name}: the pickle is corrupt at byte ${opcodeAt}: ${what}`);
  };
  const making: MakeContext = {
    source: stream.source.name,
    loadBytes: context.loadBytes,
    spend: (values) => {
      copied += values;
      if (copied > MOST_COPIED) fail(`it copies more than ${MOST_COPIED} values`);
    },
  };
  const push = (value: PickleValue): void => {
    stack.push(value);
  };
  const pop = (): PickleValue => {
    if (stack.length <= (marks.at(-1) ?? 0)) fail('it takes a value from an empty stack');
    return stack.pop() as PickleValue;
  };
  const top = (): PickleValue => {
    const value = pop();
    push(value);
    return value;
  };
  const popMark = (): PickleValue[] => stack.splice(marks.pop() ?? fail('it goes back to a mark that was not set'));
  const remember = (index: number): void => {
    memo.set(index, top());
  };
  const recall = (index: number): void => {
    push(memo.has(index) ? (memo.get(index) as PickleValue) : fail(`it recalls value ${index}, which was not stored`));
  };
  const popText = (what: string): string => {
    const value = pop();
    return typeof value === 'string' ? value : fail(`${what} should be a text, got ${describeValue(value)}`);
  };
  const append = (values: readonly PickleValue[]): void => {
    const list = top();
    const items = Array.isArray(list) ? list : isKind(list, 'object') ? list.items : undefined;
    if (items === undefined) fail(`it appends to ${describeValue(list)}`);
    else for (const value of values) items.push(value);
  };
  const setItems = (values: readonly PickleValue[]): void => {
    const target = top();
    const entries = target instanceof Map ? target : isKind(target, 'object') ? target.entries : undefined;
    if (entries === undefined || values.length % 2 !== 0) fail(`it sets items of ${describeValue(target)}`);
    else for (let i = 0; i < values.length; i += 2) entries.set(values[i], values[i + 1]);
  };
  const integer = async (length: number): Promise<number | bigint> => {
    if (length > MOST_INTEGER_BYTES) fail(`an integer of ${length} bytes; ${MOST_INTEGER_BYTES} are allowed`);
    let value = 0n;
    // Little-endian two's complement of any length.
    for (const byte of (await stream.bytes(length)).slice().reverse()) value = (value << 8n) | BigInt(byte);
    return integerValue(BigInt.asIntN(8 * length, value));
  };
  const decimal = async (): Promise<number | bigint> => {
    const text = (await stream.line()).replace(/L$/, '');
    if (text.length > MOST_INTEGER_BYTES || !/^[+-]?\d+$/.test(text)) fail(`${describeValue(text)} is not an integer`);
    return integerValue(BigInt(text));
  };
  const call = async (callee: PickleValue, args: PickleValue): Promise<PickleValue> => {
    if (!Array.isArray(args)) return fail(`it calls ${describeValue(callee)} with ${describeValue(args)}`);
    return isKind(callee, 'global')
      ? construct(callee.name, args, making)
      : opaqueObject(`a call of ${describeValue(callee)}`, args);
  };

  for (let opcodes = 0; opcodes < MOST_OPCODES; opcodes++) {
    if (!stream.has(1 + LONGEST_FIXED)) await stream.fill(1 + LONGEST_FIXED);
    opcodeAt = stream.position;
    const opcode = stream.uint8();
    switch (opcode) {
      case OP.PROTO: {
        const protocol = stream.uint8();
        if (protocol > NEWEST_PROTOCOL) fail(`protocol ${protocol}; ${NEWEST_PROTOCOL} is the newest known`);
        break;
      }
      case OP.FRAME:
        stream.uint64();
        break;
      case OP.STOP:
        return pop();

      case OP.MARK:
        marks.push(stack.length);
        break;
      case OP.POP_MARK:
        popMark();
        break;
      case OP.POP:
        // A mark counts as a value here.
        if (stack.length === marks.at(-1)) marks.pop();
        else pop();
        break;
      case OP.DUP:
        push(top());
        break;

      case OP.PUT:
        remember(Number(await decimal()));
        break;
      case OP.BINPUT:
        remember(stream.uint8());
        break;
      case OP.LONG_BINPUT:
        remember(stream.uint32());
        break;
      case OP.MEMOIZE:
        remember(memo.size);
        break;
      case OP.GET:
        recall(Number(await decimal()));
        break;
      case OP.BINGET:
        recall(stream.uint8());
        break;
      case OP.LONG_BINGET:
        recall(stream.uint32());
        break;

      case OP.NONE:
        push(null);
        break;
      case OP.NEWTRUE:
        push(true);
        break;
      case OP.NEWFALSE:
        push(false);
        break;
      case OP.BININT:
        push(stream.int32());
        break;
      case OP.BININT1:
        push(stream.uint8());
        break;
      case OP.BININT2:
        push(stream.uint16());
        break;
      case OP.INT: {
        const text = await stream.line();
        // Protocol 0 writes booleans as these two integers.
        if (text === '00' || text === '01') push(text === '01');
        else if (text.length <= MOST_INTEGER_BYTES && /^[+-]?\d+$/.test(text)) push(integerValue(BigInt(text)));
        else fail(`${describeValue(text)} is not an integer`);
        break;
      }
      case OP.LONG:
        push(await decimal());
        break;
      case OP.LONG1:
        push(await integer(stream.uint8()));
        break;
      case OP.LONG4:
        push(await integer(stream.uint32()));
        break;
      case OP.BINFLOAT:
        push(stream.float64());
        break;
      case OP.FLOAT: {
        const text = await stream.line();
        push(floatOf(text) ?? fail(`${describeValue(text)} is not a number`));
        break;
      }

      case OP.STRING: {
        const text = await stream.line('latin1');
        const quoted = /^(['"])(.*)\1$/s.exec(text);
        const bytes = quoted ? bytesOfEscapes(quoted[2]) : fail(`${describeValue(text)} is not a quoted text`);
        push(bytes ?? fail(`${describeValue(text)} has an escape \\x without two hexadecimal digits`));
        break;
      }
      case OP.UNICODE: {
        const text = await stream.line('latin1');
        push(textOfRawEscapes(text) ?? fail(`${describeValue(text)} has an escape that is no character of Unicode`));
        break;
      }
      case OP.BINSTRING:
        push(await stream.text(stream.uint32(), 'latin1'));
        break;
      case OP.SHORT_BINSTRING:
        push(await stream.text(stream.uint8(), 'latin1'));
        break;
      case OP.SHORT_BINUNICODE:
        push(await stream.text(stream.uint8()));
        break;
      case OP.BINUNICODE:
        push(await stream.text(stream.uint32()));
        break;
      case OP.BINUNICODE8:
        push(await stream.text(stream.uint64()));
        break;
      case OP.SHORT_BINBYTES:
        push({ kind: 'bytes', source: stream.skip(stream.uint8(), 'a byte string') });
        break;
      case OP.BINBYTES:
        push({ kind: 'bytes', source: stream.skip(stream.uint32(), 'a byte string') });
        break;
      case OP.BINBYTES8:
      case OP.BYTEARRAY8:
        push({ kind: 'bytes', source: stream.skip(stream.uint64(), 'a byte string') });
        break;

      case OP.EMPTY_TUPLE:
      case OP.EMPTY_LIST:
        push([]);
        break;
      case OP.TUPLE1:
        push([pop()]);
        break;
      case OP.TUPLE2:
        push([pop(), pop()].reverse());
        break;
      case OP.TUPLE3:
        push([pop(), pop(), pop()].reverse());
        break;
      case OP.TUPLE:
      case OP.LIST:
        push(popMark());
        break;
      case OP.APPEND:
        append([pop()]);
        break;
      case OP.APPENDS:
        append(popMark());
        break;
      case OP.EMPTY_DICT:
        push(new Map());
        break;
      case OP.DICT: {
        const items = popMark();
        push(new Map());
        setItems(items);
        break;
      }
      case OP.SETITEM:
        setItems([pop(), pop()].reverse());
        break;
      case OP.SETITEMS:
        setItems(popMark());
        break;
      case OP.EMPTY_SET:
        push(new Set());
        break;
      case OP.FROZENSET:
        push(new Set(popMark()));
        break;
      case OP.ADDITEMS: {
        const items = popMark();
        const set = top();
        if (set instanceof Set) for (const item of items) set.add(item);
        else fail(`it adds items to ${describeValue(set)}`);
        break;
      }

      case OP.GLOBAL: {
        const module = await stream.line();
        push({ kind: 'global', name: `${module}.${await stream.line()}` });
        break;
      }
      case OP.STACK_GLOBAL: {
        const name = popText('the name of a class or function');
        push({ kind: 'global', name: `${popText('the name of a module')}.${name}` });
        break;
      }
      case OP.REDUCE:
      case OP.NEWOBJ: {
        const args = pop();
        push(await call(pop(), args));
        break;
      }
      case OP.NEWOBJ_EX: {
        // Keyword arguments belong to classes that are not known anyway.
        const keywords = pop();
        const args = pop();
        push(opaqueObject(describeValue(pop()), [args, keywords]));
        break;
      }
      case OP.INST: {
        const module = await stream.line();
        const name = `${module}.${await stream.line()}`;
        push(await call({ kind: 'global', name }, popMark()));
        break;
      }
      case OP.OBJ: {
        const [callee = fail('an object without a class'), ...args] = popMark();
        push(await call(callee, args));
        break;
      }
      case OP.BUILD: {
        const state = pop();
        await setState(top(), state, stream, making);
        break;
      }
      case OP.PERSID:
        push(context.persistent(await stream.line()));
        break;
      case OP.BINPERSID:
        push(context.persistent(pop()));
        break;

      case OP.EXT1:
      case OP.EXT2:
      case OP.EXT4:
        fail('it names a class by a number of a registry that belongs to the program that wrote it');
        break;
      case OP.NEXT_BUFFER:
      case OP.READONLY_BUFFER:
        fail('its data lies in buffers beside it, which a file does not have');
        break;
      default:
        fail(`0x${opcode.toString(16).padStart(2, '0')} is no opcode`);
    }
  }
  return fail(`it has more than ${MOST_OPCODES} opcodes`);
}

/** Numbers as Python's `repr` writes them. */
function floatOf(text: string): number | undefined {
  const named = new Map([
    ['nan', Number.NaN],
    ['inf', Number.POSITIVE_INFINITY],
    ['-inf', Number.NEGATIVE_INFINITY],
  ]).get(text);
  if (named !== undefined) return named;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
