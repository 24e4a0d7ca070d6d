import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { webIdentityCredentials } from "../../../src/edge/mod.ts";
import { CredentialsError } from "../../../src/errors.ts";
import { scriptedSystem, type Step } from "../../aws/scripted_system.ts";

const roleArn = "arn:aws:iam::123456789012:role/r";
const STS: Step = {
  body: "<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>" +
    "<Expiration>2026-01-30T13:00:00Z</Expiration>",
};

Deno.test("webIdentityCredentials() of ./edge ask a function for the token before each refresh, and send it unsigned", async () => {
  const { system, requests, clock } = scriptedSystem([STS, STS]);
  let asked = 0;
  const provider = webIdentityCredentials({
    roleArn,
    region: "eu-central-1",
    roleSessionName: "me",
    token: () => Promise.resolve(`token-${++asked}`),
    system,
  });
  assertEquals((await provider()).accessKeyId, "ROLE");
  await provider();
  clock.jump(59 * 60_000);
  await provider();
  assertEquals(
    requests.map(({ url, body, headers }) => {
      const form = new URLSearchParams(body);
      return [url, form.get("Action"), form.get("WebIdentityToken"), headers.get("authorization")];
    }),
    ["token-1", "token-2"].map((
      token,
    ) => ["https://sts.eu-central-1.amazonaws.com/", "AssumeRoleWithWebIdentity", token, null]),
  );
});

Deno.test("webIdentityCredentials() of ./edge read no environment: without a region they go to the global STS", async () => {
  const before = Deno.env.get("AWS_REGION");
  Deno.env.set("AWS_REGION", "xx-test-1");
  try {
    const { system, requests } = scriptedSystem([STS]);
    await webIdentityCredentials({ roleArn, token: () => "t", system })();
    assertEquals(requests[0]?.url, "https://sts.amazonaws.com/");
  } finally {
    if (before === undefined) Deno.env.delete("AWS_REGION");
    else Deno.env.set("AWS_REGION", before);
  }
});

Deno.test("webIdentityCredentials() of ./edge say why there is no token, and never show one", async () => {
  const { system } = scriptedSystem([{
    status: 400,
    body: "<Message>eyJ0b2tlbiI6Im9uZSJ9 has expired</Message>",
  }]);
  const refused = webIdentityCredentials({
    roleArn,
    token: () => "eyJ0b2tlbiI6Im9uZSJ9",
    system,
    region: "eu-west-1",
  });
  const error = await assertRejects(() => refused());
  assertEquals(`${error}`.includes("eyJ0b2"), false);
  const failing = webIdentityCredentials({
    roleArn,
    token() {
      throw new Error("issuer is down");
    },
    system,
  });
  const { message } = await assertRejects(() => failing(), CredentialsError);
  assertStringIncludes(message, "issuer is down");
});
