// Pure.
/**
 * SHA-256 and HMAC-SHA-256 of short texts, which is what a signature is made of.
 *
 * Web Crypto computes each digest in another thread. For a request of a few hundred bytes the way there and
 * back costs thirty times the digest, and a signature needs three. Ours instead of a package, for speed.
 * Long bytes are left to Web Crypto, whose instructions are quicker: see {@linkcode SHORT_BYTES}.
 *
 * Source: FIPS 180-4, whose names `a` to `h`, `K` and `W` the mixing keeps; RFC 2104.
 *
 * @module
 */

/** Up to this length our digest costs less than the way to Web Crypto's thread, on every runtime measured. */
export const SHORT_BYTES = 2048;

/** A key of HMAC: the states after its first blocks, which are the same for all messages. */
export interface HmacKey {
  readonly inner: Int32Array;
  readonly outer: Int32Array;
}

/** Computes digests one after the other, in memory of its own. */
export class Sha256 {
  readonly #state = new Int32Array(8);
  readonly #schedule = new Int32Array(64);
  readonly #tail = new Uint8Array(2 * BLOCK_BYTES);

  digest(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#digestAfter(START, 0, bytes);
  }

  hmacKey(secret: Uint8Array): HmacKey {
    const short = secret.length > BLOCK_BYTES ? this.digest(secret) : secret;
    const stateOf = (pad: number) => {
      const block = new Uint8Array(BLOCK_BYTES).fill(pad);
      short.forEach((byte, i) => block[i] = byte ^ pad);
      this.#state.set(START);
      this.#mix(block, BLOCK_BYTES);
      return this.#state.slice();
    };
    return { inner: stateOf(0x36), outer: stateOf(0x5c) };
  }

  hmac({ inner, outer }: HmacKey, message: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#digestAfter(outer, BLOCK_BYTES, this.#digestAfter(inner, BLOCK_BYTES, message));
  }

  /** The digest of a message whose first `before` bytes led to `state`. */
  #digestAfter(state: Int32Array, before: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#state.set(state);
    const whole = bytes.length & -BLOCK_BYTES;
    this.#mix(bytes, whole);
    // The rest, a 1 bit, zeros, and the message's length in bits as 8 bytes: one block or two.
    const tail = this.#tail.fill(0);
    for (let i = whole; i < bytes.length; i++) tail[i - whole] = bytes[i] ?? 0;
    tail[bytes.length - whole] = 0x80;
    const end = bytes.length - whole < 56 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    for (let i = 1, bits = (before + bytes.length) * 8; i <= 8; i++, bits /= 256) tail[end - i] = bits;
    this.#mix(tail, end);
    const digest = new Uint8Array(32);
    for (let i = 0; i < 32; i++) digest[i] = (this.#state[i >> 2] ?? 0) >>> 24 - 8 * (i & 3);
    return digest;
  }

  /** Mixes the blocks before `end` into the state. None of its `?? 0` is ever taken. */
  #mix(M: Uint8Array, end: number): void {
    const state = this.#state, W = this.#schedule;
    for (let at = 0; at < end;) {
      for (let t = 0; t < 16; t++, at += 4) {
        W[t] = (M[at] ?? 0) << 24 | (M[at + 1] ?? 0) << 16 | (M[at + 2] ?? 0) << 8 | (M[at + 3] ?? 0);
      }
      for (let t = 16; t < 64; t++) {
        const x = W[t - 2] ?? 0, y = W[t - 15] ?? 0;
        const s1 = (x >>> 17 | x << 15) ^ (x >>> 19 | x << 13) ^ x >>> 10;
        const s0 = (y >>> 7 | y << 25) ^ (y >>> 18 | y << 14) ^ y >>> 3;
        W[t] = s1 + (W[t - 7] ?? 0) + s0 + (W[t - 16] ?? 0);
      }
      let a = state[0] ?? 0, b = state[1] ?? 0, c = state[2] ?? 0, d = state[3] ?? 0;
      let e = state[4] ?? 0, f = state[5] ?? 0, g = state[6] ?? 0, h = state[7] ?? 0;
      for (let t = 0; t < 64; t++) {
        const S1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
        const T1 = h + S1 + (g ^ e & (f ^ g)) + (K[t] ?? 0) + (W[t] ?? 0) | 0;
        const S0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
        const T2 = S0 + (a & b | c & (a | b)) | 0;
        h = g, g = f, f = e, e = d + T1 | 0;
        d = c, c = b, b = a, a = T1 + T2 | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => state[i] = (state[i] ?? 0) + word);
    }
  }
}

const BLOCK_BYTES = 64;

const PRIMES = firstPrimes(64);
const START: Int32Array = PRIMES.slice(0, 8).map((prime) => fractionBits(prime ** (1 / 2)));
const K: Int32Array = PRIMES.map((prime) => fractionBits(prime ** (1 / 3)));

function firstPrimes(count: number): Int32Array {
  const primes = new Int32Array(count);
  for (let found = 0, number = 2; found < count; number++) {
    if (!primes.subarray(0, found).some((prime) => number % prime === 0)) primes[found++] = number;
  }
  return primes;
}

/** The first 32 bits after the point: a double has 18 more, so that engines agree on them. */
function fractionBits(number: number): number {
  return (number - Math.floor(number)) * 2 ** 32 | 0;
}
