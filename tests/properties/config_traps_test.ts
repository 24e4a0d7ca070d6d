import { assert, assertEquals, assertThrows } from "@std/assert";
import { KinesisWorker } from "../../mod.ts";
import { parseCredentialsSpec } from "../../src/aws/credential_sources/spec.ts";
import { parseCommand } from "../../src/host/arguments.ts";
import { type Configuration, configurationOf, withRegion } from "../../src/properties/property_options.ts";
import { decodeProperties } from "../../src/properties/properties.ts";
import { fileEntries } from "../../src/properties/property_source.ts";
import { retrievalChoice } from "../../src/properties/retrieval_choice.ts";
import { realSystem } from "../../src/system.ts";
import { runCommand } from "../support/command.ts";

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
  const byDefault = retrievalChoice(undefined, new Map([["maxRecords", 0]]));
  assertEquals(byDefault.mode, "FANOUT");
  assert(byDefault.reason.includes("charges"));
  assertEquals(retrievalChoice("DEFAULT", new Map([["maxRecords", 100]])).mode, "POLLING");
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
    const lines = [
      "executableName = a",
      "applicationName = app",
      "streamName = s",
      "retrievalMode = POLLING",
    ];
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

Deno.test("an SSO profile gives keys once its user has logged in, where Java fails (trap 54)", async () => {
  const home = await Deno.makeTempDir();
  const expiration = Date.now() + 3_600_000;
  const roleCredentials = { accessKeyId: "AKIDSSO", secretAccessKey: "s", sessionToken: "t", expiration };
  const asked: string[] = [];
  await using portal = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const role = new URL(request.url).searchParams.get("role_name");
    asked.push(`${role} ${request.headers.get("x-amz-sso_bearer_token")}`);
    return Response.json({ roleCredentials });
  });
  try {
    const startUrl = "https://kclite-test.invalid/start";
    const lines = ["[profile sso]", `sso_start_url = ${startUrl}`, "sso_region = eu-central-1"];
    lines.push("sso_account_id = 123456789012", "sso_role_name = reader", "");
    await Deno.mkdir(`${home}/.aws/sso/cache`, { recursive: true });
    await Deno.writeTextFile(`${home}/.aws/config`, lines.join("\n"));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(startUrl)));
    const name = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const token = { startUrl, accessToken: "logged-in", expiresAt: new Date(expiration).toISOString() };
    await Deno.writeTextFile(`${home}/.aws/sso/cache/${name}.json`, JSON.stringify(token));
    // In a process of its own: HOME is where the login is looked for.
    const source = `import { profileLoader } from "./src/host/profile_credentials.ts";
      console.log((await profileLoader()("sso")).accessKeyId);`;
    const { port } = portal.addr;
    const env = { HOME: home, AWS_ENDPOINT_URL_SSO: `http://127.0.0.1:${port}`, DENO_DIR: await denoDir() };
    const { stdout, stderr } = await runCommand(Deno.execPath(), ["eval", "-q", "--lock=deno.lock", source], {
      env,
    });
    assertEquals(stdout, "AKIDSSO\n", stderr);
    assertEquals(asked, ["reader logged-in"]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("DynamoDB's requests are signed with the keys for Kinesis, unless it has its own (trap 55)", async () => {
  const signerOf = async (own?: { readonly accessKeyId: string; readonly secretAccessKey: string }) => {
    const signer = Promise.withResolvers<string | undefined>();
    const stop = new AbortController();
    const worker = new KinesisWorker({
      log: false,
      applicationName: "app",
      streamName: "words",
      region: "us-east-1",
      credentials: { accessKeyId: "AKIDKINESIS", secretAccessKey: "s" },
      dynamoDBCredentials: own,
      processor: () => ({ processRecords() {}, shardEnded() {} }),
      system: {
        ...realSystem,
        fetch: (input, init) => {
          const request = new Request(input, init);
          if (!request.url.includes("dynamodb")) return Promise.resolve(Response.json(SUMMARY));
          signer.resolve(request.headers.get("authorization")?.match(/Credential=(\w+)/)?.[1]);
          stop.abort();
          return new Promise((_, reject) =>
            request.signal.addEventListener("abort", () => reject(request.signal.reason))
          );
        },
      },
    });
    const ended = worker.run(stop.signal).catch(() => {});
    const key = await signer.promise;
    await ended;
    return key;
  };
  assertEquals(await signerOf(), "AKIDKINESIS");
  assertEquals(await signerOf({ accessKeyId: "AKIDDYNAMO", secretAccessKey: "s" }), "AKIDDYNAMO");
});

/** What Kinesis says of any stream. */
const SUMMARY = {
  StreamDescriptionSummary: { StreamName: "words", StreamStatus: "ACTIVE", OpenShardCount: 1 },
};

/** Where Deno keeps its packages; by default that depends on HOME. */
async function denoDir(): Promise<string> {
  const { stdout } = await runCommand(Deno.execPath(), ["info", "--json"]);
  return (JSON.parse(stdout) as { readonly denoDir: string }).denoDir;
}
