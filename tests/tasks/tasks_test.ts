import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { outcomeOf, startsOf } from "./tasks.ts";

const ROOT = new URL("../../", import.meta.url);
const ciRun = await Deno.readTextFile(new URL(".ci/run", ROOT));
const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const names = Object.keys(tasks);
const commandOf = (name: string): string => tasks[name].command ?? tasks[name];

Deno.test("every task of deno.json is started by .ci/run: with --smoke, as it is, or by a step of its own", () => {
  const starts = startsOf(names, ciRun);
  assertEquals([...starts.keys()], names);
  const ours = names.filter((name) => starts.get(name)?.type === "smoke");
  const unknown = ours.filter((name) => !/deno (run|test) .*\.ts\b|^\.ci\/run$/.test(commandOf(name)));
  assertEquals(unknown, [], "a command of Deno's does not know --smoke");
  assertStringIncludes(ciRun, "tests/tasks/tasks.ts");
});

Deno.test("startsOf() gives --smoke to a task that nobody has thought of, and misses one that is gone", () => {
  assertEquals(startsOf([...names, "new"], ciRun).get("new"), { type: "smoke" });
  assertThrows(() => startsOf(names.filter((name) => name !== "check"), ciRun), Error, `has no such task`);
});

Deno.test("startsOf() refuses to leave a task to a step that .ci/run does not have", () => {
  const without = ciRun.replace(/^step check (.*)$/m, "# step check $1");
  assertThrows(() => startsOf(names, without), Error, `expected a step with "task check"`);
});

Deno.test("a task that hands its arguments to deno test does so behind --, or --smoke were an option of Deno's", () => {
  const isTest = (name: string) => name !== "test" && commandOf(name).includes("deno test");
  const wrong = names.filter((name) => isTest(name) && !commandOf(name).endsWith(" --"));
  assertEquals(wrong, []);
});

Deno.test("what measures is in bench/ and its task is named so, and nothing else is", () => {
  const wrong = names.filter((name) =>
    /^bench(?:$|:)/.test(name) !== / bench\/[\w/]+\.ts\b/.test(commandOf(name))
  );
  assertEquals(wrong, []);
});

Deno.test("outcomeOf() calls a task that ends with an error, or does not end, failed, and quotes why one was skipped", () => {
  const nothing = { stdout: "", stderr: "" };
  assertEquals(outcomeOf({ ...nothing, code: 0 }), { isGood: true, text: "ok" });
  assertEquals(outcomeOf({ ...nothing, code: 1, stderr: "error: why" }).isGood, false);
  assertStringIncludes(outcomeOf({ ...nothing, code: 1, stderr: "error: why" }).text, "why");
  assertEquals(outcomeOf({ ...nothing, code: 143 }).isGood, false);
  const skipped = outcomeOf({
    ...nothing,
    code: 0,
    stdout: "interop:java is skipped: mvn not found on PATH",
  });
  assertEquals(skipped.isGood, true);
  assertStringIncludes(skipped.text, "mvn not found");
});
