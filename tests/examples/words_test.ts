import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { boardLines, type BoardOptions } from "../../examples/words/board.ts";
import { main } from "../../examples/words/demo.ts";
import { parseDemoFlags } from "../../examples/words/flags.ts";
import { Ledger } from "../../examples/words/ledger.ts";
import { pageHandler } from "../../examples/words/page.ts";
import { Screen } from "../../examples/words/screen.ts";
import { Totals } from "../../src/observe/totals.ts";
import { runCommand } from "../support/command.ts";

const ROOT = new URL("../../", import.meta.url);

interface Run {
  readonly seconds?: number;
  readonly shards?: number;
  readonly workers?: number;
  readonly ledger?: Ledger;
  readonly drainMs?: number;
  readonly signal?: AbortSignal;
}

/** The demo in a pipe, with failovers of a second. */
async function runDemo(run: Run = {}): Promise<{ readonly exitCode: number; readonly text: string }> {
  const { seconds = 3, shards = 2, workers = 3, drainMs = 8000, ledger } = run;
  const { signal = new AbortController().signal } = run;
  let text = "";
  const screen = new Screen({ size: () => undefined, print: (more) => text += more });
  const exitCode = await main({
    seconds,
    shards,
    workers,
    isForever: false,
    ledger,
    signal,
    screen,
    drainMs,
  });
  return { exitCode, text };
}

/** Sentences of the story, in their order; each must come after the one before. */
const STORY = [
  /^The page: http:\/\/127\.0\.0\.1:\d+\/$/,
  /^ +\d+ s {2}Ada, Bea and Cleo start, to read 2 shards of one stream\.$/,
  /^ +\d+ s {2}All shards are read after \d+\.\d s: /,
  /^ +\d+ s {2}Shard 0 is split: new words go to shards 2 and 3\.$/,
  /^ +\d+ s {2}Shard 0 is read to its end, and shards 2 and 3 after it, after /,
  /^ +\d+ s {2}(?:Ada|Bea|Cleo) stops in order, and hands over its \d shards?\.$/,
  /^ +\d+ s {2}Others read (?:Ada|Bea|Cleo)'s shards? after \d\.\d s; no word came twice\.$/,
  /^ +\d+ s {2}(?:Ada|Bea|Cleo) is killed\. Nobody reads its \d shards? until its leases expire\.$/,
  /^ +\d+ s {2}Others read (?:Ada|Bea|Cleo)'s shards? after /,
  /^ +\d+ s {2}Dan joins\. The leader gives it its part of the shards\.$/,
  /^ +\d+ s {2}Dan reads after \d+\.\d s; /,
  /^ +\d+ s {2}No more words are put\. The workers finish and stop\.$/,
  /^Put [\d,]+ words, processed [\d,]+: every one of them\.$/,
  /^By worker: .*Dan [\d,]+.*\.$/,
];

Deno.test("the demo tells its story in order, ends by itself, and has processed every word", async () => {
  const { exitCode, text } = await runDemo();
  const lines = text.split("\n");
  let at = -1;
  for (const sentence of STORY) {
    const found = lines.findIndex((line, i) => i > at && sentence.test(line));
    assert(found !== -1, `${sentence} is missing after line ${at + 1}:\n${text}`);
    at = found;
  }
  assertEquals(lines[0]?.startsWith("The page: "), true);
  assertEquals(exitCode, 0);
});

Deno.test("the demo fails when a word is missing", async () => {
  class Forgetful extends Ledger {
    override noteProcessed(number: number, worker: string, atMs: number): void {
      if (number !== 7) super.noteProcessed(number, worker, atMs);
    }
  }
  const { exitCode, text } = await runDemo({ workers: 1, shards: 1, ledger: new Forgetful(), drainMs: 1000 });
  assertStringIncludes(text, ": 1 MISSING.");
  assertEquals(exitCode, 1);
});

Deno.test("the demo stops in order, with its sums, when it is told to", async () => {
  const stop = new AbortController();
  class Ending extends Ledger {
    override noteProcessed(number: number, worker: string, atMs: number): void {
      super.noteProcessed(number, worker, atMs);
      stop.abort();
    }
  }
  const { exitCode, text } = await runDemo({ seconds: 60, ledger: new Ending(), signal: stop.signal });
  assertStringIncludes(text, "The workers finish and stop.");
  assertStringIncludes(text, "every one of them");
  assertEquals(text.includes("is killed"), false);
  assertEquals(exitCode, 0);
});

Deno.test("a wrong flag of the demo prints the usage without a stack, and ends with 2", async () => {
  const args = ["run", "-A", "--no-check", "examples/words/demo.ts", "--second", "3"];
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), args, { cwd: ROOT.pathname });
  assertEquals([code, stdout], [2, ""]);
  assert(stderr.startsWith("Cannot run the demo: Unknown option '--second'\n\nUsage: "), stderr);
  assertEquals(/^\s+at /m.test(stderr), false);
});

