import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ALARM_RULES } from "../../docs/alarm_rules.ts";
import { OBSERVING_FILE, observingMarkdown } from "../../docs/observing_page.ts";
import * as exported from "../../mod.ts";
import { COUNTERS } from "../../src/observe/counts.ts";
import { SAMPLE_EVENTS } from "../observe/sample_events.ts";

Deno.test("docs/observing.md is what observingMarkdown() makes of the source", async () => {
  assertEquals(await Deno.readTextFile(OBSERVING_FILE), await observingMarkdown(), "run `deno task docs`");
});

/** The rows of all tables that begin with a name, by that name. */
async function rows(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = [...(await observingMarkdown()).matchAll(/^\| `(\w+)` \|(.*)\|$/gm)];
  return new Map(
    found.map(([, name = "", rest = ""]) => [name, rest.split(/(?<!\\)\|/).map((cell) => cell.trim())]),
  );
}

Deno.test("observingMarkdown() has every event, with a sentence that says when it comes", async () => {
  const found = await rows();
  const events = Object.keys(SAMPLE_EVENTS);
  assertEquals(events.filter((name) => !found.get(name)?.[0]?.endsWith(".")), []);
});

Deno.test("observingMarkdown() has every counter, and every exported class of errors with what to do", async () => {
  const found = await rows();
  assertEquals(Object.keys(COUNTERS).filter((name) => !found.has(`kclite_${name}`)), []);
  const classes = Object.keys(exported).filter((name) => /^[A-Z]\w+Error$/.test(name));
  assert(classes.length > 4);
  assertEquals(classes.filter((name) => (found.get(name)?.[1] ?? "") === ""), []);
});

Deno.test("observingMarkdown() says of every fault what is wrong and what to do", async () => {
  const page = await observingMarkdown();
  const faults = page.slice(page.indexOf("## Faults"), page.indexOf("## Errors"));
  const cells = [...faults.matchAll(/^\| `(\w+)` \| (.*) \| (.*) \|$/gm)];
  assert(cells.length > 20);
  assertEquals(cells.filter(([, , wrong, remedy]) => !wrong?.endsWith(".") || !remedy?.endsWith(".")), []);
});

Deno.test("observingMarkdown() names the levels of a line that depends on what the event holds", async () => {
  const found = await rows();
  assertEquals(found.get("callbackEnded")?.[2], "–, error");
  assertEquals(found.get("errorRule")?.[2], "info, warning");
  assertEquals(found.get("requestSent")?.[3]?.includes("requests_throttled_total"), true);
});

Deno.test("ALARM_RULES ask for metrics and labels that there are", async () => {
  const found = await rows();
  for (const { alert, expr } of ALARM_RULES) {
    const asked = [...expr.matchAll(/(kclite_\w+)(?:\{(\w+)=)?/g)];
    assert(asked.length > 0, alert);
    for (const [, metric = "", label] of asked) {
      const labels = found.get(metric)?.[1];
      assert(labels !== undefined, `${alert} asks for ${metric}`);
      if (label !== undefined) assertStringIncludes(labels, `\`${label}\``, alert);
    }
  }
});
