/**
 * Recognisable secrets through every failing path: whatever goes wrong with credentials and endpoints, and whatever a service or an
 * agent answers, none of them may be printed, at no level and in no output.
 */

import { assert, assertEquals } from "@std/assert";
import { main } from "../cli.ts";
import { logTo, type WorkerEvent } from "../mod.ts";
import { inTurn } from "../src/observe/listeners.ts";
import { healthApp } from "../src/health/mod.ts";
import { Totals } from "../src/observe/totals.ts";
import type { System } from "../src/system.ts";
import { simulatedAws } from "../src/testing/mod.ts";
import { fastClock } from "./support/fast_clock.ts";
import { withFolder } from "./support/folder.ts";

/** In each secret, so that one look finds them all; also as it stands in a URL, in base64 and in capitals. */
const MARK = /cAnArY|cAnArY%|Y0FuQXJZ|CANARY/;
const SECRET = "cAnArY/secret+access+key/of/forty/letters";
const TOKEN = "cAnArY+session/token==&of<any>length";
const POD_TOKEN = "cAnArY.pod.identity.token.of.the.platform";
const WEB_TOKEN = "cAnArY.web.identity.token.of.the.platform";
const PASSWORD = "cAnArY-password";

const KEYS = { AWS_ACCESS_KEY_ID: "AKIDOFATEST", AWS_SECRET_ACCESS_KEY: SECRET };
const SESSION = { ...KEYS, AWS_SESSION_TOKEN: TOKEN.replace(/[<>&]/g, "-") };
const POD = {
  AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
  AWS_CONTAINER_AUTHORIZATION_TOKEN: POD_TOKEN,
};
const WEB = { AWS_WEB_IDENTITY_TOKEN_FILE: "FOLDER/token", AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/r" };
const INSTANCE = { AWS_EC2_METADATA_DISABLED: "false" };

/** A request as the program sent it. */
interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

/** One thing that goes wrong. */
interface Scene {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Beside `words.ts`; `FOLDER` in variables and arguments is where they are. */
  readonly files?: Readonly<Record<string, string>>;
  /** What is answered; what is thrown `fetch` rejects with. @default nobody answers */
  readonly answer?: (request: Sent) => Response | Promise<Response>;
  /** How fast time goes by. @default {2000} */
  readonly factor?: number;
  /** In the log at debug level, so that the scene went as far as it was meant to. */
  readonly says: RegExp;
}

const refusal = (request: Sent, code: string, status = 400) =>
  Response.json({ __type: code, message: echoOf(request) }, { status });

/** All that a request holds, as services repeat it: plain, for a URL, as markup, on many lines. */
function echoOf({ headers, body, url }: Sent): string {
  const all = [...headers].map(([name, value]) => `${name}:${value}`).join("\n") + `\n${body}\n${url}`;
  return `The Canonical String for this request should have been\n${all}\n${decodeURIComponent(body)}`;
}

const xml = (code: string, message: string, id: string) =>
  `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${id}</RequestId></ErrorResponse>`;

const tokenOf = ({ headers }: Sent) => headers.get("x-amz-security-token") ?? "";
const agentKeys = (more: object) => () =>
  Response.json({
    AccessKeyId: "A",
    SecretAccessKey: SECRET,
    Token: TOKEN,
    Expiration: "2999-01-01T00:00:00Z",
    ...more,
  });
const set = (property: string, value: string) => ["--set", `${property}=${value}`];
const provider = (value: string) => set("AwsCredentialsProvider", value);
const badUrls = [
  `http://user:${PASSWORD}@127.0.0.1:1`,
  `http://user:${PASSWORD}`,
  `ftp://user:${PASSWORD}@host`,
  `user:${PASSWORD}@host`,
  `http:/ /user:${PASSWORD}@host/`,
  `http://host/?password=${PASSWORD}`,
];

const SCENES: Readonly<Record<string, Scene>> = {
  // Keys that cannot be keys.
  "a session token with a line break": {
    env: { ...SESSION, AWS_SESSION_TOKEN: `${POD_TOKEN}\n${TOKEN}` },
    says: /keys of the environment: expected sessionToken without line breaks/,
  },
  "a secret outside ASCII": {
    env: { ...KEYS, AWS_SECRET_ACCESS_KEY: `${SECRET}…` },
    says: /keys of the environment: expected secretAccessKey without characters outside ASCII/,
  },
  "quoted keys": {
    env: { AWS_ACCESS_KEY_ID: `"${PASSWORD}"`, AWS_SECRET_ACCESS_KEY: `"${SECRET}"` },
    says: /expected accessKeyId without quotation marks/,
  },
  "system properties with a space": {
    args: ["-Daws.accessKeyId=a", `-Daws.secretAccessKey=${SECRET} ${SECRET}`],
    says: /keys of the system properties: expected secretAccessKey without spaces/,
  },
  "static keys with a line break": {
    args: provider(`StaticCredentialsProvider|a|${SECRET}\n${SECRET}`),
    says: /static credentials: expected secretAccessKey/,
  },
  "an agent whose token has a line break": {
    env: POD,
    answer: agentKeys({ Token: `${TOKEN}\n${TOKEN}` }),
    says: /sessionToken/,
  },
  "an agent whose secret is a number": {
    env: POD,
    answer: agentKeys({ SecretAccessKey: 5 }),
    says: /without AccessKeyId/,
  },
  "an agent whose end is no time": {
    env: POD,
    answer: agentKeys({ Expiration: TOKEN }),
    says: /Expiration that is no time/,
  },
  "an agent that fails with a code": { env: POD, answer: agentKeys({ Code: `${TOKEN}` }), says: /a failure/ },
  "an agent that answers no JSON": {
    env: POD,
    answer: () => new Response(`{"Token":"${TOKEN}`),
    says: /JSON object/,
  },
  "an agent that refuses": {
    env: POD,
    answer: (sent) => new Response(echoOf(sent), { status: 403 }),
    says: /HTTP 403/,
  },
  "an agent in trouble": {
    env: POD,
    answer: (sent) => new Response(echoOf(sent), { status: 500 }),
    says: /HTTP 500/,
  },
  "an agent that cannot be reached": {
    env: POD,
    answer: ({ headers }) => {
      throw new TypeError(`Invalid header value: "${headers.get("authorization")}"`);
    },
    says: /agent cannot be reached/,
  },
  "an agent's token that fits into no header": {
    env: { ...POD, AWS_CONTAINER_AUTHORIZATION_TOKEN: `${POD_TOKEN}…` },
    says: /characters that no token has/,
  },
  "an agent's token file of two lines": {
    env: {
      ...POD,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "FOLDER/two",
    },
    files: { two: `${POD_TOKEN}\n${POD_TOKEN}` },
    says: /more than one line/,
  },
  "an agent's address with a password": {
    env: { ...POD, AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://user:${PASSWORD}@example.com/` },
    says: /AWS_CONTAINER_CREDENTIALS_FULL_URI must be/,
  },
  "an agent's address that is none": {
    env: { ...POD, AWS_CONTAINER_CREDENTIALS_FULL_URI: `user:${PASSWORD}@ example.com` },
    says: /AWS_CONTAINER_CREDENTIALS_FULL_URI/,
  },
  "metadata with a broken secret": {
    env: INSTANCE,
    answer: ({ url }) =>
      url.endsWith("token")
        ? new Response(POD_TOKEN)
        : url.endsWith("/")
        ? new Response("role")
        : agentKeys({ Token: `${TOKEN}\0` })(),
    says: /sessionToken without control characters/,
  },
  "metadata that repeat their token": {
    env: INSTANCE,
    answer: (sent) =>
      sent.url.endsWith("token") ? new Response(POD_TOKEN) : new Response(echoOf(sent), { status: 500 }),
    says: /HTTP 500/,
  },
  "a metadata address with a password": {
    env: { ...INSTANCE, AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://user:${PASSWORD}@host` },
    says: /Cannot use the endpoint at host/,
  },

  // STS.
  "STS that repeats the token in its message": {
    env: WEB,
    answer: ({ body }) =>
      new Response(
        xml("AccessDenied", `not with ${new URLSearchParams(body).get("WebIdentityToken")}`, "r"),
        { status: 403 },
      ),
    says: /AccessDenied/,
  },
  "STS that repeats the token in code and id": {
    env: WEB,
    answer: () =>
      new Response(xml(WEB_TOKEN, "no", WEB_TOKEN), {
        status: 403,
        headers: { "x-amzn-requestid": WEB_TOKEN },
      }),
    says: /Http403/,
  },
  "STS whose page repeats the request": {
    env: WEB,
    answer: (sent) => new Response(echoOf(sent), { status: 400 }),
    says: /Http400/,
  },
  "STS that gives broken keys": {
    env: WEB,
    answer: () => new Response(`<AccessKeyId>A</AccessKeyId><SecretAccessKey>${SECRET} x</SecretAccessKey>`),
    says: /MalformedResponse/,
  },
  "a role's keys that repeat the base": {
    env: SESSION,
    args: provider("StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|me"),
    answer: (sent) =>
      new Response(xml("SignatureDoesNotMatch", echoOf(sent), tokenOf(sent)), { status: 403 }),
    says: /SignatureDoesNotMatch/,
  },
  "a web identity token of two lines": {
    env: { ...WEB, AWS_WEB_IDENTITY_TOKEN_FILE: "FOLDER/two" },
    files: { two: `${WEB_TOKEN}\n${WEB_TOKEN}` },
    says: /more than one line/,
  },

  // Profiles.
  "a credential_process that fails": {
    env: { AWS_CONFIG_FILE: "FOLDER/config" },
    files: { config: `[default]\ncredential_process = sh -c "echo ${SECRET}; echo ${TOKEN} >&2; exit 3"\n` },
    says: /credential_process failed/,
  },
  "a credential_process that prints no JSON": {
    env: { AWS_CONFIG_FILE: "FOLDER/config" },
    files: { config: `[default]\ncredential_process = echo ${SECRET}\n` },
    says: /profile/,
  },
  "a credential_process that prints a broken key": {
    env: { AWS_CONFIG_FILE: "FOLDER/config" },
    files: {
      config:
        `[default]\ncredential_process = echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"${SECRET} x"}'\n`,
    },
    says: /keys of the profile: expected secretAccessKey without spaces/,
  },
  "a profile's key with a quotation mark": {
    env: { AWS_SHARED_CREDENTIALS_FILE: "FOLDER/credentials" },
    files: { credentials: `[default]\naws_access_key_id = "A"\naws_secret_access_key = "${SECRET}"\n` },
    says: /keys of the profile: expected accessKeyId/,
  },
  "a profile's endpoint with a password": {
    env: { ...KEYS, AWS_CONFIG_FILE: "FOLDER/config" },
    files: { config: `[default]\nendpoint_url = http://user:${PASSWORD}@host\n` },
    says: /the profile's endpoint_url/,
  },

  // What stands in the wrong place.
  "a secret in the place of a class name": {
    args: provider(SECRET),
    says: /what stands in the place of a class name/,
  },
  "an argument too many": {
    args: provider(`DefaultCredentialsProvider|${SECRET}`),
    says: /expected no arguments/,
  },
  "static keys with parts too many": {
    args: provider(`StaticCredentialsProvider|a|b|c|${SECRET}`),
    says: /got 4 arguments/,
  },
  "a role's argument of no form": {
    env: KEYS,
    args: provider(`StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|me|${SECRET}|password=${SECRET}`),
    says: /argument/,
  },
  "a property with a misspelt name": {
    env: KEYS,
    args: [
      ...set("AwsCredentialProvider", `StaticCredentialsProvider|a|${SECRET}`),
      ...set("kinesisEndpont", badUrls[0] ?? ""),
    ],
    says: /AwsCredentialProvider/,
  },

  // Kinesis and DynamoDB.
  "a refused signature": {
    env: SESSION,
    answer: (sent) => refusal(sent, "com.amazon#InvalidSignatureException"),
    says: /InvalidSignatureException/,
  },
  "a page in place of an answer": {
    env: SESSION,
    answer: (sent) => new Response(`<html>${echoOf(sent)}`, { status: 403 }),
    says: /Http403/,
  },
  "a code and an id that repeat the token": {
    env: { ...KEYS, AWS_SESSION_TOKEN: POD_TOKEN },
    answer: (sent) =>
      Response.json({ message: encodeURIComponent(tokenOf(sent)) }, {
        status: 400,
        headers: { "x-amzn-errortype": tokenOf(sent), "x-amzn-requestid": tokenOf(sent) },
      }),
    says: /Http400/,
  },
  "a success that cannot be read": {
    env: SESSION,
    answer: (sent) => new Response(echoOf(sent)),
    says: /MalformedResponse/,
  },
  "a connection whose failure quotes the header": {
    env: SESSION,
    answer: (sent) => {
      throw new TypeError(`Invalid header value: "${tokenOf(sent)}"`, {
        cause: new Error(`so it is: ${tokenOf(sent)}`),
      });
    },
    says: /NetworkError/,
  },
};
for (const [i, url] of badUrls.entries()) {
  const scenes: Readonly<Record<string, Scene>> = {
    "kinesisEndpoint": { args: ["--kinesis-endpoint", url], says: /Cannot (?:use|read)/ },
    "dynamoDBEndpoint in a file": {
      args: ["FOLDER/app.properties"],
      files: { "app.properties": `dynamoDBEndpoint = ${url}\n` },
      says: /Cannot (?:use|read)/,
    },
    "KCLITE_KINESIS_ENDPOINT": { env: { KCLITE_KINESIS_ENDPOINT: url }, says: /Cannot (?:use|read)/ },
    "AWS_ENDPOINT_URL": { env: { AWS_ENDPOINT_URL: url }, says: /Cannot use AWS_ENDPOINT_URL/ },
    "AWS_ENDPOINT_URL_STS": {
      env: { ...WEB, AWS_ENDPOINT_URL_STS: url },
      says: /Cannot use AWS_ENDPOINT_URL_STS/,
    },
    "endpoint=": {
      args: provider(`StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|me|endpoint=${url}`),
      says: /expected endpoint=URL\^REGION|argument is not of the form/,
    },
    "endpoint= with a region": {
      args: provider(`StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|me|endpoint=${url}^eu-west-1`),
      says: /Cannot use|argument is not of the form/,
    },
    "endpoint= with a region of nonsense": {
      args: provider(
        `StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|me|endpoint=http://host^${PASSWORD}@x`,
      ),
      says: /Cannot use/,
    },
  };
  for (const [name, scene] of Object.entries(scenes)) {
    Object.assign(SCENES, {
      [`${name} with a password, form ${i + 1}`]: {
        ...scene,
        env: { ...(name.includes("STS") ? {} : KEYS), ...scene.env },
      },
    });
  }
}

/** All that a run shows to anybody. */
async function outputsOf(scene: Scene, folder: string, level: string, signal: AbortSignal): Promise<string> {
  const shown: string[] = [];
  const note = (text: string) => void shown.push(text);
  const place = (text: string) => text.replaceAll("FOLDER", folder);
  const env = Object.fromEntries(
    Object.entries({
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SHARED_CREDENTIALS_FILE: "/none",
      AWS_CONFIG_FILE: "/none",
      ...scene.env,
    }).map(([name, value]) => [name, place(value)]),
  );
  const clock = fastClock(scene.factor ?? 400);
  const answer = scene.answer ?? (() => {
    throw new TypeError("connection refused");
  });
  const system: System = {
    clock,
    random: () => 0,
    fetch: async (input, init) =>
      await answer({
        url: String(input),
        headers: new Headers(init?.headers),
        body: typeof init?.body === "string" ? init.body : "",
      }),
  };
  const totals = new Totals(clock);
  const onEvent = inTurn([
    totals.listener,
    logTo(note, { level: "debug", format: "json" }),
    logTo(note, { level: "debug" }),
    (event: WorkerEvent) =>
      note(`${JSON.stringify(event)} ${Deno.inspect(event, { depth: 10, strAbbreviateSize: 1e6 })}`),
  ]);
  const args = [
    "--application",
    "app",
    "--stream",
    "words",
    "--region",
    "eu-central-1",
    "--executable",
    `${folder}/words.ts`,
  ];
  const retrieval = set("retrievalMode", "POLLING");
  await main([...args, ...retrieval, "--log-level", level, ...(scene.args ?? []).map(place)], {
    out: note,
    err: note,
    childStderr: note,
    env: (name) => new Map(Object.entries(env)).get(name),
    envNames: Object.keys(env),
    signal,
    options: { system, onEvent },
  });
  const app = healthApp(totals);
  for (const path of ["/", "/health", "/live", "/ready", "/lag", "/metrics"]) {
    note(await (await app.request(path, { headers: { accept: path === "/" ? "text/html" : "*/*" } })).text());
  }
  return shown.join("\n");
}

/** What the scene may read. */
const FILES = {
  "words.ts": "export default () => ({ processRecords() {}, shardEnded() {} });",
  token: `${WEB_TOKEN}\n`,
};

function assertSilent(shown: string, says = /^/): void {
  assert(says.test(shown), `expected ${says}: got\n${shown.slice(-3000)}`);
  const line = shown.split("\n").find((line) => MARK.test(line));
  assertEquals(line, undefined);
}

for (const [name, scene] of Object.entries(SCENES)) {
  Deno.test({
    name: `no secret is shown, at no level, for ${name}`,
    // On a clock that runs fast a limit may pass while a file is being read, or a program is ending, which goes on for a moment.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await withFolder({ ...FILES, ...scene.files }, async (folder) => {
        for (const level of ["debug", "info", "warning", "error"]) {
          const shown = await outputsOf(scene, folder, level, new AbortController().signal);
          assertSilent(shown, level === "debug" ? scene.says : undefined);
        }
      });
    },
  });
}

