/**
 * The cases of `task bench`: what is read, by what, and beside which floor. Their names are the rows of docs/performance.md.
 *
 * @module
 */

import { streamNameOf, type WireFormat } from "./canned_page.ts";
import type { TurnSize } from "./meter.ts";
import type { ReaderOptions, READERS } from "./readers.ts";

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
}

const LARGE = streamNameOf({ shards: 8, recordBytes: 1024, pageRecords: 3434 });
const SMALL = streamNameOf({ shards: 1, recordBytes: 100, pageRecords: 10_000 });
const EMPTY = streamNameOf({ shards: 1, recordBytes: 1024, pageRecords: 0 });
/** As much as one GetRecords may return: 10 MiB. */
const FULL = streamNameOf({ shards: 4, recordBytes: 1024, pageRecords: 10_000 });

const LARGE_SIZE: TurnSize = { warmUp: 250_000, count: 500_000 };
const SMALL_SIZE: TurnSize = { warmUp: 700_000, count: 1_500_000 };
const COSTLY_SIZE: TurnSize = { warmUp: 100_000, count: 250_000 };
const CALLS_SIZE: TurnSize = { warmUp: 1000, count: 3000 };
/** At the default pace of 2 MiB a second: the first pages of all shards, and some more. */
const CATCH_UP_MS = 12_000;

const large = { streamName: LARGE, size: LARGE_SIZE };
const small = { streamName: SMALL, size: SMALL_SIZE };

/** All cases, each floor before what stands on it. */
export const CASES: readonly BenchCase[] = [
  ...inBoth(large, (format) => ({ name: `floor-${format}`, reader: "floor", shows: "the floor" })),
  ...inBoth(large, (format) => ({
    name: `worker-${format}`,
    reader: "worker",
    floor: `floor-${format}`,
    shows: "a worker, 8 shards, records of 1 KiB",
  })),
  ...inBoth(large, (format) => ({
    name: `floor-tls-${format}`,
    reader: "floor",
    isTls: true,
    shows: "the floor over TLS",
  })),
  ...inBoth(large, (format) => ({
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

/** The requests of an idle fleet are counted by `idle_requests.ts`; this is their name for `--only`. */
export const IDLE_REQUESTS = "idle-requests";

/** The size of a turn that shows that a case runs, and measures nothing. */
export const SMOKE_SIZE: TurnSize = { warmUp: 1, count: 1 };

/**
 * The cases of those names, with the floors that they stand on; no names: all.
 *
 * @throws {RangeError} when there is no such case.
 */
export function casesOf(names: readonly string[]): readonly BenchCase[] {
  if (names.length === 0) return CASES;
  const known = [...CASES.map(({ name }) => name), IDLE_REQUESTS];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new RangeError(`Cannot measure ${unknown.join(", ")}: expected of ${known.join(", ")}`);
  }
  const wanted = CASES.filter(({ name }) => names.includes(name));
  const floors = wanted.map(({ floor }) => floor);
  return CASES.filter((one) => wanted.includes(one) || floors.includes(one.name));
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
