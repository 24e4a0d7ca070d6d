/**
 * The cases of `task bench`: what is read, by what, and beside which floor. Their names are the rows of docs/performance.md.
 *
 * @module
 */

import type { IdleFleet } from "./idle.ts";
import { streamNameOf, type WireFormat } from "./canned_page.ts";
import type { TurnSize } from "./meter.ts";
import type { ReaderOptions, READERS } from "./readers.ts";
import type { RuntimeName } from "./runtimes.ts";

/** One case. */
export interface BenchCase {
  readonly name: string;
  /** What it measures, for docs/performance.md. */
  readonly shows: string;
  readonly reader: keyof typeof READERS;
  readonly streamName: string;
  readonly wireFormat: WireFormat;
  readonly size: TurnSize;
  /** The case that it is compared with. Undefined: it is a floor, or is about memory. */
  readonly floor?: string;
  readonly isTls?: boolean;
  /** Undefined: Deno. */
  readonly runtime?: RuntimeName;
}

/** 8 shards, and pages of 5 MiB in JSON: half of what one GetRecords may return. */
export const LARGE: string = streamNameOf({ shards: 8, recordBytes: 1024, pageRecords: 3434 });
const SMALL = streamNameOf({ shards: 1, recordBytes: 100, pageRecords: 10_000 });
/** The same of 8 shards, for who reads each only five times a second. */
export const SMALL_OF_MANY: string = streamNameOf({ shards: 8, recordBytes: 100, pageRecords: 10_000 });
const EMPTY = streamNameOf({ shards: 1, recordBytes: 1024, pageRecords: 0 });
/** As much as one GetRecords may return: 10 MiB. */
export const FULL: string = streamNameOf({ shards: 4, recordBytes: 1024, pageRecords: 10_000 });

const LARGE_SIZE: TurnSize = { warmUp: 200_000, count: 400_000 };
const SMALL_SIZE: TurnSize = { warmUp: 400_000, count: 800_000 };
/** Of what takes long. */
export const COSTLY_SIZE: TurnSize = { warmUp: 100_000, count: 250_000 };
/** Of what is measured in another way besides. */
const FURTHER_SIZE: TurnSize = { warmUp: 150_000, count: 250_000 };
const CALLS_SIZE: TurnSize = { warmUp: 1000, count: 3000 };
/** At the default pace of 2 MiB a second: the first pages of all shards, and some more. */
export const CATCH_UP_MS = 10_000;

const large = { streamName: LARGE, size: LARGE_SIZE };
const further = { streamName: LARGE, size: FURTHER_SIZE };
const small = { streamName: SMALL, size: SMALL_SIZE };

/** All cases, each floor before what stands on it. */
export const CASES: readonly BenchCase[] = [
  ...inBoth(large, (format) => ({
    name: `bytes-${format}`,
    reader: "floor of bytes",
    shows: "the bytes alone: nobody looks at them",
  })),
  ...inBoth(large, (format) => ({ name: `floor-${format}`, reader: "floor", shows: "the floor" })),
  ...inBoth(large, (format) => ({
    name: `worker-${format}`,
    reader: "worker",
    floor: `floor-${format}`,
    shows: "a worker, 8 shards, records of 1 KiB",
  })),
  ...(["node", "bun"] as const).flatMap((runtime) =>
    inBoth(further, (format) => ({
      name: `${runtime}-${format}`,
      reader: "worker",
      runtime,
      shows: "the same worker in another runtime",
    }))
  ),
  ...inBoth(further, (format) => ({
    name: `floor-tls-${format}`,
    reader: "floor",
    isTls: true,
    shows: "the floor over TLS",
  })),
  ...inBoth(further, (format) => ({
    name: `worker-tls-${format}`,
    reader: "worker",
    floor: `floor-tls-${format}`,
    isTls: true,
    shows: "the same worker over TLS",
  })),
  ...inBoth(
    small,
    (format) => ({ name: `floor-small-${format}`, reader: "floor", shows: "the floor, 100 bytes" }),
  ),
  ...inBoth(small, (format) => ({
    name: `small-${format}`,
    reader: "client",
    floor: `floor-small-${format}`,
    shows: "the client alone, records of 100 bytes",
  })),
  {
    name: "floor-fan-out",
    reader: "floor of fan-out",
    shows: "the floor of a subscription",
    streamName: LARGE,
    wireFormat: "json",
    size: COSTLY_SIZE,
  },
  {
    name: "fan-out",
    reader: "fan-out",
    floor: "floor-fan-out",
    shows: "a worker with enhanced fan-out, 8 shards, records of 1 KiB",
    streamName: LARGE,
    wireFormat: "json",
    size: COSTLY_SIZE,
  },
  {
    name: "multilang",
    reader: "multilang",
    floor: "floor-json",
    shows: "a worker whose records go to programs that do nothing, without these programs",
    streamName: LARGE,
    wireFormat: "json",
    size: COSTLY_SIZE,
  },
  {
    name: "floor-empty-call",
    reader: "floor of calls",
    shows: "the floor of a call",
    streamName: EMPTY,
    wireFormat: "json",
    size: CALLS_SIZE,
  },
  {
    name: "empty-call",
    reader: "calls",
    floor: "floor-empty-call",
    shows: "a GetRecords call that finds nothing",
    streamName: EMPTY,
    wireFormat: "json",
    size: CALLS_SIZE,
  },
  {
    name: "catch-up",
    reader: "catch-up",
    shows: "memory of a worker whose 4 shards catch up, all options at their defaults",
    streamName: FULL,
    wireFormat: "json",
    size: { warmUp: 0, count: CATCH_UP_MS },
  },
];

