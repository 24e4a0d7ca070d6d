/** @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NotedScreen } from "../support/noted_screen.ts";

const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";

Deno.test("Terminal.print() ends each line, and prints nothing of nothing", () => {
  const screen = new NotedScreen(undefined);
  screen.terminal.print("one", "two");
  screen.terminal.print();
  assertEquals(screen.written, "one\ntwo\n");
});

Deno.test("Terminal.print() says that nobody reads when it cannot write, and then is silent", () => {
  let writes = 0;
  const screen = new NotedScreen(undefined, 24, {
    screen: {
      write: () => {
        writes++;
        throw new Error("EPIPE");
      },
      isTerminal: false,
      columns: () => undefined,
      rows: () => undefined,
      closed: new AbortController().signal,
    },
  });
  screen.terminal.print("one");
  assert(screen.terminal.closed.aborted);
  screen.terminal.print("two");
  assertEquals(writes, 1);
});

Deno.test("Terminal.paint() sets colours only where there are colours", () => {
  assertEquals(new NotedScreen(80).terminal.paint("bad", "dead"), "\u001b[31mdead\u001b[0m");
  assertEquals(new NotedScreen(undefined).terminal.paint("bad", "dead"), "dead");
});

Deno.test("Terminal.progress() of work that is soon done shows nothing", async () => {
  const screen = new NotedScreen(100);
  const progress = screen.terminal.progress("Reading leases", "lease");
  for (let done = 0; done < 10; done++) {
    progress.update(done, 10);
    await screen.clock.advance(29);
  }
  progress.end();
  assertEquals(screen.progress, "");
});

Deno.test("Terminal.progress() draws at most five times a second, and removes the bar", async () => {
  const screen = new NotedScreen(100);
  const progress = screen.terminal.progress("Reading leases", "lease");
  for (let done = 0; done < 1300; done += 10) {
    progress.update(done, 2000);
    await screen.clock.advance(10);
  }
  const drawn = screen.progress.split("\r").slice(1);
  assertEquals(drawn.length, 5);
  assertEquals(
    drawn[0],
    "Reading leases [#####-------------------------] 300 of 2,000 leases, 1,000/s, 2 s left\u001b[K",
  );
  progress.end();
  assert(screen.progress.endsWith("\r\u001b[K"));
  const before = screen.progress;
  await screen.clock.advance(1000);
  progress.update(2000, 2000);
  progress.end();
  assertEquals(screen.progress, before);
});

Deno.test("Terminal.progress() is a line each ten seconds in a pipe", async () => {
  const screen = new NotedScreen(undefined);
  const progress = screen.terminal.progress("Putting records", "record");
  for (let done = 0; done <= 250; done += 10) {
    progress.update(done, undefined);
    await screen.clock.advance(1000);
  }
  progress.end();
  assertEquals(
    screen.progress,
    "Putting records: 100 records, 10/s\nPutting records: 200 records, 10/s\n",
  );
});

Deno.test("Terminal.progress() has the rate of the last seconds, not of all the time", async () => {
  const screen = new NotedScreen(undefined);
  const progress = screen.terminal.progress("Putting records", "record");
  for (let second = 0, done = 0; second <= 40; second++) {
    done += second < 20 ? 1000 : 10;
    progress.update(done, undefined);
    await screen.clock.advance(1000);
  }
  assertStringIncludes(screen.progress.trimEnd().split("\n").at(-1) ?? "", " 10/s");
});

Deno.test("Terminal.print() removes a bar that stands in its way", async () => {
  const screen = new NotedScreen(100);
  const progress = screen.terminal.progress("Reading leases", "lease");
  await screen.clock.advance(400);
  progress.update(1, 2);
  screen.terminal.print("a lease");
  assert(screen.progress.endsWith("\r\u001b[K"), screen.progress);
});

Deno.test("A progress that cannot be written does not stop the work", async () => {
  const screen = new NotedScreen(100, 24, {
    writeProgress: () => {
      throw new Error("EPIPE");
    },
  });
  const progress = screen.terminal.progress("Reading leases", "lease");
  await screen.clock.advance(400);
  progress.update(1, 2);
  progress.end();
});

Deno.test("Terminal.live() draws in place on a screen of its own, and leaves it once", () => {
  const screen = new NotedScreen(20, 4);
  const view = screen.terminal.live();
  assertEquals(screen.written, "\u001b[?1049h\u001b[?25l\u001b[?7l");
  assertEquals([...screen.atExit], [LEAVE]);
  view.show(["one", "a line that is too long for it"]);
  assertEquals(
    screen.written.slice(screen.written.indexOf("\u001b[H")),
    "\u001b[Hone\u001b[K\r\na line that is too …\u001b[K\u001b[J",
  );
  view.end();
  view.end();
  screen.terminal.end();
  assertEquals(screen.written.split(LEAVE).length, 2);
  assert(screen.written.endsWith(LEAVE));
  assertEquals(screen.atExit.size, 0);
  const before = screen.written;
  view.show(["late"]);
  screen.resize(10, 10);
  assertEquals(screen.written, before);
});

Deno.test("Terminal.live() says how many lines are missing, and draws again at another size", () => {
  const screen = new NotedScreen(20, 4);
  const view = screen.terminal.live();
  view.show(Array.from({ length: 40 }, (_, at) => `line ${at}`));
  assertEquals(screen.seen, ["line 0", "line 1", "line 2", "… and 37 more"]);
  screen.resize(6, 2);
  assertEquals(screen.seen, ["line 0", "… and…"]);
  view.end();
});

Deno.test("Terminal.live() leaves its screen for Ctrl-Z, and draws it again when the program goes on", () => {
  const screen = new NotedScreen(20, 4);
  const view = screen.terminal.live();
  view.show(["one"]);
  screen.suspended?.leave();
  assert(screen.written.endsWith(LEAVE));
  screen.suspended?.enter();
  assert(screen.written.endsWith("\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[Hone\u001b[K\u001b[J"));
  view.end();
  assertEquals(screen.suspended, undefined);
});

Deno.test("Terminal.live() prints blocks in a pipe", () => {
  const screen = new NotedScreen(undefined);
  const view = screen.terminal.live();
  view.show(["one"]);
  view.show(["two", "three"]);
  view.end();
  assertEquals(screen.written, "one\n\ntwo\nthree\n");
});

Deno.test("Terminal.end() leaves a view that a failed command left behind", () => {
  const screen = new NotedScreen(20, 4);
  screen.terminal.live();
  screen.terminal.end();
  assert(screen.written.endsWith(LEAVE));
});

Deno.test("Terminal.aside() keeps what others print until the view has ended", () => {
  const screen = new NotedScreen(20, 4);
  const view = screen.terminal.live();
  const heard: number[] = [];
  for (let at = 0; at < 150; at++) screen.terminal.aside(() => void heard.push(at));
  assertEquals(heard, []);
  view.end();
  assertEquals([heard.length, heard[0], heard.at(-1)], [100, 50, 149]);
});

Deno.test("Terminal.closed aborts with its screen", () => {
  const screen = new NotedScreen(undefined);
  screen.close();
  assert(screen.terminal.closed.aborted);
  screen.terminal.print("late");
  assertEquals(screen.written, "");
});
