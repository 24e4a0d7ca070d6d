import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseCredentialsSpec } from "../../src/aws/credentials_spec.ts";
import { parseCommand } from "../../src/host/arguments.ts";
import { type Configuration, configurationOf, withRegion } from "../../src/multilang/property_options.ts";
import { decodeProperties } from "../../src/multilang/properties.ts";
import { fileEntries } from "../../src/multilang/property_source.ts";
import { retrievalModeOf } from "../../src/retrieval/retrieval_mode.ts";

/** A complete file but for some lines. */
function read(...lines: readonly string[]): Configuration {
  const has = (key: string) => lines.some((line) => new RegExp(`^${key}\\b`).test(line));
  const base = {
    executableName: "app.py",
    applicationName: "app",
    streamName: "words",
    AwsCredentialsProvider: "DefaultCredentialsProvider",
    retrievalMode: "POLLING",
  };
  const rest = Object.entries(base).filter(([key]) => !has(key)).map(([key, value]) => `${key} = ${value}`);
  return configurationOf([fileEntries([...lines, ...rest].join("\n"), "app.properties")]);
}

/** The warnings among the notices. */
function warnings({ notices }: Configuration): string {
  return notices.filter(({ level }) => level === "warning").map(({ text }) => text).join("\n");
}

Deno.test("a made-up streamArn in another region only warns: of it the stream's name counts (trap 34)", () => {
  const bogus = "streamArn = arn:aws:kinesis:us-east-5:000000000000:stream/kclpysample";
  const configuration = withRegion(read(bogus, "streamName = other", "regionName = us-east-1"), undefined);
  assertEquals(configuration.options.streamName, "kclpysample");
  assertEquals(configuration.options.streamArn, undefined);
  assert(warnings(configuration).includes("us-east-5"));
});

Deno.test("DEFAULT means fan-out, with a word on its cost, unless a polling option is set (trap 35)", () => {
  const byDefault = retrievalModeOf({ retrievalMode: undefined, pollingOptions: { maxRecords: 0 } });
  assertEquals(byDefault.mode, "fanOut");
  assert(byDefault.reason.includes("charges"));
  assertEquals(
    retrievalModeOf({ retrievalMode: "DEFAULT", pollingOptions: { maxRecords: 100 } }).mode,
    "polling",
  );
});

Deno.test("a key in the wrong case warns with the right one (trap 36)", () => {
  assert(/"?RetrievalMode"?.*retrievalMode/.test(warnings(read("RetrievalMode = FANOUT"))));
});

Deno.test("cleanupLeasesUponShardCompletion=false counts (trap 37)", () => {
  assertEquals(
    read("cleanupLeasesUponShardCompletion=false").options.cleanupLeasesUponShardCompletion,
    false,
  );
});

Deno.test("an empty timeoutInSeconds is not set, and surely not 0 (trap 38)", () => {
  assertEquals(read("timeoutInSeconds =").settings.timeoutInSeconds, undefined);
});

Deno.test("a space behind true leaves it true (trap 39)", () => {
  assertEquals(read("leaseTablePitrEnabled = true ").options.leaseTablePitrEnabled, true);
});

for (const text of ["1_000", "100nf", "0x10", "10000L"]) {
  Deno.test(`${text} is no number, and refused (trap 40)`, () => {
    assertThrows(() => read(`failoverTimeMillis = ${text}`), SyntaxError, "failoverTimeMillis");
  });
}

Deno.test("initialPositionInStreamExtended is in seconds, and wins (trap 41)", () => {
  const { options } = read(
    "initialPositionInStreamExtended = 1636609142",
    "initialPositionInStream = LATEST",
  );
  assertEquals(options.initialPositionInStream, new Date("2021-11-11T05:39:02Z"));
});

Deno.test("without an initial position there is none to override LATEST (trap 42)", () => {
  assertEquals(read().options.initialPositionInStream, undefined);
});