/** Fleets at rest, whose requests `idle.ts` counts. */
export const IDLE_FLEETS: Readonly<Record<string, IdleFleet>> = {
  "idle-1-8": { workers: 1, shards: 8 },
  "idle-2-8": { workers: 2, shards: 8 },
  "idle-1-200": { workers: 1, shards: 200 },
};

/** The size of a turn that shows that a case runs, and measures nothing. */
export const SMOKE_SIZE: TurnSize = { warmUp: 1, count: 1 };

/**
 * The cases of those names, with the floors that they stand on; no names: all.
 *
 * @param others Names that are none of these cases, and known too.
 * @throws {RangeError} when there is no such case.
 */
export function casesOf(names: readonly string[], others: readonly string[] = []): readonly BenchCase[] {
  if (names.length === 0) return CASES;
  const known = [...CASES.map(({ name }) => name), ...Object.keys(IDLE_FLEETS), ...others];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new RangeError(`Cannot measure ${unknown.join(", ")}: expected of ${known.join(", ")}`);
  }
  const wanted = CASES.filter(({ name }) => names.includes(name));
  const floors = wanted.map(({ floor }) => floor);
  return CASES.filter((one) => wanted.includes(one) || floors.includes(one.name));
}

/** What is to be measured. */
export interface Selection {
  readonly cases: readonly BenchCase[];
  /** Of {@linkcode IDLE_FLEETS}. */
  readonly fleets: readonly string[];
  /** Of the comparison. */
  readonly compared: readonly string[];
}

/**
 * What `--only` and `--compare` ask for. Who names some of the comparison gets these.
 *
 * @param names None: all.
 * @param comparable What the comparison has.
 * @param isCompared Whether `--compare` asks for it as a whole.
 * @throws {RangeError} when there is no such name.
 */
export function selectionOf(
  names: readonly string[],
  comparable: readonly string[],
  isCompared: boolean,
): Selection {
  const isWanted = (name: string) => names.includes(name);
  const named = comparable.filter(isWanted);
  const fleets = Object.keys(IDLE_FLEETS);
  return {
    cases: casesOf(names, comparable),
    fleets: names.length === 0 ? fleets : fleets.filter(isWanted),
    compared: isCompared && named.length === 0 ? comparable : named,
  };
}

/** What a case's reader is started with. */
export function optionsOf(
  { streamName, wireFormat, size, isTls = false }: BenchCase,
  { url, tlsUrl }: { readonly url: string; readonly tlsUrl?: string | undefined },
): ReaderOptions {
  return { url: isTls ? tlsUrl ?? url : url, streamName, wireFormat, size };
}

function inBoth(
  common: Pick<BenchCase, "streamName" | "size">,
  of: (format: WireFormat) => Omit<BenchCase, "wireFormat" | "streamName" | "size">,
): BenchCase[] {
  return (["json", "cbor"] as const).map((wireFormat) => ({ ...common, wireFormat, ...of(wireFormat) }));
}
