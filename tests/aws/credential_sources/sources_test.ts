/** Each source of credentials against a scripted fetch. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { CredentialsProvider } from "../../../src/aws/credentials.ts";
import { assumeRoleCredentials } from "../../../src/aws/credential_sources/assume_role.ts";
import { containerCredentials } from "../../../src/aws/credential_sources/container.ts";
import {
  environmentCredentials,
  systemPropertyCredentials,
} from "../../../src/aws/credential_sources/environment.ts";
import { instanceCredentials } from "../../../src/aws/credential_sources/instance.ts";
import { webIdentityCredentials } from "../../../src/aws/credential_sources/web_identity.ts";
import { CredentialsError } from "../../../src/errors.ts";
import { type ScriptedSystem, scriptedSystem, type Step } from "../scripted_system.ts";

const EXPIRY = Date.UTC(2026, 0, 30, 13);
const HTML: Step = { status: 200, body: "<html>geheim</html>" };

interface Scene {
  readonly steps?: readonly Step[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

function scene({ steps = [], env = {}, files = {} }: Scene) {
  const scripted = scriptedSystem(steps, { shortPausesEnd: true });
  return {
    ...scripted,
    env: (name: string) => env[name],
    readTextFile(path: string) {
      const text = files[path];
      return text === undefined ? Promise.reject(new Error("no such file")) : Promise.resolve(text);
    },
    region: "eu-central-1" as string | undefined,
  };
}

/** All that the provider gives, secret and token included. */
async function given(provider: CredentialsProvider) {
  const { accessKeyId, secretAccessKey, sessionToken, expiresEpochMs } = await provider();
  return { accessKeyId, secretAccessKey, sessionToken, expiresEpochMs };
}

const KEYS_JSON = {
  AccessKeyId: "ASIA1",
  SecretAccessKey: "geheim-secret-access-key",
  Token: "geheim-session-token",
  Expiration: "2026-01-30T13:00:00Z",
};
const KEYS = {
  accessKeyId: "ASIA1",
  secretAccessKey: "geheim-secret-access-key",
  sessionToken: "geheim-session-token",
  expiresEpochMs: EXPIRY,
};

/** Why there are no credentials, in one word. */
async function reasonOf(provider: CredentialsProvider): Promise<string> {
  const error = await assertRejects(() => provider());
  return error instanceof CredentialsError ? error.reason : error.name;
}

async function failureOf(provider: CredentialsProvider, scripted?: ScriptedSystem): Promise<string> {
  const error = await assertRejects(() => provider());
  const shown = `${Deno.inspect(error, { depth: 10 })} ${JSON.stringify(error)} ${
    Deno.inspect(scripted?.events ?? [], { depth: 10 })
  }`;
  assert(!shown.includes("geheim"), shown);
  return error.message;
}

// Environment.

Deno.test("environmentCredentials() trims its variables, and asks anew each time", async () => {
  const env: Record<string, string> = { AWS_ACCESS_KEY_ID: " a ", AWS_SECRET_ACCESS_KEY: "s\n" };
  const provider = environmentCredentials((name) => env[name]);
  const plain = {
    accessKeyId: "a",
    secretAccessKey: "s",
    sessionToken: undefined,
    expiresEpochMs: undefined,
  };
  assertEquals(await given(provider), plain);
  env["AWS_SESSION_TOKEN"] = "t";
  assertEquals(await given(provider), { ...plain, sessionToken: "t" });
});

Deno.test("environmentCredentials() and systemPropertyCredentials() say which variable is missing", async () => {
  assertEquals(await failureOf(environmentCredentials(() => undefined)), "AWS_ACCESS_KEY_ID is not set");
  const { env } = scene({ env: { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "  " } });
  assertEquals(await failureOf(environmentCredentials(env)), "AWS_SECRET_ACCESS_KEY is not set");
  assertEquals(await failureOf(systemPropertyCredentials(() => undefined)), "aws.accessKeyId is not set");
});

// Container.

const RELATIVE = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/geheim-id" };

