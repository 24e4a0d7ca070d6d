/**
 * The program as a process: what it may, and how it ends.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { PROFILE_PACKAGE } from "../../src/host/profile_credentials.ts";
import { CliProcess } from "../support/cli_process.ts";
import { runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";
import { codeBlocks } from "../support/readme.ts";
import { SMOKE_TEXTS, type SmokeOptions, withSmokeBed } from "../support/smoke_bed.ts";

const ROOT = new URL("../../", import.meta.url);
const CLI = new URL("cli.ts", ROOT).pathname;
const PERMISSIONS = await Deno.readTextFile(new URL("docs/PERMISSIONS.md", ROOT));
const KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

/** A properties file for emulators. */
function properties(bed: SmokeOptions, executableName: string): string {
  return `executableName = ${executableName}
applicationName = app
streamName = ${bed.streamName}
regionName = eu-central-1
kinesisEndpoint = ${bed.kinesisEndpoint}
dynamoDBEndpoint = ${bed.dynamoDBEndpoint}
initialPositionInStream = TRIM_HORIZON
retrievalMode = POLLING
`;
}

const WORDS = `
export default (shardId) => ({
  async processRecords({ records }, context) {
    for (const { data } of records) console.log(shardId, new TextDecoder().decode(data));
    await context.checkpoint();
  },
  shardEnded: (context) => context.checkpoint(),
});`;

/** Never done with its records. */
const STUCK = `
export default () => ({
  processRecords({ records }) {
    console.log(records.length, "records");
    return new Promise(() => setInterval(() => {}, 1000));
  },
  shardEnded: (context) => context.checkpoint(),
});`;

const CHILD = `
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  const { action, records = [] } = JSON.parse(line);
  for (const { data } of records) process.stderr.write("shardId-000000000000 " + atob(data) + "\\n");
  process.stdout.write("\\n" + JSON.stringify({ action: "status", responseFor: action }) + "\\n");
}`;

/** Each command of docs/PERMISSIONS.md, with what it is about. */
const COMMANDS = codeBlocks(PERMISSIONS).map(({ line, code }) => ({
  title: PERMISSIONS.split("\n").slice(0, line).findLast((text) => text.startsWith("## "))?.slice(3) ?? "",
  args: code.replaceAll("\\\n", " ").split(/\s+/).filter((arg) => arg !== ""),
}));

for (const { title, args } of COMMANDS) {
  Deno.test(`the permissions of docs/PERMISSIONS.md suffice: ${title}`, async () => {
    assertEquals([args.slice(0, 3), args.slice(-2)], [["deno", "run", "--no-prompt"], [
      "cli.ts",
      "app.properties",
    ]]);
    const isProgram = args.includes("--allow-run=node");
    const hasProfile = args.some((arg) => arg.includes("$HOME/.aws"));
    await withSmokeBed((bed) =>
      withFolder({
        "words.ts": WORDS,
        "child.mjs": CHILD,
        "app.properties": properties(bed, isProgram ? "node child.mjs" : "words.ts"),
        ".aws/credentials": "[default]\naws_access_key_id = test\naws_secret_access_key = test\n",
      }, async (folder) => {
        const deno = args.slice(1, -1).map((arg) =>
          arg.replace("kinesis.eu-central-1.amazonaws.com", new URL(bed.kinesisEndpoint).host)
            .replace("dynamodb.eu-central-1.amazonaws.com", new URL(bed.dynamoDBEndpoint).host)
            .replace("$HOME", folder).replace(/^cli\.ts$/, CLI)
        );
        if (hasProfile) await cacheProfilePackage();
        // A home without a cache would make Deno look for packages again.
        const env = hasProfile ? { HOME: folder, DENO_DIR: denoFolder() } : KEYS;
        await using cli = new CliProcess({ deno, args: args.slice(-1), cwd: folder, env });
        for (const text of SMOKE_TEXTS) await cli.printed(new RegExp(`shardId-000000000000 ${text}\\b`));
        cli.kill("SIGTERM");
        assertEquals(await cli.exitCode(), 143, cli.output);
        assertMatch(cli.output, /INFO {4}Stopped\n/);
        assert(!cli.output.includes("NotCapable"), cli.output);
        const warnings = cli.output.match(/ WARNING .*/g) ?? [];
        assertEquals(
          warnings.filter((text) => text.includes("--allow-run without names")).length,
          isProgram ? 1 : 0,
        );
      })
    );
  });
}

/** Deno downloads it at its first use, which needs what this process has and the command has not: proxies and certificates. */
async function cacheProfilePackage(): Promise<void> {
  const { code, stderr } = await runCommand(Deno.execPath(), ["cache", "--no-lock", PROFILE_PACKAGE]);
  assertEquals(code, 0, stderr);
}

Deno.test("docs/PERMISSIONS.md has a command for each kind of program", () => {
  assertEquals(COMMANDS.length, 3);
});

for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  Deno.test(`${signal} ends the program in order, with ${code}`, async () => {
    await withSmokeBed((bed) =>
      withFolder({ "words.mjs": WORDS, "app.properties": properties(bed, "words.mjs") }, async (folder) => {
        await using cli = start(folder);
        await cli.printed(/shardId-000000000000 three\b/);
        cli.kill(signal);
        assertEquals(await cli.exitCode(), code, cli.output);
        assertMatch(
          cli.output,
          new RegExp(`${signal}: stopping; once more to end at once\n[^]*lease released[^]*Stopped\n$`),
        );
      })
    );
  });
}

