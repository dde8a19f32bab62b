// Floats of 16 bits, IEEE binary16 (F16) and bfloat16 (BF16), both ways, rounding to nearest even; floats of 8 bits are
// read.

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The 16 bits of IEEE binary16 nearest to each value; ties to even, too large values to infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = float16Bits(values[i]);
  return out;
}

/** The 16 bits of bfloat16 nearest to each value; ties to even. */
export function toBFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = bits[i];
    const isNotANumber = (value & 0x7fffffff) > 0x7f800000;
    out[i] = isNotANumber ? 0x7fc0 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** The values of IEEE binary16 bits. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** The values of bfloat16 bits. */
export function fromBFloat16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const outBits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) outBits[i] = bits[i] << 16;
  return out;
}

/** The values of 8-bit floats with 4 bits of exponent and no infinities (OCP's E4M3, PyTorch's `float8_e4m3fn`). */
export function fromFloat8E4M3(bits: Uint8Array): Float32Array {
  return Float32Array.from(bits, (byte) => {
    const sign = byte & 0x80 ? -1 : 1;
    const exponent = (byte >>> 3) & 0x0f;
    const fraction = byte & 0x07;
    if (exponent === 0x0f && fraction === 0x07) return Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7));
  });
}

/** The values of 8-bit floats with one zero, no infinities and 0x80 for NaN, of this many bits of fraction and bias (`float8_e4m3fnuz`, `float8_e5m2fnuz`). */
export function fromFloat8Fnuz(bits: Uint8Array, fractionBits: number, bias: number): Float32Array {
  const steps = 2 ** fractionBits;
  return Float32Array.from(bits, (byte) => {
    if (byte === 0x80) return Number.NaN;
    const exponent = (byte & 0x7f) >>> fractionBits;
    const fraction = (byte & (steps - 1)) / steps;
    const magnitude = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
    return byte & 0x80 ? -magnitude : magnitude;
  });
}

/** The values of 8 bits of exponent alone (OCP's E8M0, `float8_e8m0fnu`): powers of two; 2^-127 is no normal float32. */
export const fromFloat8E8M0 = (bits: Uint8Array): Float32Array =>
  Float32Array.from(bits, (byte) => (byte === 0xff ? Number.NaN : 2 ** (byte - 127)));

/** What the 8 magnitudes of OCP's E2M1 are. */
const FLOAT4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

/** The values of 4-bit floats (OCP's E2M1, `float4_e2m1fn_x2`), two in a byte, the lower half first. */
export function fromFloat4(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(2 * bytes.length);
  bytes.forEach((byte, i) => {
    [byte & 0x0f, byte >>> 4].forEach((half, place) => {
      values[2 * i + place] = (half & 0x08 ? -1 : 1) * FLOAT4[half & 0x07];
    });
  });
  return values;
}

/** The values of 8-bit floats with 5 bits of exponent (OCP's E5M2): the upper half of binary16's bits. */
export const fromFloat8E5M2 = (bits: Uint8Array): Float32Array =>
  fromFloat16(Uint16Array.from(bits, (byte) => byte << 8));

function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  f32[0] = value;
  const bits = u32[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above, and infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14: a subnormal, a multiple of 2^-24.
    return sign | roundHalfToEven(Math.abs(f32[0]) * 2 ** 24);
  }
  // Rounding may carry into the exponent, also to infinity: the bit pattern stays right.
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
