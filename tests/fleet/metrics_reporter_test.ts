import { assertEquals, assertStringIncludes } from "@std/assert";
import type { CpuSource } from "../../src/cpu_source.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { incarnationText } from "../../src/lease/incarnation.ts";
import { Identity } from "../../src/fleet/identity.ts";
import { MetricsReporter } from "../../src/fleet/metrics_reporter.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const SINGLE = { place: "leaseTable", supportCode: 1 } as const;
const LEGACY = { place: "legacy", supportCode: undefined } as const;

/** A reporter that measures while a test moves the clock. */
class ReporterBed extends MemoryBed implements AsyncDisposable {
  readonly legacy: MemoryTable = new MemoryTable("app-WorkerMetricStats", "wid");
  readonly reporter: MetricsReporter;
  readonly #stop = new AbortController();
  readonly #capturing: Promise<void>;

  constructor(cpuUtilization: CpuSource | undefined, format: typeof SINGLE | typeof LEGACY = SINGLE) {
    super();
    this.legacy.create();
    this.reporter = new MetricsReporter({
      store: new MemoryCoordinatorStore(this.table, { legacyWorkerMetrics: this.legacy }),
      workerId: "w",
      identity: this.identity("w"),
      format,
      cpuUtilization,
      clock: this.clock,
      emit: this.emit,
    });
    this.#capturing = this.reporter.capture(this.#stop.signal);
  }

  /** Lets 30 s pass, and reports. @returns `sts`, `opr` and the time told. */
  async interval(): Promise<unknown[]> {
    await this.clock.advance(30_000);
    await this.reporter.report();
    const [item] = this.table.items();
    return [item?.sts, item?.opr];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#capturing;
  }
}

const NOTHING = [{ M: {} }, { M: {} }];
const cpu = (...percents: readonly string[]) => [
  { M: { C: { L: percents.map((N) => ({ N })) } } },
  { M: { C: { L: [{ N: "100" }] } } },
];

Deno.test("MetricsReporter.report() without a source writes the empty maps by which Java balances by throughput", async () => {
  await using bed = new ReporterBed(undefined);
  assertEquals(await bed.interval(), NOTHING);
  const epochS = `${bed.clock.epochMs() / 1000}`;
  assertEquals(bed.table.items(), [{
    leaseKey: { S: "w" },
    entityType: { S: "WORKER_METRIC_STATS" },
    lut: { N: epochS },
    sts: { M: {} },
    opr: { M: {} },
    sup: { N: "1" },
    slu: { N: epochS },
    kcliteIncarnation: { S: incarnationText(bed.identity("w").incarnation) },
  }]);
});

/** Another process of the same name, which has not reported yet. */
function namesake(bed: ReporterBed): { readonly reporter: MetricsReporter; readonly identity: Identity } {
  const identity = new Identity({ workerId: "w", system: bed.system, emit: bed.emit });
  const { clock, emit, coordinator: store } = bed;
  const options = { workerId: "w", identity, format: SINGLE, cpuUtilization: undefined };
  return { identity, reporter: new MetricsReporter({ store, clock, emit, ...options }) };
}

Deno.test("MetricsReporter.report() for the first time goes above whatever process reported before, whatever the clocks", async () => {
  await using bed = new ReporterBed(undefined);
  await bed.reporter.report();
  const { generation } = bed.identity("w").incarnation;
  bed.clock.setEpochMs(generation - 5000);
  const { reporter, identity } = namesake(bed);
  assertEquals(identity.incarnation.generation, generation - 5000);
  await reporter.report();
  assertEquals(identity.incarnation.generation, generation + 1);
  assertEquals(identity.superseded.aborted, false);
  const [item] = bed.table.items();
  assertEquals(item?.kcliteIncarnation, { S: incarnationText(identity.incarnation) });
});

Deno.test("MetricsReporter.report() leaves the item of a newer process alone, and the worker is superseded", async () => {
  await using bed = new ReporterBed(undefined);
  await bed.reporter.report();
  await bed.clock.advance(1000);
  await namesake(bed).reporter.report();
  const before = bed.table.items();
  await bed.clock.advance(1000);
  await bed.reporter.report();
  assertEquals(bed.identity("w").superseded.aborted, true);
  await bed.reporter.report();
  await bed.reporter.withdraw();
  assertEquals(bed.table.items(), before);
});

Deno.test("MetricsReporter.withdraw() leaves the item of a newer process of the same second alone", async () => {
  await using bed = new ReporterBed(undefined);
  await bed.reporter.report();
  await namesake(bed).reporter.report();
  await bed.reporter.withdraw();
  assertEquals(bed.table.items().length, 1);
});

Deno.test("MetricsReporter.report() takes back an item that an older process, Java or nobody has written meanwhile", async () => {
  await using bed = new ReporterBed(undefined);
  await bed.reporter.report();
  const own = incarnationText(bed.identity("w").incarnation);
  for (const text of ["w/5/aa", "not ours", undefined]) {
    if (text === undefined) await bed.table.delete("w", {});
    else await bed.table.update("w", { set: { kcliteIncarnation: { S: text } }, add: {}, remove: [] }, {});
    await bed.reporter.report();
    const [item] = bed.table.items();
    assertEquals(item?.kcliteIncarnation, { S: own });
  }
  assertEquals(bed.identity("w").superseded.aborted, false);
});

