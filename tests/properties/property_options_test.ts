import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import {
  type Configuration,
  configurationOf,
  PropertiesError,
  withRegion,
} from "../../src/properties/property_options.ts";
import { environmentEntries, fileEntries, type SourcedEntry } from "../../src/properties/property_source.ts";
import { PROPERTIES } from "../../src/properties/property_table.ts";
import cases from "../cases/property_options.json" with { type: "json" };
import { seeded } from "../support/seed.ts";

/** As tests/cases/property_options.json has it. `options` and `settings` leave out what the base says. */
interface OptionsCase {
  readonly comment: string;
  readonly file: readonly string[];
  /** Lines after those of `file`. @default {BASE} */
  readonly base?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Key, value and flag. */
  readonly flags?: readonly string[][];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** All warnings and words to the operator. @default none */
  readonly notices?: readonly string[];
  readonly problems?: readonly string[];
}

const BASE = ["executableName = x", "applicationName = app", "retrievalMode = POLLING", "streamName = words"];

for (const aCase of cases as unknown as readonly OptionsCase[]) {
  const { comment, options, settings, notices, problems } = aCase;
  Deno.test(`configurationOf() ${problems === undefined ? "takes" : "refuses"}: ${comment}`, () => {
    if (problems !== undefined) {
      assertEquals(assertThrows(() => read(aCase), SyntaxError).message.split("\n"), problems);
      return;
    }
    const configuration = read(aCase);
    if (options !== undefined) {
      const { streamName = "words", ...others } = options;
      assertEquals(plain(configuration.options), {
        applicationName: "app",
        ...(streamName === null ? {} : { streamName }),
        retrievalMode: "POLLING",
        shutdownGraceMs: 5000,
        ...others,
      });
    }
    if (settings !== undefined) {
      assertEquals(plain(configuration.settings), {
        executableName: "x",
        retrievalMode: "POLLING",
        ...settings,
      });
    }
    assertEquals(told(configuration), notices ?? []);
  });
}

function read({ file, base = BASE, env = {}, flags = [] }: Omit<OptionsCase, "comment">): Configuration {
  // What a case says about the mode or the stream itself stands alone.
  const keys = file.map((line) => line.split(/[ =]/)[0]);
  const rest = base.filter((line) => line.startsWith("streamName") || !keys.includes(line.split(" ")[0]));
  return configurationOf([
    fileEntries([...file, ...rest].join("\n"), "app.properties"),
    environmentEntries((name) => env[name], Object.keys(env)),
    flags.map(([key = "", value = "", where = ""]): SourcedEntry => ({ key, value, where })),
  ]);
}

function told({ notices }: Configuration): string[] {
  return notices.filter(({ level }) => level !== "debug").map(({ text }) => text);
}

