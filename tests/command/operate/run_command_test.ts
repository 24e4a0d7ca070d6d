/** @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../../src/command/operate/command_table.ts";
import { commandHelp } from "../../../src/command/operate/command_text.ts";
import { type CommandSpec, flag } from "../../../src/command/operate/command_spec.ts";
import { runCommand } from "../../../src/command/operate/run_command.ts";
import type { Host } from "../../../src/command/program_context.ts";
import { realSystem } from "../../../src/system.ts";
import { withFolder } from "../../support/folder.ts";
import { OperateBed, PassingClock } from "../../support/operate_bed.ts";

const bed = () => new OperateBed();

Deno.test("main() hints at the nearest command, and at one that stands behind its options", async () => {
  const wrong = await bed().run(["descirbe", "app.properties"], { isBare: true });
  assertEquals([wrong.code, wrong.out], [2, ""]);
  const { code, err } = await bed().run(["descirbe"]);
  assertEquals(code, 2);
  assertEquals(
    err,
    "There is no command descirbe, and no properties file: did you mean describe?\nTry --help\n",
  );
  const late = await bed().run(["--set", "maxRecords=7", "lag"]);
  assertEquals(late.code, 2);
  assertStringIncludes(late.err, "Expected the command lag before its options: got it behind them");
});

Deno.test("main() takes a properties file that is named like a command", async () => {
  await withFolder({ "describe": "maxRecords = many\n" }, async (folder) => {
    const { code, err } = await bed().run(["-p", `${folder}/describe`, "--executable", "x"]);
    assertEquals(code, 1);
    assertStringIncludes(err, "line 1: expected a whole number");
  });
});

Deno.test("main() prints the help of a command behind help, and with --help anywhere", async () => {
  for (const args of [["help", "tail"], ["tail", "--help"], ["tail", "--bogus", "-h"]]) {
    const { code, out, err } = await bed().run(args);
    assertEquals([code, err], [0, ""]);
    assertMatch(out, /^Usage: kclite tail \[OPTION\.\.\.\] \[PROPERTIES_FILE\]\n/);
  }
  assertMatch((await bed().run(["help"], { isBare: true })).out, /^Usage: kclite \[OPTION/);
});

Deno.test("wrong usage of a command prints its usage, and exits 2", async () => {
  assertEquals(await bed().run(["tail", "--shrad", "1"]), {
    code: 2,
    out: "",
    err: "There is no option --shrad: did you mean --shard?\n" +
      "Usage: kclite tail [OPTION...] [PROPERTIES_FILE]\nTry kclite tail --help\n",
    progress: "",
  });
  const redrive = await bed().run(["redrive"], { isBare: true });
  assertEquals(redrive.code, 2);
  assertStringIncludes(
    redrive.err,
    "\nUsage: kclite redrive SOURCE [OPTION...] [PROPERTIES_FILE]\nTry kclite redrive --help",
  );
});

Deno.test("wrong usage shows no control character of the command line", async () => {
  const { err } = await bed().run(["tail", "--\u001b[2Jx", "1"]);
  assert(!err.includes("\u001b"), JSON.stringify(err));
});

Deno.test("a command names all that is wrong with its properties file, and exits 1", async () => {
  await withFolder({ "app.properties": "maxRecords = many\nregionName = \n" }, async (folder) => {
    const { code, out, err } = await bed().run(["tail", `${folder}/app.properties`]);
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, `Cannot read "${folder}/app.properties" line 1: expected a whole number`);
    assertEquals(err.split("Cannot read").length, 2, err);
  });
  const none = await bed().run(["tail", "none.properties"]);
  assertEquals(none.code, 1);
  assertStringIncludes(none.err, 'Cannot read "none.properties": there is no such file');
});

Deno.test("a command that AWS refuses says so in a sentence, and what to do", async () => {
  const none = await bed().run([
    "tail",
    "--stream",
    "none",
    "--application",
    "app",
    "--region",
    "eu-central-1",
  ], {
    isBare: true,
  });
  assertEquals([none.code, none.out], [1, ""]);
  assertMatch(none.err, /^ERROR {3}Cannot run tail: kinesis ListShards failed: ResourceNotFoundException/);
  assertMatch(none.err, /: check the name of the stream, the region and the account\n$/);
});

Deno.test("wrong usage that only a command can see is told like any other", async () => {
  for (const name of ["reset", "clone"]) {
    const { code, err } = await bed().run([name]);
    assertEquals(code, 2);
    assertMatch(
      err,
      new RegExp(`^Expected --.*: got none\\nUsage: kclite ${name} .*\\nTry kclite ${name} --help\\n$`),
    );
  }
});

Deno.test("a command without a stream says so", async () => {
  const { code, err } = await bed().run(["tail", "--region", "eu-central-1"], { isBare: true });
  assertEquals(code, 1);
  assertStringIncludes(err, "expected streamName or streamArn: got none");
});

/** A command of one's own, on a host that notes what is written. */
async function runOwn(load: CommandSpec["load"], columns: number | undefined, more: Partial<Host> = {}) {
  let out = "", err = "";
  const spec: CommandSpec = {
    name: "own",
    summary: "",
    about: [],
    operands: [],
    target: "stream",
    options: [flag("json", "")],
    examples: [],
    exitCodes: [],
    load,
  };
  const code = await runCommand(spec, [], {
    out: (line) => void (out += `${line}\n`),
    err: (line) => void (err += `${line}\n`),
    childStderr: (text) => void (err += text),
    isTerminal: columns !== undefined,
    screen: {
      write: (text) => void (out += text),
      isTerminal: columns !== undefined,
      columns: () => columns,
      rows: () => columns === undefined ? undefined : 24,
      closed: new AbortController().signal,
    },
    env: () => undefined,
    envNames: [],
    signal: new AbortController().signal,
    ...more,
  });
  return { code, out, err };
}