Deno.test("containerCredentials() ask the agent of ECS", async () => {
  const s = scene({ steps: [{ body: KEYS_JSON }], env: RELATIVE });
  assertEquals(await given(containerCredentials(s)), KEYS);
  const [request] = s.requests;
  assertEquals(
    [request?.method, request?.url, request?.redirect],
    ["GET", "http://169.254.170.2/v2/credentials/geheim-id", "manual"],
  );
  assertEquals(request?.headers.get("authorization"), null);
});

Deno.test("containerCredentials() send the token of the environment, else that of the file, read each time", async () => {
  const full = { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials" };
  const byFile = { ...full, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/token" };
  const files: Record<string, string> = { "/token": "one\n" };
  const s = { ...scene({ steps: [{ body: KEYS_JSON }, { body: KEYS_JSON }], env: byFile, files }) };
  const provider = containerCredentials(s);
  await provider();
  files["/token"] = "two";
  s.clock.jump(50 * 60_000);
  await provider();
  assertEquals(s.requests.map((request) => request.headers.get("authorization")), ["one", "two"]);

  const both = scene({
    steps: [{ body: KEYS_JSON }],
    env: { ...byFile, AWS_CONTAINER_AUTHORIZATION_TOKEN: "three" },
  });
  await containerCredentials(both)();
  assertEquals(both.requests[0]?.headers.get("authorization"), "three");
});

const ADDRESSES: readonly (readonly [string, boolean])[] = [
  ["https://agent.example.com/x", true],
  ["http://localhost:8080/x", true],
  ["http://127.0.0.5/x", true],
  ["http://[::1]/x", true],
  ["http://169.254.170.2/x", true],
  ["http://169.254.170.23/x", true],
  ["http://[fd00:ec2::23]/x", true],
  ["http://agent.example.com/x", false],
  ["http://127.0.0.1.example.com/x", false],
  ["http://localhost.example.com/x", false],
  ["http://169.254.169.254/x", false],
  ["http://10.0.0.1/x", false],
  ["ftp://localhost/x", false],
  ["not a URL", false],
];
for (const [url, allowed] of ADDRESSES) {
  Deno.test(`containerCredentials() ${allowed ? "ask" : "refuse"} ${url}`, async () => {
    const s = scene({
      steps: [{ body: KEYS_JSON }],
      env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: "geheim" },
    });
    if (allowed) assertEquals((await given(containerCredentials(s))).accessKeyId, "ASIA1");
    else {assertStringIncludes(
        await failureOf(containerCredentials(s), s),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      );}
    assertEquals(s.requests.length, allowed ? 1 : 0);
  });
}

Deno.test("containerCredentials() try again after a fault, not after a refusal", async () => {
  const s = scene({ steps: [{ status: 500 }, new TypeError("reset"), { body: KEYS_JSON }], env: RELATIVE });
  assertEquals(await given(containerCredentials(s)), KEYS);
  const refused = scene({ steps: [{ status: 403, body: "geheim" }], env: RELATIVE });
  assertEquals(
    await failureOf(containerCredentials(refused), refused),
    "the container's credentials agent answered HTTP 403: expected 200",
  );
});

Deno.test("containerCredentials() give up after six attempts, without a word of the address", async () => {
  const error = new TypeError("cannot connect to http://169.254.170.2/v2/credentials/geheim-id");
  const s = scene({ steps: Array.from({ length: 6 }, () => error), env: RELATIVE });
  const message = await failureOf(containerCredentials(s), s);
  assertStringIncludes(message, "the container's credentials agent cannot be reached");
  assertEquals(s.requests.length, 6);
  assertEquals(s.clock.pendingMs, []);
});

Deno.test("containerCredentials() say what is missing", async () => {
  assertStringIncludes(
    await failureOf(containerCredentials(scene({}))),
    "nor AWS_CONTAINER_CREDENTIALS_FULL_URI",
  );
  const odd = scene({ env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "@evil.example.com" } });
  assertStringIncludes(await failureOf(containerCredentials(odd)), 'must start with "/"');
  const token = scene({ env: { ...RELATIVE, AWS_CONTAINER_AUTHORIZATION_TOKEN: "geheim\r\nhost: evil" } });
  assertStringIncludes(
    await failureOf(containerCredentials(token)),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line",
  );
  const noFile = scene({ env: { ...RELATIVE, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/none" } });
  assertEquals(
    await failureOf(containerCredentials(noFile)),
    "the token file /none cannot be read: no such file",
  );
  const lines = scene({
    env: { ...RELATIVE, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/t" },
    files: { "/t": "geheim\ngeheim" },
  });
  assertStringIncludes(await failureOf(containerCredentials(lines)), "more than one line");
});

const MALFORMED: readonly (readonly [string, Step, string])[] = [
  ["a page", HTML, "something else than a JSON object"],
  ["JSON cut short", { body: '{"SecretAccessKey":"geheim' }, "something else than a JSON object"],
  ["a JSON text", { body: '"geheim"' }, "something else than a JSON object"],
  ["no secret", { body: { AccessKeyId: "a", Token: "geheim" } }, "without AccessKeyId and SecretAccessKey"],
  ["a number for a secret", { body: { ...KEYS_JSON, SecretAccessKey: 7 } }, "without AccessKeyId"],
  ["an expiry that is no time", { body: { ...KEYS_JSON, Expiration: "geheim" } }, "that is no time"],
  ["a failure by name", { body: { ...KEYS_JSON, Code: "AssumeRoleUnauthorizedAccess" } }, "AssumeRoleUnauth"],
  ["a failure in words", { body: { Code: "geheim and more" } }, "a failure"],
  ["a redirect", { status: 302, headers: { location: "http://evil" } }, "HTTP 302"],
];
for (const [comment, step, words] of MALFORMED) {
  Deno.test(`containerCredentials() refuse an answer that is ${comment}, and repeat none of it`, async () => {
    const s = scene({ steps: [step], env: RELATIVE });
    assertStringIncludes(await failureOf(containerCredentials(s), s), words);
  });
}

Deno.test("an Expiration may have an offset without colon", async () => {
  const s = scene({
    steps: [{ body: { ...KEYS_JSON, Expiration: "2026-01-30T14:00:00+0100" } }],
    env: RELATIVE,
  });
  assertEquals((await given(containerCredentials(s))).expiresEpochMs, EXPIRY);
});

// Instance metadata.

const TOKEN: Step = { body: "imds-token" };
const ROLE: Step = { body: "my-role\n" };
const ROLE_KEYS: Step = { body: { Code: "Success", ...KEYS_JSON } };
const IMDS = "http://169.254.169.254/latest";

Deno.test("instanceCredentials() ask for a token, the role's name and its keys", async () => {
  const s = scene({ steps: [TOKEN, ROLE, ROLE_KEYS] });
  assertEquals(await given(instanceCredentials(s)), KEYS);
  assertEquals(s.requests.map(({ method, url }) => `${method} ${url}`), [
    `PUT ${IMDS}/api/token`,
    `GET ${IMDS}/meta-data/iam/security-credentials/`,
    `GET ${IMDS}/meta-data/iam/security-credentials/my-role`,
  ]);
  assertEquals(s.requests[0]?.headers.get("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  assertEquals(s.requests[2]?.headers.get("x-aws-ec2-metadata-token"), "imds-token");
});

Deno.test("instanceCredentials() use the token until it ends, and a new one when it is refused", async () => {
  const s = scene({
    steps: [TOKEN, ROLE, ROLE_KEYS, { status: 401 }, { body: "second" }, ROLE, ROLE_KEYS],
  });
  const provider = instanceCredentials(s);
  await provider();
  s.clock.jump(40 * 60_000);
  await provider();
  assertEquals(s.requests.map((request) => request.headers.get("x-aws-ec2-metadata-token")), [
    null,
    "imds-token",
    "imds-token",
    "imds-token",
    null,
    "second",
    "second",
  ]);
});

for (
  const [comment, step] of [["404", { status: 404 }], ["no answer", "hang"], [
    "a failure",
    new Error("no"),
  ]] as const
) {
  Deno.test(`instanceCredentials() go on without a token after ${comment}, unless that is disabled`, async () => {
    const s = scene({ steps: [step, ROLE, ROLE_KEYS] });
    assertEquals(await given(instanceCredentials(s)), KEYS);
    assertEquals(s.requests[1]?.headers.get("x-aws-ec2-metadata-token"), null);
    const strict = scene({ steps: [step], env: { AWS_EC2_METADATA_V1_DISABLED: "true" } });
    assertStringIncludes(await failureOf(instanceCredentials(strict)), "hop limit must be 2");
  });
}

Deno.test("instanceCredentials() name the reason of a failure", async () => {
  const message = async (...steps: Step[]) => {
    const s = scene({ steps });
    return await failureOf(instanceCredentials(s), s);
  };
  assertStringIncludes(await message({ status: 400, body: "geheim" }), "refused to give a token");
  assertStringIncludes(await message(TOKEN, { status: 404 }), "the instance has no role");
  assertStringIncludes(await message(TOKEN, { body: "" }), "the instance has no role");
  assertStringIncludes(await message(TOKEN, { status: 500 }), "HTTP 500 for the role's name");
  assertStringIncludes(await message(TOKEN, ROLE, HTML), "something else than a JSON object");
  const failure = { body: { Code: "Failed", Message: "geheim" } };
  assertStringIncludes(await message(TOKEN, ROLE, failure), "answered Failed: expected Success");
  const unreachable = await message("hang", "hang");
  assertStringIncludes(unreachable, "cannot be reached: TimeoutError: no answer within 1000 ms");
  assertStringIncludes(unreachable, "hop limit must be 2");
  const insists = await message({ status: 403 }, { status: 401 }, "hang", { status: 401 });
  assertStringIncludes(insists, "insists on a token");
});

Deno.test("instanceCredentials() can be switched off, moved, and asked over IPv6", async () => {
  const off = scene({ env: { AWS_EC2_METADATA_DISABLED: "True" } });
  assertEquals(await failureOf(instanceCredentials(off)), "AWS_EC2_METADATA_DISABLED is true");
  assertEquals(off.requests.length, 0);
  const url = async (env: Record<string, string>) => {
    const s = scene({ steps: [TOKEN, ROLE, ROLE_KEYS], env });
    await instanceCredentials(s)();
    return s.requests[0]?.url;
  };
  assertEquals(
    await url({ AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1338" }),
    "http://127.0.0.1:1338/latest/api/token",
  );
  assertEquals(
    await url({ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv6" }),
    "http://[fd00:ec2::254]/latest/api/token",
  );
});

// STS.

const STS_KEYS = (operation: string): Step => ({
  headers: { "content-type": "text/xml" },
  body: `<${operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${operation}Result>
    <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
    <Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>geheim-secret-access-key</SecretAccessKey>
    <SessionToken>geheim-session-token</SessionToken><Expiration>2026-01-30T13:00:00Z</Expiration></Credentials>
  </${operation}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></${operation}Response>`,
});
const stsError = (status: number, code: string, message: string, date?: string): Step => ({
  status,
  headers: date === undefined ? {} : { date },
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
    <Code>${code}</Code><Message>${message}</Message></Error><RequestId>r-2</RequestId></ErrorResponse>`,
});
const WEB = {
  env: { AWS_WEB_IDENTITY_TOKEN_FILE: "/token", AWS_ROLE_ARN: "arn:aws:iam::1:role/r" },
  files: { "/token": "geheim-web-identity-token\n" },
};
const formOf = (body: string | undefined) => Object.fromEntries(new URLSearchParams(body));

Deno.test("webIdentityCredentials() send the token unsigned to the regional STS", async () => {
  const s = scene({ ...WEB, steps: [STS_KEYS("AssumeRoleWithWebIdentity")] });
  assertEquals(await given(webIdentityCredentials(s)), KEYS);
  const [request] = s.requests;
  assertEquals([request?.method, request?.url], ["POST", "https://sts.eu-central-1.amazonaws.com/"]);
  assertEquals(request?.headers.get("authorization"), null);
  assertEquals(formOf(request?.body), {
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: "arn:aws:iam::1:role/r",
    RoleSessionName: `kclite-${Date.UTC(2026, 0, 30, 12)}`,
    WebIdentityToken: "geheim-web-identity-token",
  });
});

Deno.test("webIdentityCredentials() know the global STS, an own endpoint, other partitions and a session's name", async () => {
  const url = async (region: string | undefined, more: Record<string, string> = {}) => {
    const s = scene({
      ...WEB,
      env: { ...WEB.env, ...more },
      steps: [STS_KEYS("AssumeRoleWithWebIdentity")],
    });
    const stsEndpoint = (of: string) => more["sts"] === undefined ? undefined : `http://${more["sts"]}/${of}`;
    await webIdentityCredentials({ ...s, region, stsEndpoint })();
    return [s.requests[0]?.url, formOf(s.requests[0]?.body)["RoleSessionName"]];
  };
  const name = `kclite-${Date.UTC(2026, 0, 30, 12)}`;
  assertEquals(await url(undefined), ["https://sts.amazonaws.com/", name]);
  assertEquals(await url("cn-north-1"), ["https://sts.cn-north-1.amazonaws.com.cn/", name]);
  assertEquals(
    await url("eu-west-1", { sts: "127.0.0.1:9", AWS_ROLE_SESSION_NAME: "me" }),
    ["http://127.0.0.1:9/eu-west-1/", "me"],
  );
  assertEquals(await url(undefined, { sts: "127.0.0.1:9" }), ["http://127.0.0.1:9/us-east-1/", name]);
});

Deno.test("webIdentityCredentials() read the token anew for each refresh", async () => {
  const files: Record<string, string> = { "/token": "one" };
  const answer = STS_KEYS("AssumeRoleWithWebIdentity");
  const s = scene({ ...WEB, files, steps: [answer, answer] });
  const provider = webIdentityCredentials(s);
  await provider();
  files["/token"] = "two";
  s.clock.jump(59 * 60_000);
  await provider();
  assertEquals(s.requests.map((request) => formOf(request.body)["WebIdentityToken"]), ["one", "two"]);
});

Deno.test("webIdentityCredentials() try again while STS is in trouble or cannot reach the identity provider", async () => {
  const s = scene({
    ...WEB,
    steps: [
      stsError(400, "Throttling", "Rate exceeded"),
      { status: 503 },
      stsError(400, "IDPCommunicationError", "try again"),
      new TypeError("reset"),
      STS_KEYS("AssumeRoleWithWebIdentity"),
    ],
  });
  assertEquals(await given(webIdentityCredentials(s)), KEYS);
});

Deno.test("webIdentityCredentials() say what is missing", async () => {
  assertEquals(await failureOf(webIdentityCredentials(scene({}))), "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  const noRole = scene({ env: { AWS_WEB_IDENTITY_TOKEN_FILE: "/token" } });
  assertStringIncludes(await failureOf(webIdentityCredentials(noRole)), "AWS_ROLE_ARN is not set");
  const empty = scene({ ...WEB, files: { "/token": " \n" } });
  assertEquals(await failureOf(webIdentityCredentials(empty)), "the token file /token is empty");
});

Deno.test("a refusal of STS names operation, code, and what is not allowed, but repeats no secret", async () => {
  const s = scene({
    ...WEB,
    steps: [stsError(
      403,
      "AccessDenied",
      "Not authorized to perform sts:AssumeRoleWithWebIdentity &amp; token geheim-web-identity-token",
    )],
  });
  assertEquals(
    await failureOf(webIdentityCredentials(s), s),
    "sts AssumeRoleWithWebIdentity failed: AccessDenied (HTTP 403): Not authorized to perform " +
      "sts:AssumeRoleWithWebIdentity & token (hidden) [request r-2]",
  );
});

for (
  const [comment, step, words] of [
    ["a page", { status: 404, body: "<html>geheim</html>" }, "Http404 (HTTP 404): no explanation was given"],
    ["a success without keys", HTML, "MalformedResponse"],
    [
      "an expiry that is no time",
      {
        body:
          "<AccessKeyId>a</AccessKeyId><SecretAccessKey>geheim</SecretAccessKey><Expiration>geheim</Expiration>",
      },
      "MalformedResponse",
    ],
    ["a code that is no name", stsError(400, "geheim geheim", ""), "Http400"],
  ] as const
) {
  Deno.test(`webIdentityCredentials() refuse ${comment}, and repeat none of it`, async () => {
    const s = scene({ ...WEB, steps: Array.from({ length: 5 }, () => step) });
    assertStringIncludes(await failureOf(webIdentityCredentials(s), s), words);
  });
}

const BASE = environmentCredentials((name) =>
  ({
    AWS_ACCESS_KEY_ID: "AKIDBASE",
    AWS_SECRET_ACCESS_KEY: "geheim-base-secret-key",
    AWS_SESSION_TOKEN: "geheim-base-token",
  })[name]
);
const ASSUME = { base: BASE, roleArn: "arn:aws:iam::1:role/r", roleSessionName: "me" };

Deno.test("assumeRoleCredentials() sign with the base credentials", async () => {
  const s = scene({ steps: [STS_KEYS("AssumeRole")] });
  const provider = assumeRoleCredentials({ ...s, ...ASSUME, externalId: "x y", region: "us-gov-west-1" });
  assertEquals(await given(provider), KEYS);
  const [request] = s.requests;
  assertEquals(request?.url, "https://sts.us-gov-west-1.amazonaws.com/");
  assertEquals(formOf(request?.body), {
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: "arn:aws:iam::1:role/r",
    RoleSessionName: "me",
    ExternalId: "x y",
  });
  assertStringIncludes(
    request?.headers.get("authorization") ?? "",
    "Credential=AKIDBASE/20260130/us-gov-west-1/sts/aws4_request",
  );
  assertEquals(request?.headers.get("x-amz-security-token"), "geheim-base-token");
});

Deno.test("assumeRoleCredentials() at the global STS are signed for us-east-1", async () => {
  const s = scene({ steps: [STS_KEYS("AssumeRole")] });
  await assumeRoleCredentials({ ...s, ...ASSUME, region: undefined })();
  assertEquals(s.requests[0]?.url, "https://sts.amazonaws.com/");
  assertStringIncludes(s.requests[0]?.headers.get("authorization") ?? "", "/us-east-1/sts/");
});

Deno.test("assumeRoleCredentials() sign again when the clock turns out to be wrong", async () => {
  const s = scene({
    steps: [
      stsError(403, "SignatureDoesNotMatch", "Signature expired", "Fri, 30 Jan 2026 13:00:00 GMT"),
      STS_KEYS("AssumeRole"),
    ],
  });
  assertEquals(await given(assumeRoleCredentials({ ...s, ...ASSUME })), KEYS);
  assertEquals(s.requests[1]?.headers.get("x-amz-date"), "20260130T130000Z");
});

Deno.test("assumeRoleCredentials() repeat nothing of an echoed request", async () => {
  const echo = "The signature does not match. geheim-base-secret-key geheim-base-token! " +
    "The Canonical String for this request should have been 'x-amz-security-token:geheim'";
  const s = scene({ steps: [stsError(403, "SignatureDoesNotMatch", echo)] });
  const message = await failureOf(assumeRoleCredentials({ ...s, ...ASSUME }), s);
  assertStringIncludes(message, "The signature does not match. (hidden) (hidden)!");
});

Deno.test("what the base credentials' source throws passes through", async () => {
  const base = () => Promise.reject(new CredentialsError("no keys"));
  assertEquals(await failureOf(assumeRoleCredentials({ ...scene({}), ...ASSUME, base })), "no keys");
});

Deno.test("instanceCredentials() take the first of several roles, whatever characters its name has", async () => {
  const s = scene({ steps: [TOKEN, { body: "my role/@1\nanother" }, ROLE_KEYS] });
  await instanceCredentials(s)();
  assertEquals(s.requests.at(-1)?.url, `${IMDS}/meta-data/iam/security-credentials/my%20role%2F%401`);
});

Deno.test("instanceCredentials() do not use a token in its last minute", async () => {
  for (const [afterMs, isAskedAnew] of [[21_539_999, false], [21_540_000, true]] as const) {
    const again: readonly Step[] = isAskedAnew ? [{ body: "second" }, ROLE, ROLE_KEYS] : [ROLE, ROLE_KEYS];
    const s = scene({ steps: [TOKEN, ROLE, ROLE_KEYS, ...again] });
    const provider = instanceCredentials(s);
    await provider();
    s.clock.jump(afterMs);
    await provider();
    assertEquals(
      s.requests.at(-1)?.headers.get("x-aws-ec2-metadata-token"),
      isAskedAnew ? "second" : "imds-token",
    );
  }
});

for (
  const [what, provide, failing] of [
    ["containerCredentials()", containerCredentials, { status: 500 }],
    ["webIdentityCredentials()", webIdentityCredentials, stsError(500, "InternalFailure", "no")],
  ] as const
) {
  Deno.test(`${what} end a pause between attempts at once when nobody waits any longer`, async () => {
    const scripted = scriptedSystem([failing]);
    const s = {
      ...scripted,
      env: (name: string) =>
        ({ ...WEB.env, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/creds" } as Record<string, string>)[name],
      readTextFile: () => Promise.resolve("token"),
      region: "eu-central-1",
      system: { ...scripted.system, random: () => 0.9 },
    };
    const stop = new AbortController();
    const given = provide(s)(stop.signal).catch((error) => error);
    // The time limit of the first attempt, then the pause after it.
    for (let i = 0; i < 1000 && scripted.clock.pendingMs[0] !== 45; i++) await scripted.clock.advance(0);
    assertEquals(scripted.clock.pendingMs[0], 45);
    const reason = new Error("stop");
    stop.abort(reason);
    assertEquals(await given, reason);
    await scripted.clock.advance(0);
    assertEquals(scripted.clock.pendingMs, []);
  });
}

Deno.test("assumeRoleCredentials() sign again once, and take a second refusal for an answer", async () => {
  const skewed = (date: string) => stsError(403, "SignatureDoesNotMatch", "Signature expired", date);
  const s = scene({
    steps: [skewed("Fri, 30 Jan 2026 13:00:00 GMT"), skewed("Fri, 30 Jan 2026 14:00:00 GMT")],
  });
  const provider = assumeRoleCredentials({ ...s, ...ASSUME, region: "eu-central-1" });
  await assertRejects(() => provider(), Error, "SignatureDoesNotMatch");
  assertEquals(s.requests.length, 2);
});

Deno.test("assumeRoleCredentials() leave the question for the base credentials when nobody waits any longer", async () => {
  const s = scene({});
  const stop = new AbortController();
  let isLeft = false;
  const base: CredentialsProvider = (signal) =>
    new Promise((_, reject) =>
      signal?.addEventListener("abort", () => {
        isLeft = true;
        reject(signal.reason);
      })
    );
  const provider = assumeRoleCredentials({ ...s, ...ASSUME, base, region: "eu-central-1" });
  const given = provider(stop.signal).catch((error) => error.message);
  await s.clock.advance(0);
  stop.abort(new Error("stop"));
  assertEquals([await given, isLeft], ["stop", true]);
});

Deno.test("a refusal of STS may hold characters by number, and what is none is left as it is", async () => {
  const s = scene({
    ...WEB,
    steps: [stsError(400, "ValidationError", "a&#x41;&#66;&amp;lt; &#x110000; &#9999999999;")],
  });
  const error = await assertRejects(() => webIdentityCredentials(s)());
  assertStringIncludes((error as Error).message, "aAB&lt; &#x110000; &#9999999999;");
});

// What a failure means to a chain, and to the start of a worker.

const times = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step);
const AGENT = { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/x" };
const REASONS:
  readonly (readonly [string, (s: ReturnType<typeof scene>) => CredentialsProvider, Scene, string])[] = [
    ["environment: nothing set", (s) => environmentCredentials(s.env), {}, "notConfigured"],
    [
      "environment: a line break in a key",
      (s) => environmentCredentials(s.env),
      { env: { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s\ns" } },
      "refused",
    ],
    ["container: nothing set", containerCredentials, {}, "notConfigured"],
    [
      "container: an odd address",
      containerCredentials,
      { env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: "x" } },
      "refused",
    ],
    [
      "container: nobody there",
      containerCredentials,
      { env: AGENT, steps: times(6, new Error("no")) },
      "notAnswering",
    ],
    ["container: no answer", containerCredentials, { env: AGENT, steps: times(6, "hang") }, "notAnswering"],
    [
      "container: 500",
      containerCredentials,
      { env: AGENT, steps: times(6, { status: 500 }) },
      "notAnswering",
    ],
    ["container: 403", containerCredentials, { env: AGENT, steps: [{ status: 403 }] }, "refused"],
    ["container: no JSON yet", containerCredentials, { env: AGENT, steps: [HTML] }, "notAnswering"],
    [
      "container: no token file yet",
      containerCredentials,
      { env: { ...AGENT, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/none" } },
      "notAnswering",
    ],
    [
      "container: a token with odd characters",
      containerCredentials,
      { env: { ...AGENT, AWS_CONTAINER_AUTHORIZATION_TOKEN: "geheim…" } },
      "refused",
    ],
    [
      "instance: switched off",
      instanceCredentials,
      { env: { AWS_EC2_METADATA_DISABLED: "true" } },
      "notConfigured",
    ],
    [
      "instance: nobody there",
      instanceCredentials,
      { steps: times(2, new TypeError("no")) },
      "notConfigured",
    ],
    ["instance: no answer", instanceCredentials, { steps: times(2, "hang") }, "notConfigured"],
    [
      "instance: nobody there, version 1 switched off",
      instanceCredentials,
      { steps: ["hang"], env: { AWS_EC2_METADATA_V1_DISABLED: "true" } },
      "notConfigured",
    ],
    ["instance: 503 for a token", instanceCredentials, { steps: [{ status: 503 }] }, "notAnswering"],
    ["instance: 429 for a token", instanceCredentials, { steps: [{ status: 429 }] }, "notAnswering"],
    ["instance: a token, then silence", instanceCredentials, { steps: [TOKEN, "hang"] }, "notAnswering"],
    ["instance: 429 for the role", instanceCredentials, { steps: [TOKEN, { status: 429 }] }, "notAnswering"],
    ["instance: 500 for the role", instanceCredentials, { steps: [TOKEN, { status: 500 }] }, "notAnswering"],
    [
      "instance: 500 for the keys",
      instanceCredentials,
      { steps: [TOKEN, ROLE, { status: 500 }] },
      "notAnswering",
    ],
    [
      "instance: metadata switched off by 403",
      instanceCredentials,
      { steps: times(2, { status: 403 }) },
      "notConfigured",
    ],
    ["instance: no role", instanceCredentials, { steps: [TOKEN, { status: 404 }] }, "notConfigured"],
    ["web identity: nothing set", webIdentityCredentials, {}, "notConfigured"],
    [
      "web identity: half set",
      webIdentityCredentials,
      { env: { AWS_WEB_IDENTITY_TOKEN_FILE: "/t" } },
      "refused",
    ],
    ["web identity: no token file yet", webIdentityCredentials, { env: WEB.env }, "notAnswering"],
    [
      "web identity: an empty token file",
      webIdentityCredentials,
      { env: WEB.env, files: { "/token": "" } },
      "notAnswering",
    ],
  ];
for (const [comment, make, given, reason] of REASONS) {
  Deno.test(`a source that fails is ${reason} for ${comment}`, async () => {
    assertEquals(await reasonOf(make(scene(given))), reason);
  });
}
