/**
 * The program without its process: arguments, environment and files in; lines, an exit code and processed records out.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Host, main } from "../cli.ts";
import type { WorkerEvent } from "../src/events.ts";
import type { UncaughtListener } from "../src/host/uncaught.ts";
import type { System } from "../src/system.ts";
import { fastClock } from "./support/fast_clock.ts";
import { withFolder } from "./support/folder.ts";
import { MemoryBed } from "./support/memory_bed.ts";
import { ScriptedKinesis, shardWith } from "./support/scripted_kinesis.ts";
import { SMOKE_TEXTS, type SmokeOptions, withSmokeBed } from "./support/smoke_bed.ts";

/** What a run printed, and how it ended. */
interface Run {
  readonly code: number;
  readonly out: readonly string[];
  /** The lines of the log, without their times. */
  readonly log: readonly string[];
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly options?: Host["options"];
  readonly uncaught?: Host["uncaught"];
}

/** Nothing of this machine may leak in: neither credentials nor a region. */
const NO_CREDENTIALS = {
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_SHARED_CREDENTIALS_FILE: "/none",
  AWS_CONFIG_FILE: "/none",
};

async function run(
  args: readonly string[],
  { env = {}, signal = new AbortController().signal, options = {}, uncaught }: RunOptions = {},
): Promise<Run> {
  const out: string[] = [], log: string[] = [];
  const variables: Readonly<Record<string, string>> = { ...NO_CREDENTIALS, ...env };
  const code = await main(args, {
    out: (line) => void out.push(line),
    err: (line) => void log.push(line.replace(/^\S+Z /, "")),
    childStderr: (text) => void log.push(`child: ${text}`),
    env: (name) => variables[name],
    envNames: Object.keys(variables),
    signal,
    options,
    uncaught,
  });
  return { code, out, log };
}

/** Requests to CloudWatch are the subject of tests/command/cloudwatch_setup_test.ts. */
const NO_METRICS = ["--set", "metricsLevel=NONE"];

/** Flags that say everything but what processes the records. */
const FLAGS = [
  "--application",
  "app",
  "--stream",
  "words",
  "--region",
  "eu-central-1",
  "--set",
  "retrievalMode=POLLING",
];

Deno.test("main() prints the help and the version", async () => {
  const help = await run(["--help"]);
  assertEquals([help.code, help.log], [0, []]);
  assertMatch(help.out.join("\n"), /^Usage: kclite /);
  assertEquals(await run(["--version"]), { code: 0, out: ["kclite 0.1.0"], log: [] });
});

Deno.test("main() ends with 2 for a wrong command line", async () => {
  assertEquals(await run(["--strem", "words"]), {
    code: 2,
    out: [],
    log: ["Unknown option '--strem'\nTry --help"],
  });
});

Deno.test("main() ends with 1 and a line for each thing that is wrong, without a stack", async () => {
  await withFolder({
    "app.properties": "maxRecords = many\n\ncleanupLeasesUponShardCompletion = yes please\n",
  }, async (folder) => {
    const file = `${folder}/app.properties`;
    const { code, log } = await run([file, ...FLAGS, "--executable", "app.py"]);
    assertEquals(code, 1);
    assertEquals(log, [
      `ERROR   Cannot read "${file}" line 1: expected a whole number from 1 to 10000 for maxRecords: got "many"`,
      `ERROR   Cannot read "${file}" line 3: expected "true" or "false" for cleanupLeasesUponShardCompletion: got "yes please"`,
    ]);
    const { log: atDebug } = await run([file, ...FLAGS, "--executable", "app.py", "--log-level", "debug"]);
    assertStringIncludes(atDebug.join("\n"), "property_options.ts");
  });
});

Deno.test("main() says what is odd at its own level, whatever else keeps it from starting", async () => {
  const noRegion = ["--application", "app", "--stream", "words", "--executable", "sh", "-l", "logback.xml"];
  const odd = ["--set", "retrievalmode=POLLING"];
  const levels = ({ log }: Run) => log.map((line) => line.slice(0, 40).trimEnd());
  assertEquals(levels(await run([...noRegion, ...odd, "--set", "maxRecords=many"])), [
    "WARNING --log-configuration is ignored:",
    'WARNING --set: unknown property "retriev',
    "ERROR   Cannot read --set: expected a wh",
  ]);
  assertEquals(levels(await run([...noRegion, ...odd])), [
    "WARNING --log-configuration is ignored:",
    'WARNING --set: unknown property "retriev',
    "ERROR   Cannot start: expected a region:",
  ]);
  assertEquals(levels(await run([...noRegion, ...odd, "none.properties"])), [
    "WARNING --log-configuration is ignored:",
    'ERROR   Cannot read "none.properties": t',
  ]);
});

