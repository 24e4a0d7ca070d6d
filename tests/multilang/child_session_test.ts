import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LeaseLostError, MultiLangProtocolError } from "../../src/errors.ts";
import { ChildSession, type ChildSessionOptions } from "../../src/multilang/child_session.ts";
import type { ExtendedSequenceNumber } from "../../src/stream/sequence_number.ts";
import { recordWith } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeChild } from "./fake_child.ts";

class Bed {
  readonly child = new FakeChild();
  readonly clock = new FakeClock();
  readonly stopping = new AbortController();
  readonly notices: string[] = [];
  readonly failures: { readonly message: string; readonly isExcused: boolean }[] = [];
  readonly stored: (ExtendedSequenceNumber | undefined)[] = [];
  readonly session: ChildSession;

  constructor(changes: Partial<ChildSessionOptions> = {}) {
    this.session = new ChildSession({
      child: this.child,
      clock: this.clock,
      timeoutMs: undefined,
      exitWaitMs: 10_000,
      killWaitMs: 2000,
      stopping: this.stopping.signal,
      notice: (level, text) => this.notices.push(`${level}: ${text}`),
      writeStderr: () => {},
      onFailure: ({ message }, isExcused) => this.failures.push({ message, isExcused }),
      ...changes,
    });
  }

  readonly checkpoint = async (at?: ExtendedSequenceNumber): Promise<void> => void this.stored.push(at);

  /** The next line as JSON. */
  async next(): Promise<unknown> {
    return JSON.parse(await this.child.nextLine());
  }

