/**
 * Java KCL and kcl-rs, measured from outside. All are started at once and wait at servers of their own, since their start takes a minute;
 * then each has its turn, while the others look at empty shards once a second. What cannot be run is skipped, and says why.
 *
 * @module
 */

import { CATCH_UP_MS, COSTLY_SIZE, FULL, LARGE, SMALL_OF_MANY } from "../cases.ts";
import { type Row, rowOf } from "../figures.ts";
import type { TurnSize } from "../meter.ts";
import { javaKcl } from "./java_kcl.ts";
import { kclRs } from "./kcl_rs.ts";
import { type ProgramPeer, type ProgramTask, WatchedProgram } from "./program.ts";

/** One program, and what is measured of it. */
interface ProgramCase extends ProgramTask {
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

/** All of them; `targets.ts` names them so. */
export const PROGRAMS: readonly ProgramCase[] = [
  { ...java, ...paced, name: "Java KCL, idle", streamName: EMPTY_OF_MANY, measured: "idle requests" },
  { ...rs, ...paced, name: "kcl-rs, idle", streamName: EMPTY_OF_MANY, measured: "idle requests" },
  { ...java, ...cbor, name: "Java KCL, CBOR", streamName: LARGE, measured: JAVA_SIZE },
  { ...java, ...json, name: "Java KCL, JSON", streamName: LARGE, measured: JAVA_SIZE },
  { ...java, ...cbor, name: "Java KCL, 100 bytes, CBOR", streamName: SMALL_OF_MANY, measured: JAVA_SIZE },
  { ...rs, ...json, name: "kcl-rs, JSON", streamName: LARGE, measured: COSTLY_SIZE },
  { ...rs, ...json, name: "kcl-rs, fan-out", streamName: LARGE, isFanOut: true, measured: COSTLY_SIZE },
  { ...java, ...paced, ...cbor, name: "Java KCL, catch-up", streamName: FULL, shards: 4, measured: "memory" },
  { ...rs, ...paced, name: "kcl-rs, catch-up", streamName: FULL, shards: 4, measured: "memory" },
];

/** What was measured. */
export interface ProgramFigures {
  /** Of the cases that are about CPU time. */
  readonly rows: readonly Row[];
  /** By name: MiB at the peak, or requests for each shard and hour. */
  readonly others: ReadonlyMap<string, number>;
  readonly skipped: readonly string[];
}

/** Measures all. @param folder Where packages may be installed. */
export async function measurePrograms(folder: string): Promise<ProgramFigures> {
  const skipped: string[] = [], rows: Row[] = [], others = new Map<string, number>();
  const running: { readonly one: ProgramCase; readonly program: WatchedProgram }[] = [];
  const measure = async ({ one, program }: typeof running[number]) => {
    try {
      await program.ready(one.shards);
      if (one.measured === "idle requests") {
        await new Promise((resolve) => setTimeout(resolve, IDLE_SETTLE_MS));
        others.set(one.name, Math.round(await program.dynamoDBRequestsPerHour(IDLE_COUNTED_MS) / one.shards));
      } else if (one.measured === "memory") others.set(one.name, await program.peakRssMiB(CATCH_UP_MS));
      else rows.push(rowOf(one.name, await program.turns(TURNS, one.measured)));
      console.error(`measured: ${one.name}`);
    } catch (error) {
      skipped.push(`${one.name}: ${error instanceof Error ? error.message : error}`);
    } finally {
      await program.end();
    }
  };
  try {
    for (const peer of [javaKcl, kclRs]) {
      const start = Deno.build.os === "linux"
        ? await peer.prepare(folder)
        : "it is measured by /proc, on Linux";
      if (typeof start === "string") skipped.push(`${peer.name}: ${start}`);
      else {
        for (const one of PROGRAMS.filter((one) => one.peer === peer)) {
          running.push({ one, program: await WatchedProgram.start((url) => start(url, one)) });
        }
      }
    }
    const isIdle = ({ one }: typeof running[number]) => one.measured === "idle requests";
    const idle = Promise.all(running.filter(isIdle).map(measure));
    for (const one of running.filter((one) => !isIdle(one))) await measure(one);
    await idle;
  } finally {
    for (const { program } of running) await program.end();
  }
  return { rows, others, skipped };
}