Deno.test("main() ends with 1 for a file that is not there", async () => {
  const { code, log } = await run(["none.properties"]);
  assertEquals([code, log], [1, [
    `ERROR   Cannot read "none.properties": there is no such file, seen from ${Deno.cwd()}`,
  ]]);
});

Deno.test("main() without a file says what is missing", async () => {
  const { code, log } = await run([]);
  assertEquals([code, log.length], [1, 3]);
  assertMatch(
    log.join("\n"),
    /expected executableName.*\n.*expected applicationName.*\n.*expected streamName or streamArn/,
  );
});

Deno.test("main() ends with 1 without a region, or with one that cannot be", async () => {
  const flags = [
    "--application",
    "app",
    "--stream",
    "words",
    "--executable",
    "sh",
    "--set",
    "retrievalMode=POLLING",
  ];
  const none = await run(flags);
  assertEquals(none.code, 1);
  assertMatch(
    none.log.join("\n"),
    /^ERROR {3}Cannot start: expected a region: set regionName or --region; [^\n]*$/,
  );
  const moon = await run([...flags, "--region", "moon"]);
  assertEquals(moon.code, 1);
  assertMatch(moon.log.join("\n"), /^ERROR {3}Cannot use region "moon": expected a region's code [^\n]*$/);
});

Deno.test("main() finds the region as the AWS SDK does", async () => {
  const flags = ["--application", "app", "--executable", "sh", "--set", "retrievalMode=POLLING"];
  const arn = "arn:aws:kinesis:fr-arn-1:123456789012:stream/words";
  await withFolder({ "config": "[default]\nregion = it-profile-1\n" }, async (folder) => {
    const regionOf = async (args: readonly string[], env: Readonly<Record<string, string>>) => {
      // A region that cannot be is named by the error; nothing is started.
      const { log } = await run(
        [...flags, "--stream", arn, "--set", "dynamoDbClient.region=none!", ...args],
        { env },
      );
      const [, found] = /the region is ([^:]+):/.exec(log.join("\n")) ?? [];
      return found ?? "fr-arn-1";
    };
    const env = { AWS_DEFAULT_REGION: "de-default-1" };
    const withFile = { ...env, AWS_CONFIG_FILE: `${folder}/config` };
    const withRegion = { ...withFile, AWS_REGION: " es-env-1 " };
    assertEquals(await regionOf([], {}), "fr-arn-1");
    assertEquals(await regionOf([], env), "de-default-1");
    assertEquals(await regionOf([], withFile), "it-profile-1");
    assertEquals(await regionOf([], withRegion), "es-env-1");
    assertEquals(await regionOf(["-Daws.region=pt-java-1"], withRegion), "pt-java-1");
    assertEquals(
      await regionOf(["-Daws.region=pt-java-1", "--region", "pl-flag-1"], withRegion),
      "pl-flag-1",
    );
  });
});

Deno.test("main() ends with 1 for a module that is no processor", async () => {
  const files = {
    "empty.ts": "export const a = 1;",
    "broken.mjs": "throw new Error('no database');",
    "app.properties": "",
  };
  await withFolder(files, async (folder) => {
    const failure = async (executable: string) => {
      const { code, log } = await run([`${folder}/app.properties`, ...FLAGS, "--executable", executable]);
      assertEquals([code, log.length], [1, 1], log.join("\n"));
      return log[0];
    };
    // Looked for beside the properties file, then where the program was started.
    assertEquals(
      await failure("none.ts"),
      `ERROR   Cannot load module "none.ts": there is no such file: looked in ${folder} and ${Deno.cwd()}`,
    );
    assertEquals(
      await failure("empty.ts"),
      'ERROR   Cannot use module "empty.ts": expected its default export to be a processor class, or a function ' +
        "(shardId, stream) => processor: got none, but a",
    );
    assertEquals(
      await failure("broken.mjs"),
      `ERROR   Cannot load module "${folder}/broken.mjs": no database`,
    );
  });
});

Deno.test("main() ends with 1 for a program that there is not, before it asks AWS for anything", async () => {
  const asked: string[] = [];
  const fetch = (url: string | URL | Request) => {
    asked.push(`${url}`);
    return Promise.reject(new Error("not to be asked"));
  };
  const { realSystem } = await import("../src/system.ts");
  await withFolder({ "app.py": "", "app.properties": "" }, async (folder) => {
    await Deno.chmod(`${folder}/app.py`, 0o644);
    const failure = async (executable: string) => {
      const { code, log } = await run(
        [`${folder}/app.properties`, ...FLAGS, "--set", "retrievalMode=FANOUT", "--executable", executable],
        { env: KEYS, options: { system: { ...realSystem, fetch } } },
      );
      assertEquals(code, 1);
      return log.filter((line) => line.startsWith("ERROR")).join("\n").replaceAll(folder, "FOLDER");
    };
    assertEquals(
      await failure("app.py"),
      'ERROR   Cannot start: there is no program "app.py" on PATH; a name without a slash is looked for there ' +
        "(there is one beside the properties file: write FOLDER/app.py)",
    );
    assertEquals(
      await failure(`${folder}/app.py`),
      'ERROR   Cannot start: "FOLDER/app.py" is not executable: chmod +x FOLDER/app.py',
    );
    assertMatch(await failure('"app.py"'), /quotes are not understood/);
  });
  assertEquals(asked, []);
});

Deno.test("main() ends with 1 for credentials that cannot be, and shows none of them", async () => {
  const spec = "AwsCredentialsProvider=StaticCredentialsProvider|geheim";
  const { code, log } = await run([...FLAGS, "--executable", "sh", "--set", spec, "--log-level", "debug"]);
  assertEquals(code, 1);
  assertMatch(
    log.join("\n"),
    /ERROR {3}Cannot use AwsCredentialsProvider \(--set\): expected Static/,
  );
  assert(!log.join("\n").includes("geheim"));
});

Deno.test("main() passes over credentials that it does not know, unless it knows none of them", async () => {
  const files = { "app.properties": "\nawscredentialsprovider = com.acme.OwnProvider, other\n" };
  await withFolder(files, async (folder) => {
    const file = `${folder}/app.properties`;
    const { code, log } = await run([file, ...FLAGS, "--executable", "sh"]);
    assertEquals(code, 1);
    assertStringIncludes(
      log.join("\n"),
      `ERROR   Cannot use awscredentialsprovider ("${file}" line 2), entry 1: the credentials provider ` +
        `com.acme.OwnProvider is not known; awscredentialsprovider ("${file}" line 2), entry 2: what stands in`,
    );
    const flags = ["--set", "AwsCredentialsProviderDynamoDB=com.acme.OwnProvider,DefaultCredentialsProvider"];
    const known = await run([...FLAGS, "--executable", "none-such", ...flags]);
    assertEquals(known.log.filter((line) => line.includes("OwnProvider")), [
      "WARNING AwsCredentialsProviderDynamoDB (--set), entry 1: the credentials provider com.acme.OwnProvider " +
      "is not known and is skipped, as in Java",
    ]);
  });
});

/** Flags for emulators. */
function flagsFor(bed: SmokeOptions): string[] {
  return [
    "--kinesis-endpoint",
    bed.kinesisEndpoint,
    "--dynamodb-endpoint",
    bed.dynamoDBEndpoint,
    "--region",
    "us-east-1",
    "--application",
    "app",
    "--stream",
    bed.streamName,
    "--set",
    "initialPositionInStream=TRIM_HORIZON",
    "--set",
    "retrievalMode=POLLING",
  ];
}

const KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

Deno.test("main() without credentials ends with 1 and lists what was tried", async () => {
  await withSmokeBed(async (bed) => {
    const { code, log } = await run([...flagsFor(bed), "--executable", "sh"]);
    assertEquals(code, 1);
    const last = log.at(-1) ?? "";
    assertStringIncludes(
      last,
      "Cannot find credentials. Tried environment: AWS_ACCESS_KEY_ID is not set; web identity:",
    );
    assertMatch(last, /profile: .*; container: .*; instance metadata: /);
    // Told once, and not tried again: it would not help.
    assertEquals(
      log.filter((line) => line.includes("Tried")).length,
      1,
      log.join("\n"),
    );
    assert(!log.some((line) => line.includes("could not be refreshed")), log.join("\n"));
  });
});

/** Posts the text of every record to where the test listens. */
const WORDS = `
export default class Words {
  async processRecords({ records }, context) {
    globalThis.heard(records.map((record) => new TextDecoder().decode(record.data)));
    await context.checkpoint();
  }
  async shardEnded(context) { await context.checkpoint(); }
}`;

Deno.test("main() runs a module beside its properties file until it is told to stop, and serves its health", async () => {
  const heard: string[] = [];
  const stop = new AbortController();
  const answers: { readonly status: number; readonly path: string }[] = [];
  const hosts: string[] = [];
  const events: WorkerEvent["type"][] = [];
  const hear = async (texts: readonly string[]) => {
    heard.push(...texts);
    const [, url = ""] = /Health is served at (\S+)/.exec(log.join("\n")) ?? [];
    for (const path of ["/health", "/live", "/ready", "/metrics"]) {
      const response = await fetch(url + path);
      await response.body?.cancel();
      answers.push({ status: response.status, path });
    }
    for (const host of ["evil.example", "proxy.example", "localhost"]) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
      const request = `GET /lag HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
      await connection.write(new TextEncoder().encode(request));
      const text = await new Response(connection.readable).text();
      hosts.push(`${host} ${text.split(" ")[1]}`);
    }
    stop.abort();
  };
  const log: string[] = [];
  Reflect.set(globalThis, "heard", hear);
  try {
    const file = "executableName = words.mjs\nhealthPort = 0\nhealthAllowedHosts = proxy.example\n";
    await withFolder({ "app.properties": file, "words.mjs": WORDS }, (folder) =>
      withSmokeBed(async (bed) => {
        const code = await main([`${folder}/app.properties`, ...flagsFor(bed)], {
          out: () => {},
          err: (line) => void log.push(line),
          childStderr: () => {},
          env: (name) => ({ ...NO_CREDENTIALS, ...KEYS })[name],
          envNames: [],
          signal: stop.signal,
          options: { onEvent: ({ type }) => void events.push(type) },
        });
        assertEquals(code, 0, log.join("\n"));
      }));
  } finally {
    Reflect.deleteProperty(globalThis, "heard");
  }
  assertEquals(heard, SMOKE_TEXTS);
  assertEquals(answers, ["/health", "/live", "/ready", "/metrics"].map((path) => ({ status: 200, path })));
  assertEquals(hosts, ["evil.example 421", "proxy.example 200", "localhost 200"]);
  assertMatch(
    log[0] ?? "",
    /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO {4}Running app to process stream smoke with executable words.mjs, kclite 0\.1\.0$/,
  );
  assertMatch(log[1] ?? "", /Z INFO {4}Reading by polling, as retrievalMode says\.$/);
  assertMatch(log.at(-1) ?? "", /Z INFO {4}Stopped$/);
  assert(events.includes("checkpointed"));
});

Deno.test("main() calls a worker that renews as rarely as failoverTimeMillis says healthy", async () => {
  assertEquals(
    await healthWithin("failoverTimeMillis = 60000\n"),
    '{"healthy":true,"ready":true,"faults":[]}',
  );
});

Deno.test("main() has /health tell of a callback that takes longer than healthCallbackLimitMillis", async () => {
  const answer = await healthWithin("failoverTimeMillis = 60000\nhealthCallbackLimitMillis = 14000\n");
  assertMatch(answer, /"code":"callbackOverdue".*processRecords has not returned for 15/);
});

/** What /health answers after 15 s in a callback. */
async function healthWithin(properties: string): Promise<string> {
  const { realSystem } = await import("../src/system.ts");
  let aheadMs = 0;
  const clock: System["clock"] = {
    epochMs: () => realSystem.clock.epochMs(),
    monotonicMs: () => realSystem.clock.monotonicMs() + aheadMs,
    sleep: (ms, signal) => realSystem.clock.sleep(ms, signal),
  };
  const stop = new AbortController();
  const log: string[] = [];
  let answer = "";
  const hear = async () => {
    aheadMs = 15_000; // a third of the time is not over, and the default would be
    const [, url = ""] = /Health is served at (\S+)/.exec(log.join("\n")) ?? [];
    answer = await (await fetch(`${url}/health`)).text();
    stop.abort();
  };
  Reflect.set(globalThis, "heard", hear);
  try {
    const file = `executableName = words.mjs\nhealthPort = 0\n${properties}`;
    await withFolder({ "app.properties": file, "words.mjs": WORDS }, (folder) =>
      withSmokeBed(async (bed) => {
        await main([`${folder}/app.properties`, ...flagsFor(bed)], {
          out: () => {},
          err: (line) => void log.push(line),
          childStderr: () => {},
          env: (name) => ({ ...NO_CREDENTIALS, ...KEYS })[name],
          envNames: [],
          signal: stop.signal,
          options: { system: { ...realSystem, clock } },
        });
      }));
  } finally {
    Reflect.deleteProperty(globalThis, "heard");
  }
  return answer;
}

Deno.test("main() ends with 1 when a module makes something that is no processor", async () => {
  await withFolder({ "words.ts": "export default () => ({});" }, (folder) =>
    withSmokeBed(async (bed) => {
      const { code, log } = await run([...flagsFor(bed), "--executable", `${folder}/words.ts`], {
        env: KEYS,
      });
      assertEquals(code, 1);
      assertMatch(
        log.at(-1) ?? "",
        /^ERROR {3}Cannot use module ".*words.ts": expected its default export to make objects/,
      );
    }));
});

/** Speaks the MultiLangDaemon's protocol; its stderr is what it hears. */
const CHILD = `
import { createInterface } from "node:readline";
const answer = (message) => process.stdout.write("\\n" + JSON.stringify(message) + "\\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { action, records = [] } = JSON.parse(line);
  if (action === "checkpoint") continue;
  for (const { data } of records) process.stderr.write("heard " + atob(data) + "\\n");
  answer({ action: "status", responseFor: action });
}
`;

Deno.test("main() runs a program for each shard; the log has what it complains, with the shard", async () => {
  await withFolder({ "child.mjs": CHILD }, (folder) =>
    withSmokeBed(async (bed) => {
      const stop = new AbortController();
      const onEvent = (event: WorkerEvent) => {
        if (event.type === "notice" && event.text.includes("heard three")) stop.abort();
      };
      const executable = `${Deno.execPath()} run --no-config ${folder}/child.mjs`;
      const { code, log } = await run(
        [
          ...flagsFor(bed),
          "--executable",
          executable,
          "--set",
          "AWSCredentialsProvider=StaticCredentialsProvider|a|b",
        ],
        { signal: stop.signal, options: { onEvent } },
      );
      assertEquals(code, 0, log.join("\n"));
      const heard = log.filter((line) => line.includes("heard"));
      assertEquals(
        heard.map((line) => line.replace(/ Child process \d+ /, " ")),
        SMOKE_TEXTS.map((text) => `INFO    shardId-000000000000: stderr: heard ${text}`),
      );
    }));
});

Deno.test("main() runs the module beside the properties file, not one of that name in the working directory", async () => {
  // This repository has a module of that name, whose message would be another one.
  await withFolder({ "mod.ts": "export const beside = 1;", "app.properties": "" }, async (folder) => {
    const { code, log } = await run([`${folder}/app.properties`, ...FLAGS, "--executable", "mod.ts"]);
    assertEquals(code, 1);
    assertMatch(log.join("\n"), /Cannot use module "mod.ts": .*got none, but beside$/);
  });
});

Deno.test("main() ends with 1 for a program that can never start, and does not try again", async () => {
  await withFolder({ "app.rb": "#!/usr/bin/env ruby\n" }, (folder) =>
    withSmokeBed(async (bed) => {
      for (
        const executable of [
          "kclite-test-nothing app.rb",
          '"ruby app.rb"',
          `${folder}/app.rb`,
          `${folder}/none/app.rb`,
        ]
      ) {
        let restarts = 0;
        const stop = new AbortController();
        const onEvent = ({ type }: WorkerEvent) => {
          if (type === "processorRestarting" && ++restarts > 1) stop.abort();
        };
        const { code, log } = await run([...flagsFor(bed), "--executable", executable], {
          env: KEYS,
          signal: stop.signal,
          options: { onEvent },
        });
        assertEquals(code, 1, log.join("\n"));
        assert(restarts <= 1, `it tries ${executable} again`);
        assertMatch(log.at(-1) ?? "", /^ERROR {3}Cannot /);
      }
    }));
});

Deno.test("main() ends in order, with 1, for what nobody handled; its first line is told at once, more are counted", async () => {
  let hear: UncaughtListener = () => {};
  const onEvent = ({ type }: WorkerEvent) => {
    if (type !== "leaseGained") return;
    hear("a promise was rejected, and nobody handled it", new TypeError("boom"));
    hear("an exception was thrown, and nobody caught it", new Error("again"));
    hear("an exception was thrown, and nobody caught it", "and again");
  };
  await withFolder({ "words.mjs": WORDS }, (folder) =>
    withSmokeBed(async (bed) => {
      const { code, log } = await run([...flagsFor(bed), "--executable", `${folder}/words.mjs`], {
        env: KEYS,
        uncaught: (listener) => hear = listener,
        options: { onEvent },
      });
      assertEquals(code, 1);
      const text = log.join("\n");
      assertMatch(
        text,
        /ERROR {3}Cannot go on: a promise was rejected, and nobody handled it: TypeError: boom at cli_test\.ts:.*: the leases are handed over, and the program ends with 1\n[^]*lease released[^]*Stopped/,
      );
      assertEquals(log.filter((line) => line.includes("Cannot go on")).length, 1);
      assertMatch(log.at(-1) ?? "", /^ERROR {3}2 more rejections or exceptions came after the first$/);
    }));
});

Deno.test("main() does not wait for a module to load after a rejection in it", async () => {
  const gate = Promise.withResolvers<void>();
  let hear: UncaughtListener = () => {};
  const heard = () => {
    hear("a promise was rejected, and nobody handled it", new Error("boom"));
    return gate.promise;
  };
  Reflect.set(globalThis, "heard", heard);
  try {
    await withFolder({ "words.mjs": "await globalThis.heard();" }, async (folder) => {
      const { code, log } = await run([...FLAGS, "--executable", `${folder}/words.mjs`], {
        env: KEYS,
        uncaught: (listener) => hear = listener,
      });
      assertEquals([code, log.length], [1, 1]);
      assertMatch(log[0] ?? "", /Cannot go on: .*boom/);
      gate.resolve();
      await import(`file://${folder}/words.mjs`);
    });
  } finally {
    Reflect.deleteProperty(globalThis, "heard");
  }
});

