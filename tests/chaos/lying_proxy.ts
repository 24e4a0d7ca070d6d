/**
 * A TCP proxy that breaks, stalls, cuts and damages what passes through it, by chance and as strongly as it is told to.
 *
 * Bits are flipped only where AWS would notice it: in bodies of requests (their signature) and in answers with a
 * checksum (DynamoDB's). An answer of Kinesis in JSON has no checksum; TLS protects it, and a flipped bit breaks the connection.
 *
 * @module
 */

import { realClock } from "../../src/system.ts";
import { pause } from "../../src/async/waiting.ts";
import type { Chance } from "../../src/testing/model/chance.ts";

/** How often of 1 each piece of data that arrives meets a fault. */
export interface Lies {
  /** Both directions close at once. */
  readonly reset: number;
  /** Half of the piece passes, then both directions close. */
  readonly cut: number;
  /** The piece waits for up to `longestStallMs`. */
  readonly stall: number;
  /** One bit of the piece is flipped. */
  readonly flip: number;
}

export const HONEST: Lies = { reset: 0, cut: 0, stall: 0, flip: 0 };

/** How a proxy is made. */
export interface LyingProxyOptions {
  /** The port that it leads to, of this machine. */
  readonly upstreamPort: number;
  /** Whether requests carry a signature, so that their bits may be flipped. @default {true} */
  readonly areRequestsChecked?: boolean;
  /** Whether answers carry a checksum, so that their bits may be flipped. */
  readonly areAnswersChecked: boolean;
  /** Longer than the time limits of a client, so that these are met too. */
  readonly longestStallMs: number;
  readonly chance: Chance;
}

/** One proxy on a free port of 127.0.0.1. */
export class LyingProxy implements AsyncDisposable {
  /** What it does to what passes now. */
  lies: Lies = HONEST;
  /** Refuses all connections, and breaks those that there are. */
  readonly counts: Record<keyof Lies, number> = { reset: 0, cut: 0, stall: 0, flip: 0 };
  readonly #options: LyingProxyOptions;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;
  #isDown = false;

  constructor(options: LyingProxyOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** An outage: every connection breaks, and new ones close at once, until it is set back to false. */
  set isDown(isDown: boolean) {
    this.#isDown = isDown;
    if (isDown) { for (const connection of this.#connections) close(connection); }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const open = new Set<Promise<void>>();
    for await (const client of this.#listener) {
      if (this.#isDown) {
        close(client);
        continue;
      }
      const passing = this.#pass(client).finally(() => open.delete(passing));
      open.add(passing);
    }
    await Promise.all(open);
  }

  async #pass(client: Deno.TcpConn): Promise<void> {
    let server: Deno.TcpConn;
    this.#connections.add(client);
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#options.upstreamPort });
    } catch {
      this.#connections.delete(client);
      return close(client); // the emulator is gone, at the end of a run
    }
    this.#connections.add(server);
    const end = () => {
      close(client);
      close(server);
    };
    await Promise.all([
      this.#copy(client, server, this.#options.areRequestsChecked ?? true, end),
      this.#copy(server, client, this.#options.areAnswersChecked, end),
    ]);
    end();
    this.#connections.delete(client);
    this.#connections.delete(server);
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn, mayFlip: boolean, end: () => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      while (true) {
        const length = await from.read(buffer);
        if (length === null) break;
        const piece = buffer.subarray(0, length);
        const fault = this.#fault();
        if (fault === "reset") break;
        if (fault === "stall") await this.#stall();
        if (fault === "flip" && mayFlip) this.#flip(piece);
        await writeAll(to, fault === "cut" ? piece.subarray(0, length >>> 1) : piece);
        if (fault === "cut") break;
      }
    } catch {
      // Either side went away.
    }
    end();
  }

  #fault(): keyof Lies | undefined {
    let left = this.#options.chance.next();
    for (const [fault, share] of Object.entries(this.lies) as [keyof Lies, number][]) {
      left -= share;
      if (left < 0) {
        this.counts[fault]++;
        return fault;
      }
    }
    return undefined;
  }

  async #stall(): Promise<void> {
    await pause(
      realClock,
      this.#options.chance.between(50, this.#options.longestStallMs),
      this.#closing.signal,
    );
  }

  /** Behind the headers, where the piece has some: a flipped header is not covered by signature or checksum. */
  #flip(piece: Uint8Array): void {
    const start = bodyStart(piece);
    if (start >= piece.length) return;
    const at = start + this.#options.chance.below(piece.length - start);
    piece[at] = (piece[at] ?? 0) ^ (1 << this.#options.chance.below(8));
  }
}

/** Where the body begins in a piece of HTTP/1.1; its length, where it has no body or nothing is known. */
export function bodyStart(piece: Uint8Array): number {
  for (let i = 0; i + 3 < piece.length; i++) {
    if (piece[i] === 13 && piece[i + 1] === 10 && piece[i + 2] === 13 && piece[i + 3] === 10) return i + 4;
  }
  return piece.length;
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // closed before
  }
}