/** As JSON has it. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("configurationOf() gives times as dates", () => {
  const { options } = read({ file: ["initialPositionInStreamExtended = 1636609142"] });
  assertEquals(options.initialPositionInStream, new Date(1_636_609_142_000));
});

Deno.test("configurationOf() without any retrieval property chooses fan-out, and warns of its cost", () => {
  const base = ["executableName = x", "applicationName = app", "streamName = words"];
  const { options, retrieval } = read({ file: [], base });
  assertEquals(options.retrievalMode, "FANOUT");
  assertEquals(retrieval.level, "warning");
  assertStringIncludes(retrieval.reason, "AWS charges");
});

Deno.test("configurationOf() does not warn of what was asked for", () => {
  const asked = ["retrievalMode = FANOUT", "retrievalMode = POLLING", "maxRecords = 5"];
  assertEquals(asked.map((line) => read({ file: [line] }).retrieval.level), ["info", "info", "info"]);
});

Deno.test("configurationOf() tells of every property at debug, and of no secret ever", () => {
  const file = [
    "AwsCredentialsProvider = StaticCredentialsProvider|AKIA-geheim|geheim2|geheim3, X|geheim4",
    "awscredentialsprovider = Z|geheim5",
    "AwsSecretKey = geheim6",
    "AwsCredentialsProviderDynamoDB = X|geheim7,geheim8",
    "maxRecords = 5",
  ];
  const error = assertThrows(() => read({ file }), SyntaxError);
  const { notices } = read({ file: file.toSpliced(1, 1) });
  const shown = notices.map(({ text }) => text);
  assert(![error.message, ...shown].some((text) => text.includes("geheim")), shown.join("\n"));
  assertEquals(shown.slice(1, 4), [
    '"app.properties" line 1: AwsCredentialsProvider = StaticCredentialsProvider|***,***|***',
    '"app.properties" line 3: AwsCredentialsProviderDynamoDB = ***|***,***',
    '"app.properties" line 4: maxRecords = "5"',
  ]);
});

Deno.test("configurationOf() without a property that it needs tells of one that is misspelt", () => {
  const base = ["executablename = x", "applicationName = app", "streamName = words"];
  const error = assertThrows(() => read({ file: [], base }), PropertiesError);
  assertMatch(error.message, /^Cannot start: expected executableName[^\n]*$/);
  assertEquals(error.notices.filter(({ level }) => level === "warning"), [{
    level: "warning",
    text:
      '"app.properties" line 1: unknown property "executablename" is ignored: did you mean executableName?',
  }]);
});

Deno.test("configurationOf() does not repeat long values", () => {
  const error = assertThrows(() => read({ file: [`maxRecords = ${"9".repeat(5000)}`] }), SyntaxError);
  assert(error.message.length < 250);
});

Deno.test("configurationOf() answers any entries, or says what is wrong", () => {
  const names = PROPERTIES.flatMap(({ name, aliases }) => [name, ...aliases]);
  const entry = fc.record({
    key: fc.oneof(fc.constantFrom(...names), fc.string()),
    value: fc.oneof(
      fc.string(),
      fc.constantFrom("0", "1", "true", "LATEST", "a=b", "PT1S", "http://a", "x,y|z"),
    ),
    where: fc.constant("here"),
  });
  fc.assert(
    fc.property(fc.array(fc.array(entry, { maxLength: 20 }), { maxLength: 3 }), (sources) => {
      try {
        const { options } = withRegion(configurationOf(sources), "eu-central-1");
        assertEquals(typeof options.streamName, "string");
      } catch (error) {
        assert(error instanceof SyntaxError, `${error}`);
        // What is wrong, then what may be why.
        assertMatch(error.message, /^(?:Cannot .*(?:\n|$))+(?:(?:here: |Not served yet).*(?:\n|$))*$/);
      }
    }),
    { ...seeded(), numRuns: 500 },
  );
});

const ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";

Deno.test("withRegion() keeps the ARN of a stream in our region, for it may be another account's", () => {
  const { options, notices } = withRegion(read({ file: [`streamArn = ${ARN}`] }), "eu-central-1");
  assertEquals([options.region, options.streamName, options.streamArn], ["eu-central-1", "orders", ARN]);
  assertEquals(notices.filter(({ text }) => text.includes("of the ARN only")), []);
});

Deno.test("withRegion() takes but the name of a stream in another region, and says so", () => {
  const file = [`streamArn = ${ARN}`, "regionName = us-east-1"];
  const { options, notices } = withRegion(read({ file }), "eu-west-1");
  assertEquals([options.region, options.streamName, options.streamArn], ["us-east-1", "orders", undefined]);
  assertEquals(notices.at(-1), {
    level: "warning",
    text:
      "streamArn is in eu-central-1, but the region is us-east-1: of the ARN only the stream's name, orders, is used",
  });
});

Deno.test("withRegion() takes but the name of a stream of account 000000000000, without a word", () => {
  const file = ["streamArn = arn:aws:kinesis:us-east-1:000000000000:stream/orders"];
  const before = read({ file });
  const { options, notices } = withRegion(before, "us-east-1");
  assertEquals([options.streamName, options.streamArn], ["orders", undefined]);
  assertEquals(notices, before.notices);
});

Deno.test("withRegion() prefers the properties, then the surroundings, then the ARN", () => {
  const region = (file: readonly string[], surroundings: string | undefined) =>
    withRegion(read({ file }), surroundings).options.region;
  assertEquals(region(["regionName = us-east-1"], "eu-west-1"), "us-east-1");
  assertEquals(region([`streamArn = ${ARN}`], "eu-west-1"), "eu-west-1");
  assertEquals(region([`streamArn = ${ARN}`], undefined), "eu-central-1");
  assertEquals(region([], undefined), undefined);
});

Deno.test("withRegion() takes the region of many streams from an ARN, and of an ARN without an account the name", () => {
  const base = ["executableName = x", "applicationName = app"];
  const sample = "arn:aws:kinesis:us-west-2:000000000000:stream/sample";
  const file = ["streamNames = words", `streamArns = ${ARN}, ${sample}`];
  const { options } = withRegion(read({ file, base }), undefined);
  assertEquals([options.region, options.streams], ["eu-central-1", ["words", ARN, "sample"]]);
  assertEquals(withRegion(read({ file, base }), "eu-west-1").options.region, "eu-west-1");
});
