/**
 * Slices on the real runtimes, against the emulator over HTTP: a Durable Object with alarms, a cron trigger and an HTTP trigger in
 * workerd, by miniflare, and `Deno.cron` in a process of Deno. Four applications read one stream of three shards, which is resharded.
 * The Durable Object's isolate is killed in the middle of a batch.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { gzippedKib } from "../../support/edge_bundle.ts";
import { servedSimulated } from "../../support/simulated.ts";
import type { SimulatedAws } from "../../../src/testing/mod.ts";
import { eventually, pause, RunningProgram } from "../../interop/java/processes.ts";
import { must } from "../pack.ts";
import { lastOfEachShard, lost, outOfOrder, Recorder, repeated } from "./recorder.ts";

const SECRET = "the secret of the HTTP trigger";
/** Partition keys of the records; each record is `key/number`. */
const KEYS = 30;
/** For each wait, in ms. After a kill the lock of the slice has to expire, which takes 38 s. */
const LIMIT_MS = 90_000;
/** A cron that reads so little each time is at fault. */
const MOST_TICKS = 20;

/** Puts numbered records until it is stopped. */
class Producer {
  readonly texts: string[] = [];
  readonly #aws: SimulatedAws;
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor(aws: SimulatedAws) {
    this.#aws = aws;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#isStopped; n++) {
      const text = `key-${n % KEYS}/${n}`;
      this.texts.push(text);
      this.#aws.stream("words").put(text, `key-${n % KEYS}`);
      await pause(10);
    }
  }
}

/** A Worker under way in workerd. */
class Host {
  #url: string | undefined;
  readonly errors: string[] = [];
  readonly #program: RunningProgram;