Deno.test("no secret is shown by a worker at work whose service begins to repeat what it is sent", async () => {
  await withFolder(FILES, async (folder) => {
    const aws = simulatedAws({ streams: { words: 1 }, changeMs: 1 });
    const stop = new AbortController();
    let requests = 0, repeated = 0;
    const answer = async (sent: Sent) => {
      if (++requests <= 80) {
        const { url, headers, body } = sent;
        return await aws.fetch(new Request(url, { method: "POST", headers, body }));
      }
      if (++repeated === 60) stop.abort();
      const code =
        ["ExpiredTokenException", "InternalFailure", "AccessDeniedException", tokenOf(sent)][repeated % 4] ??
          "";
      return refusal(sent, code, repeated % 3 === 0 ? 500 : 400);
    };
    const shown = await outputsOf(
      { env: SESSION, answer, factor: 20, says: /./ },
      folder,
      "debug",
      stop.signal,
    );
    aws.close();
    assertSilent(shown, /AccessDeniedException/);
    assert(repeated >= 60, `${repeated}`);
  });
});

Deno.test("the canary is seen where it is shown", () => {
  for (const secret of [SECRET, TOKEN, POD_TOKEN, WEB_TOKEN, PASSWORD]) {
    assert(MARK.test(secret) && MARK.test(encodeURIComponent(secret)));
  }
});
