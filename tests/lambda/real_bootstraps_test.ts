/**
 * Programs in a shell and in Python on the real runtime API, over loopback.
 */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { canRun, runCommand } from "../support/command.ts";
import { pageOf, recordWith } from "../support/consumer_bed.ts";
import { ROOT, startBootstrap as start } from "./real_bootstrap_bed.ts";

const SHELL = `/bin/sh ${ROOT}tests/lambda/children/bootstrap.sh`;
const PYTHON = `python3 -B ${ROOT}examples/lambda_bootstrap_python/bootstrap.py`;
const hasCurl = await canRun("curl");
const hasPython = await canRun("python3");

function shellTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `${name}${hasCurl ? "" : " (skipped: there is no curl on PATH)"}`,
    ignore: !hasCurl,
    fn,
  });
}
function pythonTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `${name}${hasPython ? "" : " (skipped: there is no python3 on PATH)"}`,
    ignore: !hasPython,
    fn,
  });
}

shellTest(
  "a bootstrap in plain shell processes a shard to its end, on loopback alone, and is ended",
  async () => {
    using bed = start(SHELL, "ok", { functionName: "orders" });
    bed.retrieval.feed(pageOf([recordWith(1, "a")]), pageOf([recordWith(2, "b")], []));
    assertEquals(await bed.ended(), "completed");
    assertEquals(bed.failures(), []);
    assertEquals(bed.urls.length, 1);
    assertMatch(bed.urls[0] ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
    await assertRejects(() => fetch(`${bed.urls[0]}/2018-06-01/runtime/invocation/next`), TypeError);
    const lines = bed.notices.filter((text) => text.includes("for orders"));
    assertEquals(lines.length, 2);
    assertMatch(lines[0] ?? "", /^Process \d+: event of 4\d\d bytes for orders$/);
  },
);

shellTest(
  "a bootstrap in plain shell reports an error, dies in mid-call, and answers too much: each fails its call",
  async () => {
    const failureOf = async (handler: string) => {
      using bed = start(SHELL, handler);
      bed.retrieval.feed(pageOf([recordWith(1)]));
      assertEquals(await bed.ended(), "lost");
      return bed.failures().join();
    };
    const [fail, die, large] = await Promise.all(["fail", "die", "large"].map(failureOf));
    assertEquals(fail, "processRecords ShellError: the script says no");
    assertMatch(die ?? "", /^processRecords Runtime\.ExitError: Process \d+ ended with signal SIGKILL$/);
    assertStringIncludes(
      large ?? "",
      "Function.ResponseSizeTooLarge: Exceeded maximum allowed payload size (6291556 bytes).",
    );
  },
);

shellTest(
  "a bootstrap in plain shell that hangs is killed at the deadline, with the program that it started",
  async () => {
    using bed = start(SHELL, "hang", { timeoutMs: 500 });
    bed.retrieval.feed(pageOf([recordWith(1)]));
    assertEquals(await bed.ended(), "lost");
    assertMatch(bed.failures().join(), /Task timed out after 0\.50 seconds: process \d+ was killed$/);
    const [pid] = /(?<=process )\d+/.exec(bed.failures().join()) ?? [];
    // The group is empty: the shell and its sleep.
    assert(!await isGroupAlive(Number(pid)));
  },
);

shellTest(
  "a bootstrap in plain shell that answers twice is refused the second time, and goes on",
  async () => {
    using bed = start(SHELL, "twice");
    bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)], []));
    assertEquals(await bed.ended(), "completed");
    assertEquals(bed.failures(), []);
    const output = bed.notices.join("\n");
    assertStringIncludes(output, '{"status":"OK"}');
    assertMatch(output, /"errorType":"Invalid(?:RequestID|StateTransition)"/);
  },
);

pythonTest(
  "a bootstrap in Python's standard library runs a Lambda handler to the end of a shard",
  async () => {
    using bed = start(PYTHON, "handler.lambda_handler");
    bed.retrieval.feed(pageOf(["to", "be", "to"].map((word, i) => recordWith(i + 1, word))), pageOf([], []));
    assertEquals(await bed.ended(), "completed");
    const printed = bed.notices.flatMap((text) => /^Process \d+: (.*)/.exec(text)?.[1] ?? []);
    assertEquals(printed, ["to 1", "be 1", "to 2"]);
  },
);

pythonTest(
  "a bootstrap in Python reports a handler that is not there, with its traceback, and is tried again",
  async () => {
    using bed = start(PYTHON, "handler.nobody");
    for (let i = 0; i < 400 && bed.failures().length < 2; i++) {
      await bed.clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    bed.held.lose();
    assertEquals(await bed.ended(), "lost");
    const [first, second] = bed.failures();
    assertMatch(
      first ?? "",
      /^initialize NotTakenError: Bootstrap "python3", process \d+, cannot be used: .* AttributeError: module 'handler' has no attribute 'nobody'/,
    );
    assertStringIncludes(second ?? "", "AttributeError");
    assertStringIncludes(bed.notices.join("\n"), "Traceback (most recent call last):");
  },
);

/** Whether a program of the group runs. One that waits for its parent to read its exit status does not. */
async function isGroupAlive(group: number): Promise<boolean> {
  const { stdout } = await runCommand("ps", ["-A", "-o", "pgid=,stat="]);
  return stdout.split("\n").some((line) => {
    const [pgid, state = ""] = line.trim().split(/\s+/);
    return Number(pgid) === group && !state.startsWith("Z");
  });
}
