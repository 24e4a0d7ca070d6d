/**
 * Kinesis and DynamoDB in this very process: kinesalite and dynalite, kept in memory, on free loopback ports.
 *
 * They are close to AWS but not the same. kinesalite: no stream ARNs, `ShardFilter` ignored, `MillisBehindLatest` always 0,
 * no CBOR under Deno, an AT_TIMESTAMP iterator past the last record is never answered. dynalite: indexes only in CreateTable,
 * no transactions, no PITR, no old item with a failed condition. Both take any credentials, but not unsigned requests.
 *
 * @module
 */

import Module from "node:module";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A running emulator. Disposing it closes all its connections and forgets its data. */
export interface Emulator extends AsyncDisposable {
  /** Base URL without a slash at the end, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
}

/** Options of {@linkcode startKinesalite}. */
export interface KinesaliteOptions {
  /** How long a new stream stays CREATING, in ms. @default {5} */
  readonly createStreamMs?: number;
  /** How long a dropped stream stays DELETING, in ms. @default {5} */
  readonly deleteStreamMs?: number;
  /** How long a split or merge stays UPDATING, in ms. @default {5} */
  readonly updateStreamMs?: number;
  /** The most shards of all streams together. @default {100} */
  readonly shardLimit?: number;
}

/** Options of {@linkcode startDynalite}. */
export interface DynaliteOptions {
  /** How long a new table stays CREATING, in ms. @default {5} */
  readonly createTableMs?: number;
  /** How long a dropped table stays DELETING, in ms. @default {5} */
  readonly deleteTableMs?: number;
  /** How long a changed table stays UPDATING, in ms. @default {5} */
  readonly updateTableMs?: number;
}

/** Starts Kinesis. A stream can be used once DescribeStreamSummary calls it ACTIVE. */
export async function startKinesalite(options: KinesaliteOptions = {}): Promise<Emulator> {
  const delays = { createStreamMs: 5, deleteStreamMs: 5, updateStreamMs: 5, ...options };
  const { default: kinesalite } = await import("kinesalite") as unknown as EmulatorModule;
  return await listen(
    kinesalite({ shardLimit: 100, ...delays }),
    Math.max(delays.createStreamMs, delays.deleteStreamMs, delays.updateStreamMs),
  );
}

/** Starts DynamoDB. A table can be used once DescribeTable calls it ACTIVE. */
export async function startDynalite(options: DynaliteOptions = {}): Promise<Emulator> {
  const delays = { createTableMs: 5, deleteTableMs: 5, updateTableMs: 5, ...options };
  const dynalite = await loadDynalite();
  return await listen(
    dynalite(delays),
    Math.max(delays.createTableMs, delays.deleteTableMs, delays.updateTableMs),
  );
}

type CreateServer = (options: Readonly<Record<string, number>>) => Server;

interface EmulatorModule {
  readonly default: CreateServer;
}

type LoadModule = (this: unknown, id: string, ...rest: readonly unknown[]) => unknown;

let dynaliteModule: Promise<CreateServer> | undefined;

/**
 * dynalite loads the native addon of `level` at once, even where it keeps its data in memory and never uses it. A stub in its
 * place spares the addon's build and the permission to load it. Loaded once: two patches at a time would undo each other wrongly.
 */
function loadDynalite(): Promise<CreateServer> {
  dynaliteModule ??= (async () => {
    const loader = Module as unknown as { _load: LoadModule };
    const load = loader._load;
    loader._load = function (id, ...rest) {
      return id === "level" ? { Level: class {} } : load.call(this, id, ...rest);
    };
    try {
      return (await import("dynalite") as unknown as EmulatorModule).default;
    } finally {
      loader._load = load;
    }
  })();
  return dynaliteModule;
}

async function listen(server: Server, longestDelayMs: number): Promise<Emulator> {
  // Both throw when a client hangs up in the middle of a request, and would end the whole process.
  server.on("request", (request) => request.removeAllListeners("error").on("error", () => {}));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      // A state change still under way keeps a timer that the server's end does not stop: let it run out.
      await new Promise((resolve) => setTimeout(resolve, longestDelayMs + 10));
      server.closeAllConnections();
      await new Promise<void>((resolve, reject) => {
        server.close((error) => error === undefined || error === null ? resolve() : reject(error));
      });
    },
  };
}