Deno.test("the credentials key matches in any case; two of them are an error that names both (trap 43)", () => {
  for (const key of ["AWSCredentialsProvider", "AwsCredentialsProvider", "awsCREDENTIALSprovider"]) {
    const lines = ["executableName = a", "applicationName = a", "streamName = s", "retrievalMode = POLLING"];
    const entries = fileEntries([...lines, `${key} = X`].join("\n"), "f");
    assertEquals(configurationOf([entries]).settings.credentials, "X");
  }
  const both = ["AWSCredentialsProvider = X", "AwsCredentialsProvider = Y"];
  const { message } = assertThrows(() => read(...both), SyntaxError);
  assert(message.includes("AWSCredentialsProvider") && message.includes("AwsCredentialsProvider"), message);
});

Deno.test("static keys and names of the old SDK are taken, with a warning that tells no secret (traps 44, 48)", () => {
  const fixed = parseCredentialsSpec("StaticCredentialsProvider|AKIDEXAMPLE|geheim");
  assertEquals(fixed.entries.map(({ type }) => type), ["static"]);
  assert(fixed.notes.length > 0 && !fixed.notes.join().includes("geheim"));
  const old = parseCredentialsSpec("DefaultAWSCredentialsProviderChain");
  assertEquals(old.entries.map(({ type }) => type), ["default"]);
  assert(old.notes.length > 0);
});

Deno.test("an endpoint moves its own service only (trap 45)", () => {
  const { options } = read("kinesisEndpoint = http://127.0.0.1:1");
  assertEquals(options.kinesisEndpoint, "http://127.0.0.1:1");
  assertEquals(options.dynamoDBEndpoint, undefined);
});

Deno.test("escapes, continued lines, Latin-1 and UTF-8, and spaces behind a name (trap 46)", () => {
  const bytes = (text: string, utf8: boolean) =>
    utf8 ? new TextEncoder().encode(text) : Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (const utf8 of [true, false]) {
    const text = decodeProperties(bytes("executable\\\n  Name\\:x = a\\=b\\ é\n", utf8));
    assertEquals(fileEntries(text, "f").map(({ key, value }) => [key, value]), [[
      "executableName:x",
      "a=b é",
    ]]);
  }
  assertEquals(read("streamName = words  ").options.streamName, "words");
});

Deno.test("the read interval is at least 200 ms, 0 is not set, and maxRecords at most 10000 (trap 47)", () => {
  const short = read("idleTimeBetweenReadsInMillis = 5");
  assertEquals(short.options.idleTimeBetweenReadsMs, 200);
  assert(warnings(short).includes("200"));
  assertEquals(read("idleTimeBetweenReadsInMillis = 0").options.idleTimeBetweenReadsMs, undefined);
  assertThrows(() => read("maxRecords = 10001"), SyntaxError, "maxRecords");
});

Deno.test("no notice repeats what credentials properties say (trap 48)", () => {
  const { notices } = read("AwsCredentialsProvider = StaticCredentialsProvider|AKIDEXAMPLE|geheim");
  assert(notices.length > 0);
  assert(!JSON.stringify(notices).includes("geheim"));
});

Deno.test("what launchers pass to java is understood; -version is answered (trap 49)", () => {
  const java = ["-Xmx1g", "-cp", "a.jar:b.jar", "software.amazon.kinesis.multilang.MultiLangDaemon"];
  const byFlag = parseCommand([...java, "--properties-file", "app.properties"]);
  assertEquals(byFlag.type === "run" && byFlag.file, "app.properties");
  const bare = parseCommand(["app.properties"]);
  assertEquals(bare.type === "run" && bare.file, "app.properties");
  const both = parseCommand(["other.properties", "-p", "app.properties"]);
  assert(both.type === "run" && both.file === "app.properties" && both.warnings.length === 1);
  assertEquals(parseCommand(["-version"]).type, "version");
});
