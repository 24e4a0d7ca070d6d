/** @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { aggregate } from "../../support/kpl.ts";
import { type CommandOptions, type CommandOutcome, OperateBed } from "../../support/operate_bed.ts";

interface Line {
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly data: string;
  readonly approximateArrivalTime: string;
}

async function tail(bed: OperateBed, args: readonly string[], options: CommandOptions = {}) {
  const { code, out, err }: CommandOutcome = await bed.run(["tail", "--json", ...args], options);
  assertEquals([code, err], [0, ""]);
  return out.trimEnd().split("\n").filter((line) => line !== "").map((line): Line => JSON.parse(line));
}

function bed(streams: Record<string, number> = { words: 1 }): OperateBed {
  return new OperateBed({ streams });
}

Deno.test("tail prints what there is from the beginning, in order", async () => {
  const world = bed();
  const words = world.aws.stream("words");
  for (let n = 0; n < 2500; n++) words.put(`word ${n}`, "key");
  const lines = await tail(world, ["--from-beginning", "--until-latest"]);
  assertEquals(lines.map(({ data }) => data), Array.from({ length: 2500 }, (_, n) => `word ${n}`));
});

Deno.test("tail without times prints only what arrives from now on", async () => {
  const world = bed();
  const words = world.aws.stream("words");
  words.put("old", "key");
  let sleeps = 0;
  world.clock.whileAsleep = () => {
    if (++sleeps === 5) words.put("new", "key");
  };
  const lines = await tail(world, ["--max-messages", "1"]);
  assertEquals(lines.map(({ data }) => data), ["new"]);
});

Deno.test("tail prints for people, a line each record", async () => {
  const world = bed();
  world.aws.stream("words").put("hello", "customer-7");
  const { code, out } = await world.run(["tail", "--from-beginning", "--until-latest"]);
  assertEquals(code, 0);
  assertMatch(out, /^2026-01-30T12:00:00\.\d{3}Z {2}shardId-000000000000 {2}customer-7 {2}hello\n$/);
});

Deno.test("tail ends exactly after --max-messages, in the middle of a page", async () => {
  const world = bed({ words: 3 });
  for (let n = 0; n < 100; n++) world.aws.stream("words").put(`word ${n}`, `key ${n}`);
  assertEquals((await tail(world, ["--from-beginning", "--max-messages", "7"])).length, 7);
});

Deno.test("tail takes aggregates of the KPL apart", async () => {
  const world = bed();
  const userRecords = ["a", "b", "c"].map((data) => ({
    partitionKey: `of ${data}`,
    data: new TextEncoder().encode(data),
  }));
  world.aws.stream("words").put(aggregate(userRecords), "aggregate");
  world.aws.stream("words").put("plain", "key");
  const lines = await tail(world, ["--from-beginning", "--until-latest"]);
  assertEquals(lines.map(({ data, subSequenceNumber }) => `${data} ${subSequenceNumber}`), [
    "a 0",
    "b 1",
    "c 2",
    "plain 0",
  ]);
});

Deno.test("tail reads from one time to another, and ends", async () => {
  const world = bed();
  const startMs = world.clock.epochMs();
  for (let minute = 0; minute < 10; minute++) {
    world.aws.stream("words").put(`minute ${minute}`, "key");
    world.clock.pass(60_000);
  }
  const at = (minute: number) => new Date(startMs + minute * 60_000).toISOString();
  const lines = await tail(world, ["--from-datetime", at(3), "--to-datetime", at(5)]);
  assertEquals(lines.map(({ data }) => data), ["minute 3", "minute 4", "minute 5"]);
});

Deno.test("tail to a time at which nothing arrived ends when that time is over", async () => {
  const world = bed();
  const untilMs = world.clock.epochMs() + 30_000;
  assertEquals(await tail(world, ["--to-datetime", new Date(untilMs).toISOString()]), []);
  const overMs = world.clock.epochMs() - untilMs;
  assert(overMs >= 1000 && overMs < 5000, `${overMs}`);
});

Deno.test("tail reads children after their parents, through splits and merges", async () => {
  const world = bed({ words: 2 });
  const words = world.aws.stream("words");
  let n = 0;
  const put = () => {
    for (let key = 0; key < 20; key++) words.put(`${n++}`, `key ${key}`);
  };
  const open = () => words.shards().filter((shard) => shard.endingSequenceNumber === undefined);
  put();
  words.split(open()[0]?.shardId ?? "");
  put();
  for (let merge = 0; merge < 2; merge++) {
    const [first, second] = open().toSorted((a, b) =>
      BigInt(a.hashKeyRange.startingHashKey) < BigInt(b.hashKeyRange.startingHashKey) ? -1 : 1
    );
    words.merge(first?.shardId ?? "", second?.shardId ?? "");
    put();
  }
  const lines = await tail(world, ["--from-beginning", "--until-latest"]);
  assertEquals(
    lines.map(({ data }) => Number(data)).toSorted((a, b) => a - b),
    Array.from({ length: 80 }, (_, n) => n),
  );
  // 20 records of a round are in `n` order per key, whatever shard they were read from.
  for (let key = 0; key < 20; key++) {
    const rounds = lines.map(({ data }) => Number(data)).filter((n) => n % 20 === key);
    assertEquals(rounds, rounds.toSorted((a, b) => a - b), `key ${key}`);
  }
});

Deno.test("tail reads a merged shard only after the parent that takes longer", async () => {
  const world = bed({ words: 2 });
  const words = world.aws.stream("words");
  const [first, second] = words.shards();
  // Three pages: a page has 10,000 records at most.
  for (let n = 0; n < 20_001; n++) words.put("long", "key", first?.hashKeyRange.startingHashKey);
  words.put("short", "key", second?.hashKeyRange.startingHashKey);
  words.merge(first?.shardId ?? "", second?.shardId ?? "");
  words.put("child", "key");
  const lines = await tail(world, ["--from-beginning", "--until-latest"]);
  assertEquals([lines.length, lines.findIndex(({ data }) => data === "child")], [20_003, 20_002]);
});

Deno.test("tail follows a shard that is split while it is read", async () => {
  const world = bed();
  const words = world.aws.stream("words");
  let sleeps = 0;
  world.clock.whileAsleep = () => {
    sleeps++;
    if (sleeps === 3) words.split("shardId-000000000000");
    if (sleeps > 3 && sleeps <= 8) words.put(`late ${sleeps}`, `key ${sleeps}`);
  };
  const lines = await tail(world, ["--max-messages", "5"]);
  assertEquals(lines.length, 5);
  assert(lines.every(({ shardId }) => shardId !== "shardId-000000000000"));
});

Deno.test("tail --shard reads these shards alone, and ends with them", async () => {
  const world = bed({ words: 3 });
  const words = world.aws.stream("words");
  for (let n = 0; n < 60; n++) words.put(`${n}`, `key ${n}`);
  words.split("shardId-000000000001");
  for (let n = 0; n < 60; n++) words.put(`${n}`, `key ${n}`);
  const lines = await tail(world, ["--from-beginning", "--shard", "1"]);
  assertEquals(new Set(lines.map(({ shardId }) => shardId)), new Set(["shardId-000000000001"]));
  assertEquals(lines.length, words.records("shardId-000000000001").length);
});

Deno.test("tail says which shards there are when one is not found", async () => {
  const { code, err, out } = await bed({ words: 2 }).run(["tail", "--shard", "9", "--from-beginning"]);
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(
    err,
    'Cannot find shard "9": expected one of shardId-000000000000, shardId-000000000001',
  );
});

Deno.test("tail refuses a start in the future, and times that contradict each other", async () => {
  const world = bed();
  const future = await world.run(["tail", "--from-datetime", "2030-01-01T00:00:00Z"]);
  assertEquals(future.code, 1);
  assertStringIncludes(
    future.err,
    "Cannot read from 2030-01-01T00:00:00.000Z on: expected a time in the past",
  );
  const both = await world.run(["tail", "--from-beginning", "--from-datetime", "2026-01-01T00:00:00Z"]);
  assertEquals(both.code, 2);
  assertStringIncludes(
    both.err,
    "Expected --from-beginning or --from-datetime: got both\nUsage: kclite tail",
  );
});

Deno.test("tail waits when it is throttled, and loses nothing", async () => {
  const world = bed();
  const words = world.aws.stream("words");
  for (let n = 0; n < 50; n++) words.put(`${n}`, "key");
  world.aws.faults.next("GetRecords", { type: "throttled", times: 12 });
  const { code, out } = await world.run(["tail", "--from-beginning", "--until-latest", "--json"]);
  assertEquals(code, 0);
  const data = out.trimEnd().split("\n").map((line) => JSON.parse(line).data);
  assertEquals(data, Array.from({ length: 50 }, (_, n) => `${n}`));
});

Deno.test("tail ends at once with what trying again does not mend", async () => {
  const world = bed();
  const { code, err } = await world.run(["tail", "--from-beginning"], {
    more: {
      options: {
        system: {
          ...world.aws.system,
          fetch: (input, init) => {
            const target = new Headers(init?.headers ?? (input as Request).headers).get("x-amz-target") ?? "";
            if (!target.endsWith("GetRecords")) return world.aws.system.fetch(input, init);
            return Promise.resolve(
              new Response('{"__type":"AccessDeniedException","message":"not kinesis:GetRecords"}', {
                status: 400,
              }),
            );
          },
        },
      },
    },
  });
  assertEquals(code, 1);
  assertStringIncludes(err, "kinesis GetRecords failed: AccessDeniedException");
});

Deno.test("tail ends quietly when it is stopped, and when nobody reads", async () => {
  const world = bed();
  world.aws.stream("words").put("word", "key");
  const stop = new AbortController();
  let sleeps = 0;
  world.clock.whileAsleep = () => {
    if (++sleeps === 5) stop.abort(new Error("Stopped by SIGINT"));
  };
  const stopped = await world.run(["tail", "--from-beginning"], { signal: stop.signal });
  assertEquals([stopped.code, stopped.err, stopped.out.split("\n").length], [0, "", 2]);

  const unread = await world.run(["tail", "--from-beginning"], {
    onWrite: () => {
      throw new Error("EPIPE");
    },
  });
  assertEquals([unread.code, unread.err], [0, ""]);
});

Deno.test("tail reads a shard at half the rate that Kinesis allows, and once a second at its tip", async () => {
  const world = bed();
  const words = world.aws.stream("words");
  for (let n = 0; n < 30_001; n++) words.put(`${n}`, "key");
  const times: number[] = [];
  const { code } = await world.run(["tail", "--from-beginning", "--to-datetime", "2026-01-30T12:00:20Z"], {
    more: {
      options: {
        system: {
          ...world.aws.system,
          fetch: (input, init) => {
            const target = new Headers(init?.headers ?? (input as Request).headers).get("x-amz-target") ?? "";
            if (target.endsWith("GetRecords")) times.push(world.clock.monotonicMs());
            return world.aws.system.fetch(input, init);
          },
        },
      },
    },
  });
  assertEquals(code, 0);
  assert(times.length > 10);
  const gaps = times.slice(1).map((ms, at) => ms - (times[at] ?? 0));
  assert(gaps.slice(0, 3).every((ms) => ms >= 390 && ms < 990), `four pages: ${gaps}`);
  assert(gaps.slice(4).every((ms) => ms >= 990), `the tip: ${gaps}`);
});
