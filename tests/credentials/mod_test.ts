/** The entry point `./credentials`, with the surroundings of a test. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  assumeRoleCredentials,
  cachedCredentials,
  CredentialsError,
  defaultCredentials,
  endpointsFromEnvironment,
  webIdentityCredentials,
} from "../../src/credentials/mod.ts";
import { scriptedSystem, type Step } from "../aws/scripted_system.ts";
import { withFolder } from "../support/folder.ts";

const STS: Step = {
  body: "<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>" +
    "<Expiration>2026-01-30T13:00:00Z</Expiration>",
};
const ROLE = "arn:aws:iam::123456789012:role/r";

/** Variables of a machine with nothing set up but these. */
const machine = (env: Readonly<Record<string, string>> = {}) => (name: string): string | undefined =>
  new Map(Object.entries({ AWS_CONFIG_FILE: "/none", AWS_SHARED_CREDENTIALS_FILE: "/none", ...env })).get(
    name,
  );

const formOf = (body: string | undefined) => Object.fromEntries(new URLSearchParams(body));

Deno.test("defaultCredentials() of the library are AWS's chain: environment, profile, container", async () => {
  const { system } = scriptedSystem([]);
  const keys = { AWS_ACCESS_KEY_ID: "ENV", AWS_SECRET_ACCESS_KEY: "s" };
  assertEquals((await defaultCredentials({ system, env: machine(keys) })()).accessKeyId, "ENV");
  await withFolder({
    "credentials": "[work]\naws_access_key_id = WORK\naws_secret_access_key = s\n",
  }, async (folder) => {
    const env = machine({ AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials`, AWS_PROFILE: "work" });
    assertEquals((await defaultCredentials({ system, env })()).accessKeyId, "WORK");
    const missing = machine({ AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials`, AWS_PROFILE: "none" });
    const error = await assertRejects(() => defaultCredentials({ system, env: missing })(), CredentialsError);
    assertEquals(error.reason, "refused");
  });
  const agent = scriptedSystem([{ body: { AccessKeyId: "AGENT", SecretAccessKey: "s" } }]);
  const env = machine({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/x" });
  assertEquals((await defaultCredentials({ system: agent.system, env })()).accessKeyId, "AGENT");
  const off = machine({ AWS_EC2_METADATA_DISABLED: "true" });
  const none = await assertRejects(() => defaultCredentials({ system, env: off })(), CredentialsError);
  assertEquals(none.reason, "notConfigured");
});

Deno.test("webIdentityCredentials() of the library ask a function for the token before each refresh", async () => {
  const { system, requests, clock } = scriptedSystem([STS, STS]);
  let asked = 0;
  const provider = webIdentityCredentials({
    roleArn: ROLE,
    roleSessionName: "me",
    region: "eu-central-1",
    token: () => `token-${++asked}`,
    system,
    env: machine(),
  });
  assertEquals((await provider()).accessKeyId, "ROLE");
  await provider();
  clock.jump(59 * 60_000);
  await provider();
  assertEquals(
    requests.map(({ url, body }) => [url, formOf(body)["WebIdentityToken"], formOf(body)["RoleArn"]]),
    [
      ["https://sts.eu-central-1.amazonaws.com/", "token-1", ROLE],
      ["https://sts.eu-central-1.amazonaws.com/", "token-2", ROLE],
    ],
  );
});

Deno.test("webIdentityCredentials() of the library say why there is no token", async () => {
  const failure = async (token: () => string) => {
    const { system } = scriptedSystem([]);
    const provider = webIdentityCredentials({ roleArn: ROLE, token, system, env: machine() });
    const { message, reason } = await assertRejects(() => provider(), CredentialsError);
    return [message, reason];
  };
  assertEquals(await failure(() => " "), [
    "the function that gives the token gave an empty text: expected a text",
    "refused",
  ]);
  assertEquals(
    await failure(() => {
      throw new Error("issuer is down");
    }),
    ["the function that gives the token failed: issuer is down", "notAnswering"],
  );
});

Deno.test("assumeRoleCredentials() of the library sign with the base that is given, else with the default chain", async () => {
  const keys = machine({ AWS_ACCESS_KEY_ID: "ENV", AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1" });
  for (const base of [undefined, () => Promise.resolve({ accessKeyId: "MINE", secretAccessKey: "s" })]) {
    const { system, requests } = scriptedSystem([STS]);
    const provider = assumeRoleCredentials({ roleArn: ROLE, base, system, env: keys });
    assertEquals((await provider()).accessKeyId, "ROLE");
    const signer = base === undefined ? "ENV" : "MINE";
    assert(
      requests[0]?.headers.get("authorization")?.includes(`Credential=${signer}/20260130/eu-west-1/sts/`),
    );
    assertEquals(requests[0]?.url, "https://sts.eu-west-1.amazonaws.com/");
  }
});

Deno.test("the library's roles go to the STS that AWS's settings name, unless an endpoint is given", async () => {
  const env = machine({ AWS_ENDPOINT_URL_STS: "http://127.0.0.1:9", AWS_ENDPOINT_URL: "http://127.0.0.1:8" });
  const urls: (string | undefined)[] = [];
  for (const endpoint of [undefined, "http://127.0.0.1:7"]) {
    const { system, requests } = scriptedSystem([STS, STS]);
    const base = { accessKeyId: "MINE", secretAccessKey: "s" };
    await webIdentityCredentials({ roleArn: ROLE, token: () => "t", endpoint, system, env })();
    await assumeRoleCredentials({ roleArn: ROLE, base, endpoint, system, env })();
    urls.push(...requests.map(({ url }) => url));
  }
  assertEquals(urls, [
    "http://127.0.0.1:9/",
    "http://127.0.0.1:9/",
    "http://127.0.0.1:7/",
    "http://127.0.0.1:7/",
  ]);
});

Deno.test("cachedCredentials() of the library ask a function once", async () => {
  const { system } = scriptedSystem([]);
  let asked = 0;
  const provider = cachedCredentials(() => {
    asked++;
    return Promise.resolve({
      accessKeyId: "A",
      secretAccessKey: "s",
      expiration: new Date(system.clock.epochMs() + 3_600_000),
    });
  }, { system });
  const all = await Promise.all([provider(), provider()]);
  await provider();
  assertEquals([asked, all[0]?.expiresEpochMs], [1, system.clock.epochMs() + 3_600_000]);
});

Deno.test("endpointsFromEnvironment() are options of a worker, from variables and from the profile", async () => {
  assertEquals(await endpointsFromEnvironment({ region: "eu-central-1", env: machine() }), {});
  assertEquals(
    await endpointsFromEnvironment({ region: "eu-central-1", env: machine({ CBOR_ENABLED: "false" }) }),
    { wireFormat: "json" },
  );
  const config =
    "[default]\nservices = local\nendpoint_url = http://127.0.0.1:1\n[services local]\nkinesis =\n" +
    "  endpoint_url = http://127.0.0.1:2\n";
  await withFolder({ config }, async (folder) => {
    const env = { AWS_CONFIG_FILE: `${folder}/config` };
    assertEquals(await endpointsFromEnvironment({ region: "eu-central-1", env: machine(env) }), {
      kinesisEndpoint: "http://127.0.0.1:2/",
      dynamoDBEndpoint: "http://127.0.0.1:1/",
    });
    const fips = { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true", AWS_USE_FIPS_ENDPOINT: "true" };
    assertEquals(
      await endpointsFromEnvironment({
        region: "us-east-1",
        dynamoDBRegion: "us-west-2",
        env: machine(fips),
      }),
      {
        kinesisEndpoint: "https://kinesis-fips.us-east-1.amazonaws.com/",
        dynamoDBEndpoint: "https://dynamodb-fips.us-west-2.amazonaws.com/",
      },
    );
  });
});