Deno.test("parseDemoFlags() has defaults, takes each flag, and refuses what it cannot use", () => {
  const flags = { seconds: 60, shards: 4, workers: 3, isForever: false };
  assertEquals(parseDemoFlags([]), { type: "run", flags });
  const args = "--seconds 10 --shards 1 --workers 2 --forever".split(" ");
  const given = { seconds: 10, shards: 1, workers: 2, isForever: true };
  assertEquals(parseDemoFlags(args), { type: "run", flags: given });
  assertEquals(parseDemoFlags(["--smoke"]), { type: "run", flags: { ...flags, seconds: 3, shards: 2 } });
  assertEquals(parseDemoFlags(["--help"]), { type: "help" });
  for (
    const wrong of [
      "--seconds=2",
      "--seconds=3601",
      "--seconds=1.5",
      "--seconds=",
      "--seconds=1e1",
      "--shards=0",
    ]
      .concat("--shards=51", "--workers=11", "--workers=-1", "--workers", "word", "--forever=1")
  ) {
    const command = parseDemoFlags([wrong]);
    assertEquals(command.type, "misuse", wrong);
    assert(command.type !== "misuse" || /^Cannot run the demo: [^\n]+$/.test(command.problem), wrong);
  }
});

Deno.test("boardLines() names who reads each shard, how late, and what became of the workers", () => {
  const ledger = new Ledger();
  ledger.notePut("shardId-000000000001", 1000);
  ledger.notePut("shardId-000000000010", 3000);
  ledger.noteProcessed(1, "Ada", 3100);
  const [ada, bea] = [{ name: "Ada", state: "running" }, { name: "Bea", state: "killed" }] as const;
  const members = [ada, bea].map((member) => ({ ...member, totals: new Totals() }));
  const shards = ["00", "01", "02", "10"].map((digits) => ({ shardId: `shardId-0000000000${digits}` }));
  const owners = new Map([["shardId-000000000001", members[1]], ["shardId-000000000010", members[0]]]);
  const lines = boardLines({
    shards: shards as unknown as BoardOptions["shards"],
    fleet: {
      members,
      ownerOf: (shardId) => owners.get(shardId),
      isFinished: (shardId) => shardId === "shardId-000000000000",
    },
    ledger,
    nowMs: 5200,
  });
  assertEquals(lines, [
    "1 of 2 words, largest lag 4.2 s",
    "Ada running, Bea killed",
    "",
    "shard  read by              lag",
    "    0  read to its end",
    "    1  Bea (killed)       4.2 s",
    "    2  nobody             0.0 s",
    "   10  Ada                0.0 s",
  ]);
});

Deno.test("Ledger counts what comes again, and forgets no record that waits", () => {
  const ledger = new Ledger();
  for (const atMs of [1, 2, 3]) ledger.notePut("a", atMs);
  ledger.noteProcessed(1, "Ada", 10);
  ledger.noteProcessed(1, "Bea", 11);
  ledger.noteProcessed(9, "Bea", 12);
  assertEquals([ledger.put, ledger.processed, ledger.repeated, ledger.lagMs("a", 21)], [3, 1, 1, 20]);
  ledger.noteProcessed(0, "Ada", 12);
  assertEquals([ledger.lagMs("a", 23), ledger.lagMs("b", 23)], [20, 0]);
  assertEquals(ledger.lastReading("a"), { worker: "Ada", atMs: 12 });
  assertEquals([...ledger.byWorker], [["Ada", 2], ["Bea", 1]]);
});

/** A screen of this size and what was printed. */
function screenOf(columns: number, rows: number): { readonly screen: Screen; readonly text: () => string } {
  let text = "";
  return {
    screen: new Screen({ size: () => ({ columns, rows }), print: (more) => text += more }),
    text: () => text,
  };
}

Deno.test("Screen redraws its block below the lines that stay, and takes it away at the end", () => {
  const { screen, text } = screenOf(80, 24);
  screen.show(["a", "b"]);
  screen.log("kept");
  assertEquals(text(), "\na\nb\n\x1b[3A\x1b[Jkept\n\na\nb\n");
  screen.end();
  screen.log("last");
  assert(text().endsWith("\n\na\nb\n\x1b[3A\x1b[Jlast\n"));
});

Deno.test("Screen breaks lines that stay between words, and cuts its block to the terminal", () => {
  const { screen, text } = screenOf(20, 8);
  screen.log("one two three four five", "  3 s  ");
  assertEquals(text(), "  3 s  one two\n       three four\n       five\n");
  screen.show(["a line that is too long for it", "b", "c", "d"]);
  assertEquals(text().split("\n").slice(3), ["", "a line that is too ", "b", "and 2 more lines", ""]);
});

Deno.test("Screen prints whole lines without control characters where there is no terminal", () => {
  let text = "";
  const screen = new Screen({ size: () => undefined, print: (more) => text += more });
  screen.show(["first", "second"]);
  screen.log("kept ".repeat(40).trim(), "1 s ");
  screen.end();
  assertEquals(text, `first\n1 s ${"kept ".repeat(40).trim()}\n`);
});

Deno.test("pageHandler() shows the board, and each worker's own page below its name", async () => {
  const members = [{ name: "Ada", state: "running" as const, totals: new Totals() }];
  const handler = pageHandler({ members }, () => ["the board"]);
  const get = async (path: string) => {
    const response = await handler(new Request(`http://127.0.0.1:1${path}`));
    return { status: response.status, text: await response.text(), to: response.headers.get("location") };
  };
  const page = await get("/");
  for (const part of ["the board", `<a href="Ada/">Ada</a>`]) assertStringIncludes(page.text, part);
  assertEquals((await get("/Ada/live")).status, 200);
  assertStringIncludes((await get("/Ada/")).text, "kclite");
  assertEquals((await get("/Ada")).to, "http://127.0.0.1:1/Ada/");
  for (const path of ["/Eve/", "/Ada/nothing"]) assertEquals((await get(path)).status, 404, path);
});