Deno.test("MetricsReporter measures every second and tells averages of the time between reports", async () => {
  let percent = 0, calls = 0;
  await using bed = new ReporterBed(() => {
    calls++;
    return Promise.resolve(percent);
  });
  await bed.reporter.report();
  assertEquals([bed.table.items()[0]?.sts], NOTHING.slice(1));
  percent = 30.5;
  assertEquals(await bed.interval(), cpu("29.516129")); // 30 measurements of it, and the first one of 0
  assertEquals(calls, 31);
  percent = 50;
  assertEquals(await bed.interval(), cpu("29.516129", "50"));
});

Deno.test("MetricsReporter tells a source that fails as failed, and mentions it once", async () => {
  let fails = false;
  await using bed = new ReporterBed(() =>
    fails ? Promise.reject(new Error("no such file")) : Promise.resolve(9)
  );
  await bed.interval();
  fails = true;
  await bed.interval();
  assertEquals(await bed.interval(), cpu("9", "-1", "-1"));
  fails = false;
  assertEquals(await bed.interval(), cpu("9", "-1", "-1", "9"));
  const [notice, ...more] = eventsOf(bed.events, "notice");
  assertStringIncludes(notice?.text ?? "", "no such file");
  assertEquals(more, []);
});

Deno.test("MetricsReporter takes a source that hangs for failed, ends its call, and reports in time", async () => {
  let hangs = false, ended = 0;
  await using bed = new ReporterBed((signal) => {
    if (!hangs) return Promise.resolve(9);
    signal.addEventListener("abort", () => ended++);
    return new Promise(() => {});
  });
  await bed.interval();
  hangs = true;
  await bed.interval();
  assertEquals(await bed.interval(), cpu("9", "-1", "-1"));
  assertEquals(ended, 10); // 60 s, 5 s each and 1 s of pause
});

Deno.test("MetricsReporter tells nothing of a source that throws at once, until it works", async () => {
  let works = false;
  await using bed = new ReporterBed(() => {
    if (works) return Promise.resolve(7);
    throw new Error("not here");
  });
  assertEquals(await bed.interval(), NOTHING);
  works = true;
  assertEquals(await bed.interval(), cpu("7"));
});

Deno.test("MetricsReporter stops measuring at once, though a source hangs", async () => {
  await using bed = new ReporterBed(() => new Promise(() => {}));
  await bed.clock.advance(10);
});

Deno.test("MetricsReporter.follow() moves the item: the new one is written before the old one is deleted", async () => {
  await using bed = new ReporterBed(() => Promise.resolve(5), LEGACY);
  await bed.interval();
  const [item] = bed.legacy.items();
  assertEquals([item?.wid, item?.sts, item?.sup, item?.slu], [{ S: "w" }, cpu("5")[0], undefined, undefined]);
  assertEquals(bed.table.items(), []);
  bed.reporter.follow(SINGLE);
  assertEquals(bed.legacy.items().length, 1);
  assertEquals(await bed.interval(), cpu("5", "5"));
  assertEquals(bed.legacy.items(), []);
  assertEquals(bed.table.items()[0]?.sup, { N: "1" });
});

Deno.test("MetricsReporter.withdraw() deletes what was written, in each place, and no item of another", async () => {
  await using bed = new ReporterBed(undefined, LEGACY);
  await bed.reporter.withdraw();
  await bed.reporter.report();
  bed.reporter.follow(SINGLE);
  await bed.reporter.withdraw();
  assertEquals(bed.legacy.items(), []);
  await bed.reporter.report();
  await bed.table.update("w", { set: { lut: { N: "5" } }, add: {}, remove: [] }, {});
  await bed.reporter.withdraw();
  assertEquals(bed.table.items().length, 1);
});

Deno.test("MetricsReporter mentions a failing source again when it worked in between", async () => {
  let fails = true;
  await using bed = new ReporterBed(() =>
    fails ? Promise.reject(new Error("no such file")) : Promise.resolve(9)
  );
  await bed.interval();
  fails = false;
  await bed.interval();
  fails = true;
  await bed.interval();
  assertEquals(eventsOf(bed.events, "notice").length, 2);
});

Deno.test("MetricsReporter.report() writes whole seconds that have begun, never a time to come", async () => {
  await using bed = new ReporterBed(undefined);
  await bed.clock.advance(700);
  await bed.reporter.report();
  assertEquals(bed.table.items()[0]?.lut, { N: `${(bed.clock.epochMs() - 700) / 1000}` });
});

Deno.test("MetricsReporter.withdraw() deletes its item, and the one that it left behind in another table", async () => {
  await using bed = new ReporterBed(undefined, LEGACY);
  await bed.interval();
  bed.reporter.follow(SINGLE);
  await bed.reporter.withdraw();
  assertEquals([bed.legacy.items(), bed.table.items()], [[], []]);
});

Deno.test("MetricsReporter.withdraw() leaves an item alone that another process of its name wrote since", async () => {
  await using bed = new ReporterBed(undefined);
  await bed.interval();
  await bed.clock.advance(5000);
  const other = new MetricsReporter({
    store: new MemoryCoordinatorStore(bed.table),
    identity: namesake(bed).identity,
    workerId: "w",
    format: SINGLE,
    cpuUtilization: undefined,
    clock: bed.clock,
    emit: bed.emit,
  });
  await other.report();
  await bed.reporter.withdraw();
  assertEquals(bed.table.items().length, 1);
});
