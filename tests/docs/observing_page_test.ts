import { assert, assertEquals } from "@std/assert";
import { ALARM_RULES, ALARM_RULES_FILE, alarmRulesFile } from "../../docs/alarm_rules.ts";
import { DASHBOARD_FILE, dashboardJson, PANELS } from "../../docs/grafana_dashboard.ts";
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

/** What an expression asks for that there is not: metrics and labels. Labels of the scraper are its own. */
async function unknownIn(expr: string): Promise<string[]> {
  const found = await rows();
  const asked = [...expr.matchAll(/(kclite_\w+?)(_sum|_count)?\b(?!_)(?:\{([^}]*)\})?/g)];
  assert(asked.length > 0, expr);
  const by = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(/,\s*/));
  return asked.flatMap(([, name = "", suffix = "", selector = ""]) => {
    const row = found.get(name);
    if (row === undefined || (suffix !== "" && row[0] !== "summary")) return [`${name}${suffix}`];
    const labels = [...selector.matchAll(/(\w+)(?:=~|!=|!~|=)/g)].map(([, label = ""]) => label);
    return [...labels, ...by].filter((label) =>
      !["job", "instance"].includes(label) && !row[1]?.includes(`\`${label}\``)
    ).map((label) => `${name}{${label}}`);
  });
}

Deno.test("ALARM_RULES ask for metrics and labels that there are", async () => {
  assertEquals(await unknownIn('kclite_wrong_total{job="a"} > 0'), ["kclite_wrong_total"]);
  assertEquals(await unknownIn('kclite_leader{colour="red"}'), ["kclite_leader{colour}"]);
  for (const { alert, expr } of ALARM_RULES) assertEquals([alert, ...await unknownIn(expr)], [alert]);
  assertEquals(await Deno.readTextFile(ALARM_RULES_FILE), alarmRulesFile(), "run `deno task docs`");
});

Deno.test("deploy/grafana/kclite.json asks for metrics and labels that there are", async () => {
  for (const { title, queries } of PANELS) {
    for (const { expr, legend } of queries) {
      assertEquals([title, ...await unknownIn(expr)], [title]);
      const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
      const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/);
      if (kept !== undefined) assertEquals(shown.toSorted(), kept.toSorted(), title);
    }
  }
  assertEquals(await Deno.readTextFile(DASHBOARD_FILE), dashboardJson(), "run `deno task docs`");
});

Deno.test("docs/troubleshooting.md says what to do for each alarm, and no other", async () => {
  const page = await Deno.readTextFile(new URL("troubleshooting.md", OBSERVING_FILE));
  const named = [...page.matchAll(/^\| `(Kclite\w+)` +\| .*\. +\|$/gm)].map(([, name]) => name);
  assertEquals(named, ALARM_RULES.map(({ alert }) => alert));
});