  /** Lets everything that is ready run. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }
}

const BATCH = { action: "processRecords", records: [recordWith(1)], millisBehindLatest: 0 } as const;
const ENDED = { action: "shardEnded" } as const;

Deno.test("ChildSession sends an action and waits for its status, whatever else is printed (trap 11)", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, bed.checkpoint);
  assertStringIncludes(await bed.child.nextLine(), '{"action":"processRecords","records":[{');
  bed.child.say('hello\n\n{"action":"bogus"}\nnull\n{"action": "status", "resp');
  await bed.settle();
  bed.child.say('onseFor": "processRecords"}\r\nbye\n');
  await done;
  await bed.settle();
  assertEquals(bed.notices, [
    "info: Child process 7 stdout: hello",
    'info: Child process 7 stdout: {"action":"bogus"}',
    "info: Child process 7 stdout: null",
    "info: Child process 7 stdout: bye",
  ]);
  await bed.session.close();
});

Deno.test("ChildSession stores a checkpoint before it answers, with the child's own numbers (traps 6, 19)", async () => {
  const bed = new Bed();
  const storing = Promise.withResolvers<void>();
  const positions: unknown[] = [];
  const done = bed.session.request(BATCH, (at) => {
    positions.push(at);
    return positions.length === 1 ? storing.promise : Promise.resolve();
  });
  await bed.next();
  bed.child.say('{"action":"checkpoint","sequenceNumber":"4961","subSequenceNumber":2}\n');
  // It does not wait for the answer before it says that it is done.
  bed.child.status("processRecords");
  await bed.settle();
  assertEquals(bed.child.unread, 0, "answered before the store did");
  storing.resolve();
  const reply = { action: "checkpoint", error: null };
  assertEquals(await bed.next(), { ...reply, sequenceNumber: "4961", subSequenceNumber: 2 });
  await done;

  const ended = bed.session.request(ENDED, (at) => void positions.push(at) as unknown as Promise<void>);
  await bed.next();
  bed.child.say('{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null}\n');
  assertEquals(await bed.next(), { ...reply, sequenceNumber: null, subSequenceNumber: null });
  bed.child.say('{"action":"checkpoint","sequenceNumber":4961}\n');
  assertEquals(await bed.next(), { ...reply, sequenceNumber: "4961", subSequenceNumber: null });
  bed.child.status("shardEnded");
  await ended;
  assertEquals(positions, [
    { sequenceNumber: "4961", subSequenceNumber: 2 },
    undefined,
    { sequenceNumber: "4961", subSequenceNumber: 0 },
  ]);
  await bed.session.close();
});

Deno.test("ChildSession names a failed checkpoint and goes on with the action (promise 20)", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, () => Promise.reject(new LeaseLostError("s", "taken")));
  await bed.next();
  bed.child.say('{"action":"checkpoint"}\n');
  assertEquals(await bed.next(), {
    action: "checkpoint",
    sequenceNumber: null,
    subSequenceNumber: null,
    error: "ShutdownException",
  });
  bed.child.status("processRecords");
  await done;
  await bed.session.close();
});

Deno.test("ChildSession refuses a sub-sequence number that no record has, without asking the store", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, bed.checkpoint);
  await bed.next();
  for (const sub of ["-1", "9223372036854775807"]) {
    bed.child.say(`{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":${sub}}\n`);
    assertStringIncludes(await bed.child.nextLine(), `${sub},"error":"IllegalArgumentException"`);
  }
  bed.child.status("processRecords");
  await done;
  assertEquals(bed.stored, []);
  await bed.session.close();
});

Deno.test("ChildSession answers InvalidStateException where there is no checkpointer (trap 18)", async () => {
  const bed = new Bed();
  const done = bed.session.request({ action: "leaseLost" });
  await bed.next();
  bed.child.say('{"action":"checkpoint"}\n');
  assertStringIncludes(await bed.child.nextLine(), '"error":"InvalidStateException"');
  bed.child.status("leaseLost");
  await done;
  await bed.session.close();
});

Deno.test("ChildSession warns once of a position under its old name, and answers under both names", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, bed.checkpoint);
  await bed.next();
  const reply = { action: "checkpoint", subSequenceNumber: null, error: null };
  for (const number of ["4961", "4962"]) {
    bed.child.say(`{"action":"checkpoint","checkpoint":"${number}"}\n`);
    assertEquals(await bed.next(), { ...reply, sequenceNumber: number, checkpoint: number });
  }
  bed.child.say('{"action":"checkpoint"}\n');
  assertEquals(await bed.next(), { ...reply, sequenceNumber: null, checkpoint: null });
  bed.child.status("processRecords");
  await done;
  assertEquals(bed.notices, [
    'warning: Child process 7 sends its position as "checkpoint": expected "sequenceNumber"',
  ]);
  await bed.session.close();
});

Deno.test("ChildSession lets a surplus status answer the next action (trap 17)", async () => {
  const bed = new Bed();
  const first = bed.session.request(BATCH, bed.checkpoint);
  await bed.next();
  bed.child.status("processRecords");
  bed.child.status("processRecords");
  await first;
  await bed.session.request(BATCH, bed.checkpoint);
  await bed.session.close();
  assertEquals(bed.failures, []);
});

Deno.test("ChildSession fails on a status for another action (traps 17, 23)", async () => {
  for (const text of ['"responseFor":"initialize"', '"responseFor":null', '"x":1']) {
    const bed = new Bed();
    bed.child.endsWithInput = false;
    const done = bed.session.request(BATCH, bed.checkpoint);
    await bed.next();
    bed.child.say(`{"action":"status",${text}}\n`);
    const error = await assertRejects(() => done, MultiLangProtocolError);
    assertStringIncludes(error.message, "Child process 7 answered ");
    assertStringIncludes(error.message, 'during "processRecords"');
    await bed.session.close();
    assertEquals(bed.child.signals, ["SIGTERM"], "it gets no time of its own");
    assertEquals(bed.failures, [{ message: error.message, isExcused: false }]);
  }
});

Deno.test("ChildSession fails when the child ends before its status, even with exit code 0 (trap 24)", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, bed.checkpoint);
  await bed.next();
  bed.child.exit(0);
  const error = await assertRejects(() => done, MultiLangProtocolError);
  assertEquals(error.message, 'Child process 7 ended with exit code 0 during "processRecords"');
  await bed.session.close();
  assertEquals(bed.notices, ["info: Child process 7 ended with exit code 0"]);
});

Deno.test("ChildSession takes a status that came just before the child's end", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, bed.checkpoint);
  await bed.next();
  bed.child.status("processRecords");
  bed.child.exit(0);
  await done;
  await bed.settle();
  await assertRejects(() => bed.session.request(BATCH, bed.checkpoint), MultiLangProtocolError);
  await bed.session.close();
});

Deno.test("ChildSession notices at once that an idle child has died (trap 23)", async () => {
  const bed = new Bed();
  bed.child.exit(undefined, "SIGKILL");
  await bed.settle();
  assertEquals(bed.failures, [{
    message: "Child process 7 ended with signal SIGKILL between two actions",
    isExcused: false,
  }]);
  await bed.session.close();
});

Deno.test("ChildSession gives up on a child that has closed its stdout", async () => {
  const bed = new Bed();
  bed.child.endsWithInput = false;
  const done = bed.session.request(BATCH, bed.checkpoint);
  bed.child.closeStdout();
  const failed = assertRejects(() => done, MultiLangProtocolError, "closed its stdout");
  await bed.clock.advance(1000);
  await failed;
  await bed.session.close();
  assertEquals(bed.child.signals, ["SIGTERM"]);
});

Deno.test("ChildSession says how a child ended rather than that its pipe broke", async () => {
  const bed = new Bed();
  bed.child.writeError = new Error("broken pipe");
  const done = bed.session.request(BATCH, bed.checkpoint);
  await bed.settle();
  bed.child.exit(3);
  await assertRejects(() => done, MultiLangProtocolError, "ended with exit code 3");
  await bed.session.close();
});

Deno.test("ChildSession gives up on a child that lives on without reading its stdin", async () => {
  const bed = new Bed();
  bed.child.writeError = new Error("broken pipe");
  const done = bed.session.request(BATCH, bed.checkpoint);
  const failed = assertRejects(() => done, MultiLangProtocolError, "does not read its stdin");
  await bed.clock.advance(3000);
  await failed;
  await bed.session.close();
});

Deno.test("ChildSession limits the wait for each message, checkpointing not counted (trap 28)", async () => {
  const bed = new Bed({ timeoutMs: 1000 });
  bed.child.endsWithInput = false;
  const stores: PromiseWithResolvers<void>[] = [];
  const done = bed.session.request(BATCH, () => {
    const store = Promise.withResolvers<void>();
    stores.push(store);
    return store.promise;
  });
  await bed.next();
  await bed.clock.advance(900);
  bed.child.say('{"action":"checkpoint"}\n');
  await bed.clock.advance(5000); // The store is slow, not the child.
  stores[0]?.resolve();
  await bed.next();
  await bed.clock.advance(900);
  bed.child.say('{"action":"checkpoint"}\n');
  await bed.settle();
  stores[1]?.resolve();
  await bed.next();
  await bed.clock.advance(500);
  bed.child.say("still at it\n"); // Noise does not start the clock anew.
  const failed = assertRejects(() => done, MultiLangProtocolError, "sent no message for 1000 ms");
  await bed.clock.advance(499);
  assertEquals(bed.failures, []);
  await bed.clock.advance(1);
  await failed;
  await bed.session.close();
  assertEquals(bed.child.signals, ["SIGTERM"]);
});

Deno.test("ChildSession limits every action, also while the child does not read (trap 28)", async () => {
  const actions = ["leaseLost", "shardEnded", "shutdownRequested"] as const;
  const initialize = {
    action: "initialize",
    shardId: "s",
    sequenceNumber: "LATEST",
    subSequenceNumber: 0,
  } as const;
  for (const message of [initialize, BATCH, ...actions.map((action) => ({ action }))]) {
    const bed = new Bed({ timeoutMs: 1000 });
    const blocked = Promise.withResolvers<void>();
    bed.child.blocked = blocked.promise;
    const failed = assertRejects(() => bed.session.request(message, bed.checkpoint), MultiLangProtocolError);
    await bed.clock.advance(1000);
    await failed;
    blocked.resolve();
    await bed.session.close();
  }
});

Deno.test("ChildSession reads on while nobody waits and while its own writes are held up (traps 14, 27)", async () => {
  const bed = new Bed();
  const blocked = Promise.withResolvers<void>();
  bed.child.blocked = blocked.promise;
  const done = bed.session.request(BATCH, bed.checkpoint);
  bed.child.say("x\n".repeat(2000));
  await bed.settle();
  assertEquals(bed.notices.length, 2000);
  blocked.resolve();
  bed.child.status("processRecords");
  await done;
  bed.child.say("x\n".repeat(2000));
  await bed.settle();
  assertEquals(bed.notices.length, 4000);
  await bed.session.close();
});

Deno.test("ChildSession writes whole lines, even if the child asks before it has read its message (trap 1)", async () => {
  const bed = new Bed();
  const blocked = Promise.withResolvers<void>();
  bed.child.blocked = blocked.promise;
  const big = { ...BATCH, records: [{ ...recordWith(1), data: new Uint8Array(200_000) }] };
  const done = bed.session.request(big, bed.checkpoint);
  bed.child.say('{"action":"checkpoint"}\n');
  await bed.settle();
  blocked.resolve();
  assertEquals(JSON.parse(await bed.child.nextLine()).action, "processRecords");
  assertEquals(JSON.parse(await bed.child.nextLine()).action, "checkpoint");
  bed.child.status("processRecords");
  await done;
  await bed.session.close();
});

Deno.test("ChildSession bounds the messages that nobody asked for", async () => {
  const bed = new Bed();
  bed.child.say('{"action":"checkpoint"}\n'.repeat(1000));
  await bed.settle();
  assertEquals(bed.failures, []);
  bed.child.say('{"action":"checkpoint"}\n');
  await bed.settle();
  assertStringIncludes(bed.failures[0]?.message ?? "", "sent 1000 messages that nobody asked for");
  await bed.session.close();
});

Deno.test("ChildSession cuts a child's long line short in its notice", async () => {
  const bed = new Bed();
  bed.child.say(`${"x".repeat(5000)}\n`);
  await bed.settle();
  assert((bed.notices[0]?.length ?? 0) < 1100);
  await bed.session.close();
});

Deno.test("close() closes stdin and waits: what the child still prints is noise", async () => {
  const bed = new Bed();
  bed.child.endsWithInput = false;
  let isClosed = false;
  const closed = bed.session.close().then(() => isClosed = true);
  await bed.clock.advance(9999);
  assert(bed.child.isInputClosed && !isClosed);
  bed.child.status("processRecords");
  bed.child.complain("bye");
  await bed.settle();
  bed.child.exit(5);
  await closed;
  assertEquals(bed.child.signals, []);
  assert(bed.child.isReleased);
  assertEquals(bed.notices, [
    "info: Child process 7 stderr: bye",
    "info: Child process 7 stdout: 1 message after the end of its session",
    "warning: Child process 7 ended with exit code 5",
  ]);
  assertEquals(bed.failures, [], "a child that was told to end has not failed");
});

Deno.test("close() sends SIGTERM, then SIGKILL, to a child that ignores the end of its stdin (trap 25)", async () => {
  const bed = new Bed();
  bed.child.endsWithInput = false;
  bed.child.mortalTo = ["SIGKILL"];
  const closed = bed.session.close();
  assertEquals(bed.session.close(), closed, "closing twice is closing once");
  await bed.clock.advance(9999);
  assertEquals(bed.child.signals, []);
  await bed.clock.advance(1);
  assertEquals(bed.child.signals, ["SIGTERM"]);
  await bed.clock.advance(2000);
  await closed;
  assertEquals(bed.child.signals, ["SIGTERM", "SIGKILL"]);
});

Deno.test("close() gives programs that a child left behind their time, and ends them", async () => {
  const bed = new Bed();
  bed.child.rest = [["SIGTERM", "SIGKILL"], ["SIGKILL"]];
  const closed = bed.session.close();
  await bed.clock.advance(9999);
  assertEquals(bed.child.signals, []);
  await bed.clock.advance(1);
  assertEquals([bed.child.signals, bed.child.rest.length], [["SIGTERM"], 1]);
  await bed.clock.advance(1999);
  assertEquals(bed.child.signals, ["SIGTERM"]);
  await bed.clock.advance(1);
  await closed;
  assertEquals([bed.child.signals, bed.child.rest.length], [["SIGTERM", "SIGKILL"], 0]);
  assertEquals(bed.notices, [
    "warning: Child process 7 has ended and left programs behind: they get a SIGTERM",
    "warning: Child process 7 has ended and left programs behind: they get a SIGKILL",
    "info: Child process 7 ended with exit code 0",
  ]);
});

Deno.test("close() waits no longer than until the last program that a child started has ended", async () => {
  const bed = new Bed();
  bed.child.rest = [[]];
  let isClosed = false;
  const closed = bed.session.close().then(() => isClosed = true);
  await bed.clock.advance(300);
  assert(!isClosed);
  bed.child.rest = [];
  await bed.clock.advance(50);
  await closed;
  assertEquals(bed.child.signals, []);
});

Deno.test("ChildSession ends what a wrapper left behind when it died, without delay", async () => {
  const bed = new Bed();
  const startMs = bed.clock.monotonicMs();
  bed.child.rest = [["SIGTERM"]];
  bed.child.exit(1);
  await bed.settle();
  await bed.session.close();
  assertEquals([bed.child.signals, bed.failures.length, bed.clock.monotonicMs()], [["SIGTERM"], 1, startMs]);
});

Deno.test("ChildSession counts what a child prints after it has failed, and shows its last words", async () => {
  const bed = new Bed();
  bed.child.mortalTo = ["SIGKILL"];
  bed.child.endsWithInput = false;
  const status = '{"action":"status","responseFor":"initialize"}\n';
  bed.child.say(status.repeat(1000 + 1)); // one more than may be queued
  bed.child.say(status.repeat(14_000));
  bed.child.say("Traceback\n");
  bed.child.say("again and again\n".repeat(500));
  await bed.clock.advance(0);
  assertEquals(bed.failures.map(({ message }) => message), [
    "Child process 7 sent 1000 messages that nobody asked for between two actions",
  ]);
  await bed.clock.advance(2000);
  await bed.session.close();
  const stdout = bed.notices.filter((notice) => notice.includes(" stdout: "));
  assertEquals(stdout.length, 50 + 1);
  assertEquals(stdout[0], "info: Child process 7 stdout: Traceback");
  assertEquals(
    stdout.at(-1),
    "info: Child process 7 stdout: 14000 messages and 451 more lines after the end of its session",
  );
});

Deno.test("close() returns even if nothing helps", async () => {
  const bed = new Bed();
  bed.child.endsWithInput = false;
  bed.child.mortalTo = [];
  const closed = bed.session.close();
  await bed.clock.advance(20_000);
  await closed;
  assertEquals(bed.notices.at(-1), "error: Child process 7 cannot be killed");
});

Deno.test("close() ends a call under way, and excuses it", async () => {
  const bed = new Bed();
  const done = bed.session.request(BATCH, bed.checkpoint);
  const failed = assertRejects(() => done, MultiLangProtocolError, "was ended by the worker");
  await bed.session.close();
  await failed;
  assertEquals(bed.failures.map(({ isExcused }) => isExcused), [true]);
});

Deno.test("ChildSession excuses a child that Ctrl-C reached before us, and no other (trap 31)", async () => {
  const excused = new Bed();
  const done = assertRejects(
    () => excused.session.request(BATCH, excused.checkpoint),
    MultiLangProtocolError,
  );
  excused.child.exit(undefined, "SIGINT");
  await excused.clock.advance(500);
  assertEquals(excused.failures, [], "it may be a Ctrl-C");
  excused.stopping.abort();
  await done;
  assertEquals(excused.failures.map(({ isExcused }) => isExcused), [true]);
  await excused.session.close();

  const after = new Bed();
  after.stopping.abort();
  after.child.exit(1);
  await after.settle();
  assertEquals(after.failures.map(({ isExcused }) => isExcused), [true]);
  await after.session.close();

  const killed = new Bed();
  killed.child.exit(130);
  await killed.clock.advance(1000);
  assertEquals(killed.failures.map(({ isExcused }) => isExcused), [false]);
  await killed.session.close();
});