const LEAVE = "\u001b[?1049l";

Deno.test("runCommand() leaves the live view of a command that fails, and then says why", async () => {
  const order: string[] = [];
  const { code, out } = await runOwn(
    () =>
      Promise.resolve((_, { terminal }) => {
        terminal.live().show(["leases"]);
        return Promise.reject(new Error("Cannot go on: the table is gone"));
      }),
    80,
    { err: (line) => void order.push(line) },
  );
  assertEquals(code, 1);
  assert(out.endsWith(LEAVE), JSON.stringify(out));
  assertStringIncludes(order.join("\n"), "Cannot go on: the table is gone");
});

Deno.test("runCommand() ends with what nobody handled, and leaves the live view", async () => {
  let thrown: (what: string, thrown: unknown) => void = () => {};
  const { code, out, err } = await runOwn(
    () =>
      Promise.resolve(async (_, { terminal, signal }) => {
        terminal.live().show(["leases"]);
        thrown("a promise was rejected, and nobody handled it", new TypeError("oops"));
        await Promise.resolve();
        signal.throwIfAborted();
        return 0;
      }),
    80,
    { uncaught: (hear) => void (thrown = hear) },
  );
  assertEquals(code, 1);
  assert(out.endsWith(LEAVE));
  assertStringIncludes(err, "Cannot go on: a promise was rejected, and nobody handled it");
});

Deno.test("runCommand() keeps what is logged until the live view has ended", async () => {
  const { out, err } = await runOwn(
    () =>
      Promise.resolve((_, { terminal, log }) => {
        const view = terminal.live();
        log({ level: "warning", text: "throttled" });
        view.show(["leases"]);
        view.end();
        return Promise.resolve(0);
      }),
    80,
  );
  assert(out.endsWith(LEAVE));
  assertStringIncludes(err, "throttled");
});

Deno.test("runCommand() says that it is stopping only when that takes a while", async () => {
  const stopped = async (isSlow: boolean) => {
    let stop: (signalName: string) => void = () => {};
    const clock = new PassingClock();
    const { err } = await runOwn(
      () =>
        Promise.resolve(async () => {
          stop("SIGINT");
          if (isSlow) await clock.sleep(2000);
          return 0;
        }),
      undefined,
      { stopping: (hear) => void (stop = hear), options: { system: { ...realSystem, clock } } },
    );
    return err;
  };
  assertEquals(await stopped(false), "");
  assertStringIncludes(await stopped(true), "SIGINT: stopping; once more to end at once");
});

Deno.test("runCommand() draws nothing in place on a dumb terminal, and paints nothing where NO_COLOR is set", async () => {
  const load: CommandSpec["load"] = () =>
    Promise.resolve((_, { terminal }) => {
      terminal.live().show([terminal.paint("bad", "expired")]);
      return Promise.resolve(0);
    });
  const dumb = await runOwn(load, 80, { env: (name) => name === "TERM" ? "dumb" : undefined });
  assertEquals(dumb.out, "expired\n");
  const plain = await runOwn(load, 80, { env: (name) => name === "NO_COLOR" ? "1" : undefined });
  assertStringIncludes(plain.out, "\u001b[Hexpired\u001b[K");
  assertStringIncludes((await runOwn(load, 80)).out, "\u001b[31mexpired\u001b[0m");
});

Deno.test("runCommand() ends with 0 when nobody reads its help, or what it prints", async () => {
  const broken = () => {
    throw new Error("EPIPE");
  };
  const { code, err } = await bed().run(["tail", "--help"], { more: { out: broken } });
  assertEquals([code, err], [0, ""]);
  assertEquals((await bed().run(["--help"], { isBare: true, more: { out: broken } })).code, 0);
  assertEquals((await bed().run(["tail", "--bogus"], { more: { err: broken } })).code, 2);
});

Deno.test("each command has a help of at most 100 columns, with its options and examples", () => {
  for (const spec of COMMANDS) {
    const help = commandHelp(spec);
    assertEquals(help.split("\n").filter((line) => line.length > 100), [], spec.name);
    for (const { name } of spec.options) assertStringIncludes(help, `--${name}`);
    assert(
      spec.examples.length > 0 &&
        spec.examples.every(({ command }) => command.startsWith(`kclite ${spec.name}`)),
    );
  }
});