Deno.test("main() prints no control characters: of configuration, of wrong arguments, of programs", async () => {
  const evil = "a\u001b[2J\u0007\u009b\u202eb";
  const misuse = await run([`--${evil}`]);
  const refused = await run([...FLAGS, "--executable", `${evil}.ts`]);
  const child = `console.error(${JSON.stringify(`${evil}\r\n\tnext`)});\n${CHILD}`;
  await withFolder({ "child.mjs": child }, (folder) =>
    withSmokeBed(async (bed) => {
      for (const level of ["warning", "info"]) {
        const stop = new AbortController();
        const onEvent = (event: WorkerEvent) => {
          if (event.type === "notice" && event.text.includes("heard three")) stop.abort();
        };
        const executable = `${Deno.execPath()} run --no-config ${folder}/child.mjs ${evil}`;
        const { log } = await run(
          [...flagsFor(bed), "--executable", executable, "--log-level", level],
          { env: KEYS, signal: stop.signal, options: { onEvent } },
        );
        assertMatch(log.join("\n"), level === "warning" ? /child: a \[2J b\n\tnext\n/ : /stderr: a \[2J b\n/);
        for (const text of [...log, ...misuse.log, ...refused.log]) {
          // deno-lint-ignore no-control-regex -- these are what must not be there
          assert(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/.test(text), JSON.stringify(text));
        }
      }
    }));
});

Deno.test("main() passes on what programs complain where the log does not show it", async () => {
  await withFolder({ "child.mjs": CHILD }, (folder) =>
    withSmokeBed(async (bed) => {
      const stop = new AbortController();
      const onEvent = (event: WorkerEvent) => {
        if (event.type === "notice" && event.text.includes("heard three")) stop.abort();
      };
      const executable = `${Deno.execPath()} run --no-config ${folder}/child.mjs`;
      const { log } = await run(
        [...flagsFor(bed), "--executable", executable, "--log-level", "warning"],
        { env: KEYS, signal: stop.signal, options: { onEvent } },
      );
      assertEquals(log.filter((line) => !line.startsWith("child: ")), []);
      assertEquals(log.map((line) => line.slice(7)).join(""), "heard one\nheard two\nheard three\n");
    }));
});

Deno.test("main() with onChildFailure = exit ends with 1 when a program dies, as KCL does", async () => {
  await withFolder({ "child.mjs": "process.exit(3);" }, (folder) =>
    withSmokeBed(async (bed) => {
      const executable = `${Deno.execPath()} run --no-config ${folder}/child.mjs`;
      const { code, log } = await run(
        [...flagsFor(bed), "--executable", executable, "--set", "onChildFailure=exit"],
        { env: KEYS },
      );
      assertEquals(code, 1);
      assertMatch(
        log.at(-1) ?? "",
        /^ERROR {3}(?:MultiLangProtocolError: )?.*shardId-000000000000|^ERROR {3}.*exit code 3/,
      );
    }));
});

Deno.test("main() told to stop while it looks for its region ends in order", async () => {
  const stop = new AbortController();
  const reason = new Error("Stopped by SIGTERM");
  const args = ["--application", "app", "--stream", "words", "--executable", "sh"];
  const env = { AWS_EC2_METADATA_DISABLED: "false" };
  const fetch = () => {
    stop.abort(reason);
    return new Promise<Response>(() => {});
  };
  const { realSystem } = await import("../src/system.ts");
  const { code, log } = await run(args, {
    env,
    signal: stop.signal,
    options: { system: { ...realSystem, fetch } },
  });
  assertEquals([code, log], [0, []]);
});

/** Runs a worker in memory until something happens; an ECS agent is told of, which nobody answers for. @returns what was asked of it. */
async function askedOfAgent(flags: readonly string[], until: WorkerEvent["type"]): Promise<string[]> {
  const stop = new AbortController();
  const asked: string[] = [];
  const fetch = (url: string | URL | Request) => {
    asked.push(`${url}`);
    return Promise.reject(new Error("no agent here"));
  };
  const { realSystem } = await import("../src/system.ts");
  const bed = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  kinesis.describeStreamSummary = () =>
    Promise.resolve({
      streamName: "words",
      streamArn: undefined,
      streamStatus: "ACTIVE",
      streamCreationEpochS: undefined,
      openShardCount: 1,
    });
  const { code, log } = await run([...FLAGS, "--executable", "sh", ...flags], {
    env: { ...KEYS, ECS_CONTAINER_METADATA_URI_V4: "http://agent/v4/1" },
    signal: stop.signal,
    options: {
      system: { ...realSystem, fetch },
      kinesis,
      leaseStore: bed.store,
      coordinatorStore: bed.coordinator,
      onEvent: (event) => {
        if (event.type === until) stop.abort();
      },
    },
  });
  assertEquals(code, 0, log.join("\n"));
  return asked;
}

Deno.test({
  name: "main() measures how busy the container or host is, unless disableWorkerMetrics is set",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // The first measurement is made at once; that it fails is told in a notice.
    assertEquals(await askedOfAgent([], "notice"), ["http://agent/v4/1/stats"]);
    assertEquals(await askedOfAgent(["--set", "disableWorkerMetrics=true"], "leadershipGained"), []);
  },
});

/** A worker in memory whose time the test moves. */
function memoryHost(options: Partial<Host["options"]> = {}) {
  const bed = new MemoryBed();
  const kinesis = new ScriptedKinesis(() => bed.clock.monotonicMs());
  kinesis.describeStreamSummary = () =>
    Promise.resolve({
      streamName: "words",
      streamArn: undefined,
      streamStatus: "ACTIVE",
      streamCreationEpochS: undefined,
      openShardCount: 1,
    });
  return {
    clock: bed.clock,
    kinesis,
    options: {
      system: bed.system,
      kinesis,
      leaseStore: bed.store,
      coordinatorStore: bed.coordinator,
      ...options,
    },
  };
}

Deno.test("main() writes a line on a healthy worker every ten minutes", async () => {
  await withFolder({ "words.mjs": WORDS }, async (folder) => {
    const { clock, kinesis, options } = memoryHost();
    kinesis.shards = [shardWith("shardId-000000000000")];
    const stop = new AbortController();
    const rarely = [
      "failoverTimeMillis=300000",
      "leaseDiscoveryIntervalMillis=60000",
      "disableWorkerMetrics=true",
    ];
    const executable = ["--executable", `${folder}/words.mjs`, ...rarely.flatMap((set) => ["--set", set])];
    let isReady = false;
    const onEvent = ({ type }: WorkerEvent) => void (isReady ||= type === "workerReady");
    const observed = { ...options, onEvent };
    const ended = run([...FLAGS, ...executable], { env: KEYS, signal: stop.signal, options: observed });
    // Configuring and loading the module take real time, in which this clock stands.
    while (!isReady) await new Promise((resolve) => setTimeout(resolve, 5));
    await clock.advance(1_300_000);
    stop.abort();
    await Promise.all([ended, clock.advance(10_000)]);
    const { code, log } = await ended;
    assertEquals(code, 0, log.join("\n"));
    const summaries = log.filter((line) => line.includes("so far"));
    assertEquals(summaries.length, 2, log.join("\n"));
    assertMatch(summaries[0] ?? "", /^INFO {4}Healthy: \S+ \(leader\): 1 shard, /);
  });
});

Deno.test("main() says what runs and its version first, then what is odd, then the rule for batches that throw", async () => {
  await withFolder({ "words.mjs": WORDS }, async (folder) => {
    const linesWith = async (...flags: readonly string[]) => {
      const { options } = memoryHost();
      const stop = new AbortController();
      const onEvent = ({ type }: WorkerEvent) => type === "errorRule" && stop.abort();
      const { log } = await run([...FLAGS, "--set", "unheardOf=1", ...flags], {
        env: KEYS,
        signal: stop.signal,
        options: { ...options, onEvent },
      });
      return log;
    };
    const module = ["--executable", `${folder}/words.mjs`];
    const [first = "", second = "", third = "", metrics = "", , rule = ""] = await linesWith(...module);
    assertMatch(
      first,
      /^INFO {4}Running app to process stream words with executable .*words.mjs, kclite 0\.1\.0$/,
    );
    assertMatch(second, /^WARNING .*unheardOf/);
    assertMatch(third, /^INFO {4}Reading by polling/);
    assertMatch(metrics, /^INFO {4}No metrics are sent to CloudWatch: Kinesis has an endpoint of its own/);
    assertMatch(rule, /^WARNING When processRecords throws, its records are SKIPPED/);
    const chosen = await linesWith(...module, "--set", "onProcessError=skip");
    assertMatch(chosen[5] ?? "", /^INFO {4}When processRecords throws, its records are SKIPPED/);
    // A program starts again at its checkpoint, whatever the rule for modules.
    const program = await linesWith("--executable", "sh", "--set", "onProcessError=skip");
    assertMatch(
      program.join("\n"),
      /WARNING onProcessError = skip is for modules: a program that fails starts again/,
    );
    assertMatch(
      program.join("\n"),
      /INFO {4}When processRecords throws, the batch comes again until it succeeds/,
    );
  });
});

Deno.test("main() works with a log that cannot be written, and says later how much is missing", async () => {
  await withFolder({ "words.mjs": WORDS }, async (folder) => {
    const { options } = memoryHost();
    const stop = new AbortController();
    const events: string[] = [], log: string[] = [];
    let isFull = true;
    const code = await main([...FLAGS, "--executable", `${folder}/words.mjs`], {
      out: () => {},
      err: (line) => {
        if (isFull) throw new Error("No space left on device");
        log.push(line.replace(/^\S+Z /, ""));
      },
      childStderr: () => {},
      env: (name) => ({ ...NO_CREDENTIALS, ...KEYS })[name],
      envNames: [],
      signal: stop.signal,
      options: {
        ...options,
        onEvent: ({ type }) => {
          events.push(type);
          if (type !== "errorRule") return;
          isFull = false;
          stop.abort();
        },
      },
    });
    assertEquals(code, 0);
    assertEquals(events.at(-1), "workerStopped");
    assertMatch(log[0] ?? "", /^ERROR {3}\d lines of this log could not be written$/);
    assertEquals(log.at(-1), "INFO    Stopped");
  });
});

Deno.test("main() ends with its exit code where even that cannot be printed", async () => {
  const fail = () => {
    throw new Error("No space left on device");
  };
  for (const [args, code] of [[["--strem", "x"], 2], [["none.properties"], 1]] as const) {
    const host = { out: fail, err: fail, childStderr: fail, env: () => undefined, envNames: [] };
    assertEquals(await main(args, { ...host, signal: new AbortController().signal }), code);
  }
});

Deno.test("main() waits for credentials that are set up and not there yet, and uses no others", async () => {
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "token",
    AWS_EC2_METADATA_DISABLED: "false", // the node's role would be there
  };
  const asked: string[] = [];
  const system: System = {
    clock: fastClock(50),
    random: () => 0,
    fetch: (input) => {
      const { host } = new URL(String(input));
      const before = asked.filter((other) => other === host).length;
      asked.push(host);
      if (host !== "169.254.170.23") {
        return Promise.resolve(Response.json({ __type: "AccessDeniedException" }, { status: 400 }));
      }
      // Nobody for three tries of six attempts each, then the agent.
      if (before < 18) return Promise.reject(new TypeError("connection refused"));
      return Promise.resolve(Response.json({ AccessKeyId: "A", SecretAccessKey: "s", Token: "t" }));
    },
  };
  await withFolder(
    { "words.ts": "export default () => ({ processRecords() {}, shardEnded() {} });" },
    async (folder) => {
      const { code, log } = await run([...FLAGS, ...NO_METRICS, "--executable", `${folder}/words.ts`], {
        env,
        options: { system },
      });
      const failures = log.filter((line) => line.includes("to start failed"));
      assertEquals(failures.length, 3, log.join("\n"));
      assertMatch(
        failures[0] ?? "",
        /Attempt 1 of 20 .* container: the container's credentials agent cannot be reached/,
      );
      assertMatch(log.at(-1) ?? "", /AccessDeniedException/);
      assertEquals(code, 1);
    },
  );
  assertEquals([...new Set(asked)], ["169.254.170.23", "kinesis.eu-central-1.amazonaws.com"]);
});

