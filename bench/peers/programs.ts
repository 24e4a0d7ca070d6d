/**
 * Java KCL and kcl-rs, measured from outside. All are started at once and wait at servers of their own, since their start takes a minute;
 * then each has its turn, while the others look at empty shards once a second. What cannot be run is skipped, and says why.
 *
 * @module
 */

import { CATCH_UP_MS, COSTLY_SIZE, FULL, LARGE, SMALL_OF_MANY } from "../cases.ts";
import { lineOf, type Row, rowOf, type Skipped } from "../figures.ts";
import type { TurnSize } from "../meter.ts";
import { javaKcl } from "./java_kcl.ts";
import { kclRs } from "./kcl_rs.ts";
import { type ProgramPeer, type ProgramTask, WatchedProgram } from "./program.ts";

/** One program, and what is measured of it. */
export interface ProgramCase extends ProgramTask {
  readonly name: string;
  readonly peer: ProgramPeer;
  readonly shards: number;
  readonly measured: TurnSize | "memory" | "idle requests";
}

/** Java's compilers need so many records until nothing gets quicker any more. */
const JAVA_SIZE: TurnSize = { warmUp: 6_000_000, count: 500_000 };
/** Turns of one program follow one another. */
const TURNS = 3;
const EMPTY_OF_MANY = "bench-8-1024-0";
const IDLE_SETTLE_MS = 10_000;
const IDLE_COUNTED_MS = 119_000;

const cbor = { wireFormat: "cbor" } as const, json = { wireFormat: "json" } as const;
const paced = { isPaced: true, ...json } as const;
const java = { peer: javaKcl, shards: 8 } as const, rs = { peer: kclRs, shards: 8 } as const;

/** All of them; `targets.ts` and `--only` name them so. */
export const PROGRAMS: readonly ProgramCase[] = [
  { ...java, ...paced, name: "java-idle", streamName: EMPTY_OF_MANY, measured: "idle requests" },
  { ...rs, ...paced, name: "kcl-rs-idle", streamName: EMPTY_OF_MANY, measured: "idle requests" },
  { ...java, ...cbor, name: "java-cbor", streamName: LARGE, measured: JAVA_SIZE },
  { ...java, ...json, name: "java-json", streamName: LARGE, measured: JAVA_SIZE },
  { ...java, ...cbor, name: "java-small-cbor", streamName: SMALL_OF_MANY, measured: JAVA_SIZE },
  { ...rs, ...json, name: "kcl-rs-json", streamName: LARGE, measured: COSTLY_SIZE },
  { ...rs, ...json, name: "kcl-rs-fan-out", streamName: LARGE, isFanOut: true, measured: COSTLY_SIZE },
  { ...java, ...paced, ...cbor, name: "java-catch-up", streamName: FULL, shards: 4, measured: "memory" },
  { ...rs, ...paced, name: "kcl-rs-catch-up", streamName: FULL, shards: 4, measured: "memory" },
];

/** What was measured. */
export interface ProgramFigures {
  /** Of the cases that are about CPU time. */
  readonly rows: readonly Row[];
  /** By name: MiB at the peak, or requests for each shard and hour. */
  readonly others: ReadonlyMap<string, number>;
  readonly skipped: readonly Skipped[];
}

/** A program that runs, and what is measured of it. */
interface Running {
  readonly one: ProgramCase;
  readonly program: WatchedProgram;
}

/**
 * Measures them, and prints each figure as soon as there is one.
 *
 * @param folder Where packages may be installed.
 * @param cases Of {@linkcode PROGRAMS}.
 */
export async function measurePrograms(
  folder: string,
  cases: readonly ProgramCase[],
): Promise<ProgramFigures> {
  const skipped: Skipped[] = [], rows: Row[] = [], others = new Map<string, number>();
  const skip = (name: string, why: unknown) => {
    const reason = why instanceof Error ? why.message : String(why);
    console.log(`not measured: ${name}: ${reason}`);
    skipped.push({ name, reason });
  };
  const measure = async ({ one, program }: Running) => {
    const { name, shards, measured } = one;
    try {
      await program.ready(shards);
      if (measured === "idle requests") {
        await new Promise((resolve) => setTimeout(resolve, IDLE_SETTLE_MS));
        const requests = Math.round(await program.dynamoDBRequestsPerHour(IDLE_COUNTED_MS) / shards);
        others.set(name, requests);
        console.log(`${name}: ${requests} requests to DynamoDB per shard and hour`);
      } else if (measured === "memory") {
        const mib = await program.peakRssMiB(CATCH_UP_MS);
        others.set(name, mib);
        console.log(`${name}: ${Math.round(mib)} MiB at the peak`);
      } else {
        const { turns, note } = await program.turns(TURNS, measured);
        const row = rowOf(name, turns, undefined, note);
        rows.push(row);
        console.log(lineOf(row));
      }
    } catch (error) {
      skip(name, error);
    } finally {
      await program.end();
    }
  };
  const running: Running[] = [];
  try {
    for (const peer of [javaKcl, kclRs]) {
      const ofPeer = cases.filter((one) => one.peer === peer);
      if (ofPeer.length === 0) continue;
      const start = await prepared(peer, folder);
      for (const one of ofPeer) {
        if (typeof start === "string") {
          skip(one.name, start);
          continue;
        }
        try {
          running.push({ one, program: await WatchedProgram.start((url) => start(url, one)) });
        } catch (error) {
          skip(one.name, error);
        }
      }
    }
    const isIdle = ({ one }: Running) => one.measured === "idle requests";
    const idle = Promise.all(running.filter(isIdle).map(measure));
    for (const one of running.filter((one) => !isIdle(one))) await measure(one);
    await idle;
  } finally {
    for (const { program } of running) await program.end();
  }
  return { rows, others, skipped };
}

async function prepared(peer: ProgramPeer, folder: string) {
  if (Deno.build.os !== "linux") return "it is measured by /proc, on Linux";
  console.error(`preparing ${peer.name}`);
  try {
    return await peer.prepare(folder);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
