import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type CredentialsProvider, staticCredentials } from "../../../src/aws/credentials.ts";
import {
  credentialsChain,
  type CredentialsSurroundings,
  defaultCredentials,
} from "../../../src/aws/credential_sources/chain.ts";
import { credentialsFromSpec } from "../../../src/aws/credential_sources/from_spec.ts";
import { parseCredentialsSpec } from "../../../src/aws/credential_sources/spec.ts";
import { AwsServiceError, CredentialsError } from "../../../src/errors.ts";
import { type ScriptedSystem, scriptedSystem, type Step } from "../scripted_system.ts";

const ONE = staticCredentials({ accessKeyId: "one", secretAccessKey: "s" });
const TWO = staticCredentials({ accessKeyId: "two", secretAccessKey: "s" });
const none = (why: string): CredentialsProvider => () => Promise.reject(new CredentialsError(why));

Deno.test("credentialsChain() uses the first that has any, and stays with it", async () => {
  let asked = 0;
  let fails = false;
  const first = () => (asked++, Promise.reject(new CredentialsError("none")));
  const second = () => fails ? Promise.reject(new CredentialsError("broke later")) : ONE();
  const chain = credentialsChain([
    { name: "first", provider: first },
    { name: "second", provider: second },
    { name: "third", provider: TWO },
  ]);
  assertEquals((await chain()).accessKeyId, "one");
  assertEquals((await chain()).accessKeyId, "one");
  assertEquals(asked, 1);
  fails = true;
  await assertRejects(() => chain(), CredentialsError, "broke later");
});

Deno.test("credentialsChain() lists each source with its reason when none has any", async () => {
  const chain = credentialsChain([
    { name: "environment", provider: none("AWS_ACCESS_KEY_ID is not set") },
    { name: "profile", provider: none("no such profile") },
  ]);
  const error = await assertRejects(() => chain(), CredentialsError);
  assertEquals(
    error.message,
    "Cannot find credentials. Tried environment: AWS_ACCESS_KEY_ID is not set; profile: no such profile",
  );
});

Deno.test("credentialsChain() stops at an abort, and passes its reason through", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const first = (signal?: AbortSignal) => {
    stop.abort(reason);
    return Promise.reject(signal?.reason);
  };
  const chain = credentialsChain([{ name: "first", provider: first }, { name: "second", provider: ONE }]);
  assertEquals(await chain(stop.signal).catch((error) => error), reason);
});

Deno.test("credentialsChain() passes invalidate() to the one in use", async () => {
  const refused: string[] = [];
  const provider: CredentialsProvider = Object.assign(() => ONE(), {
    invalidate: () => void refused.push("one"),
  });
  const chain = credentialsChain([{ name: "one", provider }]);
  chain.invalidate?.(await ONE());
  assertEquals(refused, []);
  chain.invalidate?.(await chain());
  assertEquals(refused, ["one"]);
});

interface Scene {
  readonly steps?: readonly Step[];
  readonly env?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
  readonly profiles?: Readonly<Record<string, string>>;
}

function scene(
  { steps = [], env = {}, properties, profiles }: Scene,
): ScriptedSystem & CredentialsSurroundings & {
  readonly profilesRead: readonly (string | undefined)[];
} {
  const profilesRead: (string | undefined)[] = [];
  return {
    ...scriptedSystem(steps, { shortPausesEnd: true }),
    env: (name) => env[name],
    ...(properties === undefined ? {} : { systemProperty: (name: string) => properties[name] }),
    readTextFile: () => Promise.reject(new Error("no such file")),
    region: "eu-central-1",
    profilesRead,
    ...(profiles === undefined ? {} : {
      profile: (name: string | undefined) => {
        profilesRead.push(name);
        const accessKeyId = profiles[name ?? "default"];
        return accessKeyId === undefined
          ? Promise.reject(new CredentialsError("no such profile"))
          : Promise.resolve({ accessKeyId, secretAccessKey: "s" });
      },
    }),
  };
}

Deno.test("defaultCredentials() go in AWS's order, and look no further than needed", async () => {
  const keys = { AWS_ACCESS_KEY_ID: "env", AWS_SECRET_ACCESS_KEY: "s" };
  const properties = { "aws.accessKeyId": "property", "aws.secretAccessKey": "s" };
  const profiles = { default: "profile" };
  const id = async (s: CredentialsSurroundings) => (await defaultCredentials(s)()).accessKeyId;
  assertEquals(await id(scene({ properties, env: keys, profiles })), "property");
  const byEnv = scene({ properties: {}, env: keys, profiles });
  assertEquals(await id(byEnv), "env");
  assertEquals(byEnv.profilesRead, []);
  const byProfile = scene({
    profiles,
    env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x" },
  });
  assertEquals(await id(byProfile), "profile");
  assertEquals(byProfile.requests.length, 0);
  const byAgent = scene({
    env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x" },
    steps: [{ body: { AccessKeyId: "agent", SecretAccessKey: "s" } }],
  });
  assertEquals(await id(byAgent), "agent");
});

Deno.test("defaultCredentials() without any tell about each source, in one error", async () => {
  const s = scene({ profiles: {}, properties: {}, steps: [{ status: 403 }, { status: 404 }] });
  const error = await assertRejects(() => defaultCredentials(s)(), CredentialsError);
  assertEquals(
    error.message,
    "Cannot find credentials. Tried system properties: aws.accessKeyId is not set; " +
      "environment: AWS_ACCESS_KEY_ID is not set; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; " +
      "profile: no such profile; container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor " +
      "AWS_CONTAINER_CREDENTIALS_FULL_URI is set; instance metadata: the instance has no role",
  );
});

