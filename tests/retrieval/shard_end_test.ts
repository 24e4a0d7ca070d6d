import { assertEquals, assertRejects } from "@std/assert";
import { confirmedEnd, isListed } from "../../src/retrieval/shard_end.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ScriptedKinesis, serviceError, shardWith } from "../support/scripted_kinesis.ts";

const stream = { streamName: "words", streamArn: undefined };
const signal = new AbortController().signal;
const other = shardWith("s-9");
const closed = shardWith("s-0", { endingSequenceNumber: "9" });
const child = shardWith("s-1", { parentShardId: "s-0" });

/** Asks a Kinesis whose listings change one by one, the last for good. @returns the answer, and how often and long it took. */
async function ask<T>(
  listings: readonly (readonly Shard[] | Error)[],
  question: typeof isListed | typeof confirmedEnd,
) {
  const clock = new FakeClock();
  const kinesis = new ScriptedKinesis();
  let asked = 0;
  kinesis.listShards = () => {
    const listing = listings[Math.min(asked++, listings.length - 1)] ?? [];
    return listing instanceof Error ? Promise.reject(listing) : Promise.resolve(listing);
  };
  const answer: Promise<unknown> = question({ kinesis, stream, clock }, "s-0", signal);
  let isOver = false;
  answer.finally(() => isOver = true).catch(() => {});
  for (let i = 0; i < 300 && !isOver; i++) await clock.advance(100);
  return { answer: await answer as T, asked, seconds: Math.floor(clock.monotonicMs() / 1000) };
}

Deno.test("isListed() believes that a shard is gone only once it has been missing for a while", async () => {
  assertEquals(await ask([[other, closed]], isListed), { answer: true, asked: 1, seconds: 0 });
  assertEquals(await ask([[other], [other], [other, closed]], isListed), {
    answer: true,
    asked: 3,
    seconds: 2,
  });
  assertEquals(await ask([[other]], isListed), { answer: false, asked: 10, seconds: 9 });
});

Deno.test("isListed() believes at once that the stream is gone", async () => {
  const gone = serviceError("ResourceNotFoundException");
  assertEquals(await ask([gone], isListed), { answer: false, asked: 1, seconds: 0 });
});

Deno.test("confirmedEnd() does not end a shard that a listing does not show yet", async () => {
  const open = await ask([[other], [other], [other, shardWith("s-0")]], confirmedEnd);
  assertEquals(open, { answer: undefined, asked: 3, seconds: 2 });
});

Deno.test("confirmedEnd() waits for the children, also of a shard that is not listed yet", async () => {
  for (const first of [[other], [other, closed]]) {
    const { answer, asked } = await ask<{ childShards: readonly { shardId: string }[] }>(
      [first, [other, closed], [other, closed, child]],
      confirmedEnd,
    );
    assertEquals([answer.childShards.map(({ shardId }) => shardId), asked], [["s-1"], 3]);
  }
});

Deno.test("confirmedEnd() takes a shard for over that stays away, and one whose stream is gone", async () => {
  const end = { childShards: [] };
  assertEquals(await ask([[other]], confirmedEnd), { answer: end, asked: 10, seconds: 9 });
  const gone = serviceError("ResourceNotFoundException");
  assertEquals(await ask([gone], confirmedEnd), { answer: end, asked: 1, seconds: 0 });
});

for (const question of [isListed, confirmedEnd]) {
  Deno.test(`${question.name}() concludes nothing from a refusal`, async () => {
    await assertRejects(() => ask([serviceError("AccessDeniedException")], question), Error, "AccessDenied");
  });
}