for (
  const [what, failing, pattern] of [
    [
      "a rejection that nobody handles",
      "Promise.reject(new TypeError('boom'));",
      /promise was rejected.*TypeError: boom at words\.mjs:5:/,
    ],
    [
      "an exception that nobody catches",
      "setTimeout(() => { throw new TypeError('boom'); });",
      /exception was thrown.*TypeError: boom at words\.mjs:5:/,
    ],
  ] as const
) {
  Deno.test(`${what} in a module ends the program in order, with 1`, async () => {
    const module = WORDS.replace("await context.checkpoint();", `${failing} await context.checkpoint();`);
    await withSmokeBed((bed) =>
      withFolder({ "words.mjs": module, "app.properties": properties(bed, "words.mjs") }, async (folder) => {
        await using cli = start(folder);
        assertEquals(await cli.exitCode(), 1, cli.output);
        assertMatch(cli.output, pattern);
        assertMatch(cli.output, /Cannot go on: [^]*lease released[^]*Stopped\n/);
      })
    );
  });
}

Deno.test("a callback that takes too long is in the log, first as a warning, without a port for health", async () => {
  await withSmokeBed((bed) =>
    withFolder({ "words.mjs": STUCK, "app.properties": properties(bed, "words.mjs") }, async (folder) => {
      const limits = ["logWarningForTaskAfterMillis=500", "healthCallbackLimitMillis=2500"];
      await using cli = start(folder, ...limits.flatMap((set) => ["--set", set]));
      await cli.printed(
        /WARNING shardId-000000000000: callbackSlow: processRecords has been running for .* on 3 records\./,
      );
      await cli.printed(
        /ERROR {3}shardId-000000000000: fault callbackOverdue: processRecords has not returned for /,
      );
    })
  );
});

Deno.test("a program without the permission to reach AWS ends at once, and says what is missing", async () => {
  await withSmokeBed((bed) =>
    withFolder({ "words.mjs": WORDS, "app.properties": properties(bed, "words.mjs") }, async (folder) => {
      const may = ["--allow-read", "--allow-env", "--allow-sys"];
      await using cli = new CliProcess({
        deno: ["run", "--no-prompt", ...may, CLI],
        args: ["app.properties"],
        cwd: folder,
        env: KEYS,
      });
      assertEquals(await cli.exitCode(), 1, cli.output);
      assertMatch(
        cli.output,
        /ERROR {3}Stopped because of .*NotCapable.*run again with the --allow-net flag/,
      );
      assertEquals(cli.output.match(/.*NotCapable.*\n/g)?.length, 1, cli.output);
    })
  );
});

Deno.test("a program without the permission to run child processes ends at once, and says what is missing", async () => {
  await withSmokeBed((bed) =>
    withFolder(
      { "child.mjs": CHILD, "app.properties": properties(bed, "node child.mjs") },
      async (folder) => {
        const may = ["--allow-read", "--allow-env", "--allow-sys", "--allow-net"];
        await using cli = new CliProcess({
          deno: ["run", "--no-prompt", ...may, CLI],
          args: ["app.properties"],
          cwd: folder,
          env: KEYS,
        });
        assertEquals(await cli.exitCode(), 1, cli.output);
        assertMatch(cli.output, /Cannot start "node" for shard .*NotCapable.*--allow-run/);
      },
    )
  );
});

Deno.test("a second signal ends the program at once, whatever it is doing", async () => {
  await withSmokeBed((bed) =>
    withFolder({ "words.mjs": STUCK, "app.properties": properties(bed, "words.mjs") }, async (folder) => {
      // More than a timer can take: it must not mean 1 ms.
      await using cli = start(folder, "--set", `shutdownGraceMillis=${2 ** 31}`);
      await cli.printed(/\d records/);
      cli.kill("SIGTERM");
      await cli.printed(/Stopping, with 1 lease/);
      // Sooner, it would be taken for an echo of the first.
      await new Promise((resolve) => setTimeout(resolve, 700));
      cli.kill("SIGINT");
      assertEquals(await cli.exitCode(), 130, cli.output); // killed after half a minute, when it waits for the processor
    })
  );
});

Deno.test("a processor that does not finish is left behind after shutdownGraceMillis", async () => {
  await withSmokeBed((bed) =>
    withFolder({ "words.mjs": STUCK, "app.properties": properties(bed, "words.mjs") }, async (folder) => {
      await using cli = start(folder, "--set", "shutdownGraceMillis=200");
      await cli.printed(/\d records/);
      cli.kill("SIGTERM");
      assertEquals(await cli.exitCode(), 143, cli.output);
    })
  );
});

Deno.test("a program that cannot start ends with 1, a wrong command line with 2, --help with 0", async () => {
  const codes = await Promise.all([["none.properties"], ["--strem", "x"], ["--help"]].map(async (args) => {
    await using cli = new CliProcess({ deno: ["run", "-A", CLI], args, cwd: Deno.cwd() });
    return await cli.exitCode();
  }));
  assertEquals(codes, [1, 2, 0]);
});

function start(folder: string, ...args: readonly string[]): CliProcess {
  return new CliProcess({
    deno: ["run", "-A", CLI],
    args: ["app.properties", ...args],
    cwd: folder,
    env: KEYS,
  });
}

/** Where this Deno keeps what it has downloaded. */
function denoFolder(): string {
  const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"], env: { NO_COLOR: "1" } })
    .outputSync();
  return JSON.parse(new TextDecoder().decode(info.stdout)).denoDir;
}