const fromValue = (value: string, s: CredentialsSurroundings) =>
  credentialsFromSpec(parseCredentialsSpec(value), s);

Deno.test("credentialsFromSpec() builds what the value asks for", async () => {
  const env = { AWS_ACCESS_KEY_ID: "env", AWS_SECRET_ACCESS_KEY: "s" };
  const id = async (value: string, s: CredentialsSurroundings) => (await fromValue(value, s)()).accessKeyId;
  assertEquals(await id("StaticCredentialsProvider|a|s", scene({})), "a");
  assertEquals(await id("AnonymousCredentialsProvider", scene({})), "anonymous");
  assertEquals(await id("DefaultCredentialsProvider", scene({ env })), "env");
  assertEquals(await id("EnvironmentVariableCredentialsProvider", scene({ env })), "env");
  assertEquals(await id("ProfileCredentialsProvider|work", scene({ profiles: { work: "w" } })), "w");
  assertEquals(
    await id("ProfileCredentialsProvider|none,EnvironmentVariableCredentialsProvider", scene({ env })),
    "env",
  );
  const properties = { "aws.accessKeyId": "property", "aws.secretAccessKey": "s" };
  assertEquals(await id("SystemPropertyCredentialsProvider", scene({ properties })), "property");
  const agent = { body: { AccessKeyId: "agent", SecretAccessKey: "s" } };
  const container = scene({ env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x" }, steps: [agent] });
  assertEquals(await id("ContainerCredentialsProvider", container), "agent");
  const instance = scene({ steps: [{ body: "token" }, { body: "role" }, agent] });
  assertEquals(await id("InstanceProfileCredentialsProvider", instance), "agent");
  await assertRejects(
    () => id("WebIdentityTokenFileCredentialsProvider", scene({})),
    CredentialsError,
    "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
  );
});

Deno.test("credentialsFromSpec() assumes roles with the default chain, where the value or the rest says", async () => {
  const answer = {
    body: "<AccessKeyId>role</AccessKeyId><SecretAccessKey>s</SecretAccessKey>" +
      "<SessionToken>t</SessionToken><Expiration>2026-01-30T13:00:00Z</Expiration>",
  };
  const env = { AWS_ACCESS_KEY_ID: "base", AWS_SECRET_ACCESS_KEY: "s" };
  const value = "StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|me";
  const plain = scene({ env, steps: [answer] });
  assertEquals((await fromValue(value, plain)()).accessKeyId, "role");
  assertEquals(plain.requests[0]?.url, "https://sts.eu-central-1.amazonaws.com/");
  assertStringIncludes(plain.requests[0]?.headers.get("authorization") ?? "", "Credential=base/");
  const elsewhere = scene({ env, steps: [answer] });
  await fromValue(`${value}|endpoint=http://127.0.0.1:9^eu-west-1|externalId=x`, elsewhere)();
  assertEquals(elsewhere.requests[0]?.url, "http://127.0.0.1:9/");
  assertStringIncludes(elsewhere.requests[0]?.headers.get("authorization") ?? "", "/eu-west-1/sts/");
  assert(elsewhere.requests[0]?.body.includes("ExternalId=x"));
});

Deno.test("credentialsFromSpec() without profile files says so", async () => {
  await assertRejects(
    () => fromValue("ProfileCredentialsProvider", scene({}))(),
    CredentialsError,
    "profile files are not read here",
  );
});

Deno.test("credentialsChain() passes the signal on to each source, also to the one in use", async () => {
  const { signal } = new AbortController();
  const seen: boolean[] = [];
  const provider: CredentialsProvider = (given) => {
    seen.push(given === signal);
    return ONE();
  };
  const chain = credentialsChain([{ name: "one", provider }]);
  await chain(signal);
  await chain(signal);
  assertEquals(seen, [true, true]);
});

Deno.test("credentialsChain() never goes on to another identity when a source that is set up fails", async () => {
  for (const reason of ["notAnswering", "refused"] as const) {
    let fails = true;
    const first: CredentialsProvider = () =>
      fails ? Promise.reject(new CredentialsError("no answer yet", { reason })) : ONE();
    const chain = credentialsChain([
      { name: "none", provider: none("not set") },
      { name: "first", provider: first },
      { name: "second", provider: TWO },
    ]);
    const error = await assertRejects(() => chain(), CredentialsError);
    assertEquals([error.message, error.reason], ["Cannot get credentials from first: no answer yet", reason]);
    fails = false;
    assertEquals((await chain()).accessKeyId, "one");
  }
  const broken = new TypeError("odd");
  const chain = credentialsChain([{ name: "first", provider: () => Promise.reject(broken) }, {
    name: "second",
    provider: TWO,
  }]);
  assertEquals(await chain().catch((error) => error), broken);
});

const POD = { AWS_WEB_IDENTITY_TOKEN_FILE: "/token", AWS_ROLE_ARN: "arn:aws:iam::1:role/r" };

Deno.test("defaultCredentials() of a pod whose web identity fails do not become the node's role", async () => {
  const unmounted = scene({ env: POD });
  const error = await assertRejects(() => defaultCredentials(unmounted)(), CredentialsError, "web identity");
  assertEquals([error.reason, unmounted.requests.length], ["notAnswering", 0]);

  const down = {
    ...scene({ env: POD, steps: Array.from({ length: 5 }, () => ({ status: 503 })) }),
    readTextFile: () => Promise.resolve("t"),
  };
  const unavailable = await assertRejects(() => defaultCredentials(down)(), AwsServiceError);
  assertEquals([unavailable.retryable, down.requests.every(({ url }) => url.includes("sts"))], [true, true]);
});
