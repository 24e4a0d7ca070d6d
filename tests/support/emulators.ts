/**
 * Kinesis and DynamoDB in this very process: kinesalite and dynalite, kept in memory, on free loopback ports.
 *
 * They are close to AWS but not the same. kinesalite: no stream ARNs, `ShardFilter` ignored,
 * `MillisBehindLatest` always 0, no CBOR under Deno. dynalite: indexes only in CreateTable, no transactions,
 * no PITR, no old item with a failed condition. Both take any credentials, but not unsigned requests.
 *
 * Both packages are named here and nowhere else, and stand in no import map: see fast_check.ts.
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
  const kinesalite = await loadKinesalite();
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
let kinesaliteModule: Promise<CreateServer> | undefined;

/**
 * kinesalite never answers when it is asked for an iterator for a time after which there is no record
 * (https://github.com/mhart/kinesalite/issues/84). AWS gives one for the records to come, and so does this.
 */
function loadKinesalite(): Promise<CreateServer> {
  kinesaliteModule ??= loadWith(
    (id, load) => id === "./actions/getShardIterator" ? answering(load() as Action) : load(),
    async () => (await import("npm:kinesalite@3.3.3") as unknown as EmulatorModule).default,
  );
  return kinesaliteModule;
}

/** An operation of kinesalite. */
type Action = (store: Store, input: Readonly<Record<string, unknown>>, done: Done) => void;
type Done = (error: unknown, answer?: unknown) => void;

/** What kinesalite keeps. A stream of records is one of Node's: it ends behind the last record. */
interface Store {
  readonly getStreamDb: (name: string) => {
    createReadStream(options: unknown): { on(event: "end", listener: () => void): unknown };
  };
}

/**
 * GetShardIterator that is always answered. The tip is opened first: a record that is put in between has then
 * either an answer of kinesalite's or lies behind the tip.
 */
function answering(getShardIterator: Action): Action {
  return (store, input, done) => {
    if (input["ShardIteratorType"] !== "AT_TIMESTAMP") return getShardIterator(store, input, done);
    const { Timestamp: _, ...rest } = input;
    getShardIterator(store, { ...rest, ShardIteratorType: "LATEST" }, (error, tip) => {
      if (error) return done(error);
      let isAnswered = false;
      const once: Done = (...answer) => {
        if (isAnswered) return;
        isAnswered = true;
        done(...answer);
      };
      const getStreamDb = (name: string) => ({
        createReadStream(options: unknown) {
          const records = store.getStreamDb(name).createReadStream(options);
          // after those that look at the records
          records.on("end", () => setTimeout(() => once(null, tip), 0));
          return records;
        },
      });
      getShardIterator({ ...store, getStreamDb }, input, once);
    });
  };
}

/**
 * dynalite loads the native addon of `level` at once, even where it keeps its data in memory and never uses
 * it. A stub in its place spares the addon's build and the permission to load it.
 */
function loadDynalite(): Promise<CreateServer> {
  dynaliteModule ??= loadWith(
    (id, load) => id === "level" ? { Level: class {} } : load(),
    async () => (await import("npm:dynalite@4.0.0") as unknown as EmulatorModule).default,
  );
  return dynaliteModule;
}

/**
 * Imports a package with another hand on what it loads. One after the other: two patches at a time would undo
 * each other wrongly.
 */
function loadWith<T>(
  replace: (id: string, load: () => unknown) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const turn = loading.then(async () => {
    const loader = Module as unknown as { _load: LoadModule };
    const load = loader._load;
    loader._load = function (id, ...rest) {
      return replace(id, () => load.call(this, id, ...rest));
    };
    try {
      return await work();
    } finally {
      loader._load = load;
    }
  });
  loading = turn.catch(() => {});
  return turn;
}

let loading: Promise<unknown> = Promise.resolve();

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