Deno.test("main() goes where AWS's standard settings say, unless it is told otherwise, and says so", async () => {
  const asked = new Set<string>();
  const system: System = {
    clock: fastClock(500),
    random: () => 0,
    fetch: (input) => {
      asked.add(String(input));
      return Promise.resolve(Response.json({ __type: "AccessDeniedException" }, { status: 400 }));
    },
  };
  const env = {
    AWS_ACCESS_KEY_ID: "a",
    AWS_SECRET_ACCESS_KEY: "s",
    AWS_ENDPOINT_URL: "http://all.test",
    AWS_ENDPOINT_URL_KINESIS: "http://streams.test",
  };
  await withFolder(
    { "words.ts": "export default () => ({ processRecords() {}, shardEnded() {} });" },
    async (folder) => {
      const flags = [...FLAGS, ...NO_METRICS, "--executable", `${folder}/words.ts`];
      const { log } = await run(flags, { env, options: { system } });
      assertEquals([...asked], ["http://streams.test/"]);
      assertStringIncludes(
        log.join("\n"),
        "kinesisEndpoint is http://streams.test/: set by AWS_ENDPOINT_URL_KINESIS",
      );
      assertStringIncludes(log.join("\n"), "dynamoDBEndpoint is http://all.test/: set by AWS_ENDPOINT_URL");
      asked.clear();
      await run([...flags, "--kinesis-endpoint", "http://mine.test"], { env, options: { system } });
      assertEquals([...asked], ["http://mine.test/"]);
      asked.clear();
      const web = {
        AWS_WEB_IDENTITY_TOKEN_FILE: `${folder}/words.ts`,
        AWS_ROLE_ARN: "arn:aws:iam::1:role/r",
      };
      const fips = { ...web, AWS_USE_FIPS_ENDPOINT: "true" };
      await run(flags, { env: fips, options: { system } });
      assertEquals([...asked], ["https://sts-fips.eu-central-1.amazonaws.com/"]);
    },
  );
});
