/** A fleet of three workers under a rolling restart, followed from a browser of one page, without a reload. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { KinesisWorker, type WorkerOptions } from "../../mod.ts";
import { fleetOf, healthApp, Totals } from "../../src/health/mod.ts";
import { serve } from "../../src/host/serve.ts";
import { signedKinesisWrites } from "../../src/aws/kinesis_writes.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { fastClock } from "../support/fast_clock.ts";

const SHARDS = 6;
const KEYS = { accessKeyId: "any", secretAccessKey: "any" };

/** What the script of the page does with the events, on a page without a browser. */
class FollowedPage {
  readonly parts: Map<string, string> = new Map();
  readonly order: Map<string, readonly string[]> = new Map();
  /** All that the verdict has ever said. */
  readonly verdicts: Set<string> = new Set();
  /** Shards that were seen to be handed over, as `FROM → TO`. */
  readonly handoffs: Set<string> = new Set();
  messages = 0;
  #changed = Promise.withResolvers<void>();

  /** Reads until the stream ends or is cancelled. */
  async follow(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) this.#take(event);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  #take(event: string): void {
    const [, data] = /^data: (.*)$/m.exec(event) ?? [];
    if (data === undefined) return;
    this.messages++;
    const { parts, order } = JSON.parse(data);
    for (const [id, html] of Object.entries<string>(parts)) this.parts.set(id, html);
    for (const [id, ids] of Object.entries<string[]>(order)) this.order.set(id, ids);
    this.verdicts.add(/pill \w+">(\w+)/.exec(this.parts.get("verdict") ?? "")?.[1] ?? "");
    for (const html of this.#rows("shards")) {
      const [owner, next] = namesIn(html);
      if (next !== undefined) this.handoffs.add(`${owner} → ${next}`);
    }
  }

  #rows(body: string): readonly string[] {
    return (this.order.get(body) ?? []).map((id) => this.parts.get(id) ?? "");
  }

  /** How many shards each worker reads, as the page shows it. */
  get owners(): Readonly<Record<string, number>> {
    const owners: Record<string, number> = {};
    for (const html of this.#rows("shards")) {
      const [owner = "nobody"] = namesIn(html);
      owners[owner] = (owners[owner] ?? 0) + 1;
    }
    return owners;
  }

  get workers(): readonly string[] {
    return this.#rows("workers").map((html) => namesIn(html)[0] ?? "").toSorted();
  }

  /** Waits for a sight. @throws {Error} after 20 s. */
  async until(what: string, isSeen: () => boolean): Promise<void> {
    const endMs = performance.now() + 20_000;
    while (!isSeen()) {
      if (performance.now() > endMs) {
        throw new Error(`not seen: ${what}: ${JSON.stringify(this.owners)} of ${this.workers.join(" ")}`);
      }
      await Promise.race([this.#changed.promise, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
  }
}

function namesIn(html: string): readonly string[] {
  return [...html.matchAll(/class="owner" title="([^"]*)"/g)].map(([, name = ""]) => name);
}

/** A busy machine may stop this process for seconds, and its clock runs ten times as fast. */
const FAILOVER_MS = 60_000;

Deno.test("the page of one worker follows three workers under a rolling restart, without a reload", async () => {
  const clock = fastClock(10);
  const aws = simulatedAws({
    streams: { words: SHARDS },
    changeMs: 0,
    system: { clock, random: () => Math.random() },
  });
  const options: WorkerOptions = {
    applicationName: "app",
    streamName: "words",
    region: "us-east-1",
    credentials: KEYS,
    system: aws.system,
    retrievalMode: "POLLING",
    initialPositionInStream: "TRIM_HORIZON",
    log: false,
    failoverTimeMs: FAILOVER_MS,
    processor: () => ({
      processRecords: (_, context) => context.checkpoint(),
      // So that a handoff takes longer than from one look to the next.
      shutdownRequested: async (context) => {
        await clock.sleep(15_000);
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  };
  const running = new Map<string, () => Promise<void>>();
  const start = (workerIdentifier: string, totals = new Totals(clock)) => {
    const stop = new AbortController();
    const run = new KinesisWorker({ ...options, workerIdentifier, onEvent: totals.listener }).run(
      stop.signal,
    );
    running.set(workerIdentifier, async () => {
      stop.abort();
      await run;
    });
    return totals;
  };
  const writes = signedKinesisWrites({ region: "us-east-1", credentials: KEYS, system: aws.system });
  const put = async () => {
    const records = Array.from(
      { length: 50 },
      (_, n) => ({ partitionKey: `${n}`, data: new Uint8Array(10) }),
    );
    await writes.putRecords({ streamName: "words", streamArn: undefined }, records);
  };
  await using fleet = fleetOf(options);
  await using _aws = { [Symbol.asyncDispose]: () => Promise.resolve(aws.close()) };
  const app = healthApp(start("a"), { fleet, failoverTimeMs: FAILOVER_MS });
  const server = await serve(app.fetch, { port: 0, setting: "healthPort" });
  const page = new FollowedPage();
  const leave = new AbortController();
  try {
    start("b");
    start("c");
    const response = await fetch(`${server.url}/events`, { signal: leave.signal });
    assertMatch(`${response.headers.get("content-type")}`, /^text\/event-stream/);
    assert(response.body !== null);
    const following = page.follow(response.body).catch((error) => {
      if (!leave.signal.aborted) throw error;
    });
    const shares = (...names: readonly string[]) => () =>
      JSON.stringify(Object.keys(page.owners).toSorted()) === JSON.stringify(names) &&
      JSON.stringify(page.workers) === JSON.stringify(names) &&
      Object.values(page.owners).every((shards) => shards === 2);
    await put();
    await page.until("two shards for each of three workers", shares("a", "b", "c"));
    page.verdicts.clear();
    // One after the other is replaced.
    for (const [old, next, names] of [["b", "d", ["a", "c", "d"]], ["c", "e", ["a", "d", "e"]]] as const) {
      start(next);
      await running.get(old)?.();
      running.delete(old);
      await put();
      await page.until(`${next} in the place of ${old}`, shares(...names));
    }
    assert(page.handoffs.size > 0, "no handoff was seen");
    assertEquals([...page.verdicts], ["healthy"]);
    assertMatch(page.parts.get("card-read") ?? "", /6 of 6/);
    assertEquals(page.parts.get("sight"), "");
    leave.abort();
    await following;
  } finally {
    leave.abort();
    await Promise.all([...running.values()].map((stop) => stop()));
    await server.close();
  }
});