  constructor(folder: string, args: readonly string[]) {
    this.#program = new RunningProgram("node", [`${folder}/host.mjs`, ...args], {
      onLine: (line) => void (this.#url ??= line),
      onErrorLine: (line) => void this.errors.push(line),
    });
  }

  /** The address of the Worker. */
  async url(): Promise<string> {
    await eventually("workerd runs", () => {
      if (this.#program.hasEnded) throw new Error(`miniflare has ended: ${this.errors.join("\n")}`);
      return this.#url !== undefined;
    }, { limitMs: LIMIT_MS });
    return this.#url ?? "";
  }

  /** One cron trigger. workerd answers "exception" for anything that fails in it, caught or not. */
  async cron(name: string): Promise<void> {
    const answer = await fetch(`${await this.url()}cdn-cgi/handler/scheduled?cron=${name}`);
    const text = await answer.text();
    assertEquals(text, "ok", `cron "${name}": status ${answer.status}: ${this.errors.join("\n")}`);
  }

  /** One HTTP trigger. */
  async trigger(secret: string): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await fetch(await this.url(), {
      method: "POST",
      headers: { authorization: `Bearer ${secret}` },
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** Kills workerd, whatever it does. */
  async kill(): Promise<void> {
    await this.#program.end("SIGTERM");
  }
}

/**
 * Runs the proof in a folder in which the package is installed.
 *
 * @param npmInstall Installs packages there.
 * @throws when a record is lost, or comes again though it must not.
 */
export async function proveEdge(
  folder: string,
  npmInstall: (folder: string, ...names: readonly string[]) => Promise<void>,
): Promise<void> {
  await npmInstall(folder, "miniflare@4.20260426.0", "esbuild@0.25.12");
  for (const name of ["consumer.mjs", "host.mjs"]) {
    await Deno.copyFile(new URL(name, import.meta.url), `${folder}/${name}`);
  }
  const kib = await bundle(folder);
  console.log(`edge: the Worker's bundle has ${kib.toFixed(1)} KiB, gzipped`);

  const startedMs = performance.now();
  await using emulator = servedSimulated({ streams: { words: 3 } });
  await using recorder = new Recorder();
  const variables = JSON.stringify({ AWS: emulator.url, RECORDER: recorder.url, SECRET });
  const start = () => new Host(folder, [`${folder}/edge.mjs`, `${folder}/storage`, variables]);
  const producer = new Producer(emulator.aws);
  const deno = startDeno(emulator.url, recorder.url);
  let host = start();
  try {
    await host.cron("rearm");
    await untilAll("object", recorder, producer, 3);
    await host.cron("consume");
    reshard(emulator.aws);
    await untilAll("object", recorder, producer, 6);

    const held = recorder.holdNext("object");
    const { texts } = await held;
    await host.kill();
    recorder.release();
    const mayRepeat = lastOfEachShard(recorder.batchesOf("object"));
    const killedMs = performance.now();
    let backMs = 0;
    host = start();
    // Nobody calls the object: the alarm that it had set before its slice wakes it.
    const count = recorder.batchesOf("object").length;
    const back = eventually(
      "the object goes on after the kill",
      () => recorder.batchesOf("object").length > count,
      { limitMs: LIMIT_MS, state: () => JSON.stringify(recorder.slicesOf("object").slice(-3)) },
    );
    const others = overlappingTriggers(host, recorder).then(() => cronTriggers(host, recorder, producer));
    await Promise.all([others, back.then(() => backMs = performance.now() - killedMs)]);
    await producer.stop();
    await cronTriggers(host, recorder, producer);
    for (const application of ["object", "deno"]) await untilDelivered(application, recorder, producer);
    const repetitions = judge("object", recorder, producer, mayRepeat);
    for (const application of ["cron", "deno"]) judge(application, recorder, producer, new Set());
    console.log(
      `edge: a Durable Object, killed with ${texts.length} records in hand, was back after ${
        (backMs / 1000).toFixed(0)
      } s and repeated ${repetitions}; a cron, Deno.cron and two overlapping triggers; ${producer.texts.length} ` +
        `records, none lost (${((performance.now() - startedMs) / 1000).toFixed(0)} s)`,
    );
  } finally {
    await producer.stop();
    await host.kill();
    await deno.end("SIGKILL");
  }
}

/** Bundles the Worker as Cloudflare's own tool does. @returns KiB, gzipped. */
async function bundle(folder: string): Promise<number> {
  const how = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--conditions=workerd,worker,browser",
  ];
  await must(`${folder}/node_modules/.bin/esbuild`, ["consumer.mjs", ...how, "--outfile=edge.mjs"], folder);
  const text = await Deno.readTextFile(`${folder}/edge.mjs`);
  return gzippedKib(text);
}

function startDeno(aws: string, recorder: string): RunningProgram {
  const program = new URL("deno_cron_program.ts", import.meta.url).pathname;
  return new RunningProgram(Deno.execPath(), ["run", "-A", "--unstable-cron", program, aws, recorder], {
    env: { DENO_CRON_TEST_SCHEDULE_OFFSET: "2000" },
    onErrorLine: (line) => console.error(`Deno.cron: ${line}`),
  });
}

/** Splits the first shard and merges the others. */
function reshard(aws: SimulatedAws): void {
  const stream = aws.stream("words");
  const [first, second, third] = stream.shards().map(({ shardId }) => shardId);
  assert(first !== undefined && second !== undefined && third !== undefined);
  stream.split(first);
  stream.merge(second, third);
}

/** Waits until an application has records of at least so many shards. */
async function untilAll(
  application: string,
  recorder: Recorder,
  producer: Producer,
  shards: number,
): Promise<void> {
  const seen = () => new Set(recorder.batchesOf(application).map(({ shardId }) => shardId));
  await eventually(`${application} reads ${shards} shards`, () => seen().size >= shards, {
    limitMs: LIMIT_MS,
    state: () =>
      `${[...seen()]} of ${producer.texts.length}; ${
        JSON.stringify(recorder.slicesOf(application).slice(-3))
      }`,
  });
}

async function untilDelivered(application: string, recorder: Recorder, producer: Producer): Promise<void> {
  const missing = () => lost(producer.texts, recorder.batchesOf(application));
  await eventually(`${application} has every record`, () => missing().length === 0, {
    limitMs: LIMIT_MS,
    state: () => `${missing().length} missing; ${JSON.stringify(recorder.slicesOf(application).slice(-3))}`,
  });
}

/** Two triggers at once: one slice works, the other is busy within one request. Without the secret nothing runs. */
async function overlappingTriggers(host: Host, recorder: Recorder): Promise<void> {
  // The first slice of an application makes its table, and has nothing to lock before. Later ones come to the children.
  const isAtChildren = () =>
    recorder.batchesOf("http").some(({ shardId }) => shardId > "shardId-000000000002");
  for (let ticks = 0; !isAtChildren(); ticks++) {
    assert(ticks < MOST_TICKS, `an HTTP trigger reads no child after ${MOST_TICKS} triggers`);
    assertEquals((await host.trigger(SECRET)).status, 200);
  }
  recorder.delay("http", 700);
  const answers = await Promise.all([host.trigger(SECRET), host.trigger(SECRET)]);
  const [busy, ...others] = answers.filter(({ status }) => status === 202);
  assertEquals(others, [], "one of them is busy");
  assert(busy !== undefined, `one of them is busy: ${JSON.stringify(answers)}`);
  const { outcome, requests } = JSON.parse(busy.text);
  assertEquals([outcome, requests], ["busy", 1]);
  const worked = JSON.parse(answers.find(({ status }) => status === 200)?.text ?? "{}");
  assert(worked.shards?.some(({ records }: { records: number }) => records > 0), JSON.stringify(worked));
  assertEquals((await host.trigger("not the secret of the trigger")).status, 401);
}

/** Crons until each record that is there by now has come. */
async function cronTriggers(host: Host, recorder: Recorder, producer: Producer): Promise<void> {
  const wanted = [...producer.texts];
  for (let ticks = 0; lost(wanted, recorder.batchesOf("cron")).length > 0; ticks++) {
    const slices = () => JSON.stringify(recorder.slicesOf("cron").slice(-3));
    assert(ticks < MOST_TICKS, `a cron has not every record after ${MOST_TICKS} triggers: ${slices()}`);
    const before = recorder.slicesOf("cron").length;
    await host.cron("consume");
    assertEquals(recorder.slicesOf("cron").length, before + 1, "each trigger runs a slice to its end");
  }
}

/** Nothing lost, nothing out of order, and nothing again but what may. @returns How many records came again. */
function judge(
  application: string,
  recorder: Recorder,
  producer: Producer,
  mayRepeat: ReadonlySet<string>,
): number {
  const batches = recorder.batchesOf(application);
  const again = repeated(batches);
  assertEquals(
    again.filter((text) => !mayRepeat.has(text)),
    [],
    `${application} repeats none but what was in hand`,
  );
  assertEquals(outOfOrder(batches), [], `${application} keeps the order of each key`);
  assertEquals(lost(producer.texts, batches), [], `${application} loses none`);
  return again.length;
}
