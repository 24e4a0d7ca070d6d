/**
 * SQS, SNS and S3 in memory, as a `fetch`. Each request's signature is checked as AWS does it, by code that
 * shares nothing with the signer of src. What no test needs is refused.
 *
 * @module
 */

import { createHash, createHmac } from "node:crypto";

/** The keys that requests must be signed with. */
export const SIGNING_KEYS = {
  accessKeyId: "AKIDEXAMPLE1234567890",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "IQoJb3JpZ2luX2VjEXAMPLE/TOKEN==",
} as const;

/** A request whose signature was right. */
export interface CheckedRequest {
  readonly service: string;
  readonly region: string;
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** What answers a request in place of the service: a status and a body; or nothing, until it is aborted. */
export type ScriptedAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string }
  | "hang";

/** A message of a queue. */
export interface Message {
  readonly id: string;
  readonly body: string;
  readonly group: string | undefined;
  hidden: boolean;
}

/** The services, and what they hold. */
export class SignedServices {
  readonly requests: CheckedRequest[] = [];
  /** Messages by the name of their queue; a queue that is not here does not exist. */
  readonly queues: Map<string, Message[]> = new Map();
  /** Publications by the ARN of their topic. */
  readonly topics: Map<string, string[]> = new Map();
  /** Objects by bucket and key. */
  readonly buckets: Map<string, Map<string, string>> = new Map();
  /** The region of all buckets. */
  bucketRegion = "eu-central-1";
  /** Answers for the next requests, in order, in place of the services'. */
  readonly next: ScriptedAnswer[] = [];
  /** Keys of a page of ListObjectsV2. */
  pageKeys = 2;
  #ids = 0;

  /** See the module. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = await request.text();
    const problem = signatureProblem(request, body);
    if (problem !== undefined) return xmlError(403, "SignatureDoesNotMatch", problem);
    const [, , region = "", service = ""] = scopeOf(request);
    const url = new URL(request.url);
    const checked = { service, region, method: request.method, url, headers: request.headers, body };
    this.requests.push(checked);
    const scripted = this.next.shift();
    if (scripted === "hang") {
      return await new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
      });
    }
    if (scripted !== undefined) {
      const { status, headers = {} } = scripted;
      return new Response(scripted.body, { status, headers });
    }
    switch (service) {
      case "sqs":
        return this.#sqs(checked);
      case "sns":
        return this.#sns(checked);
      case "s3":
        return this.#s3(checked);
      default:
        return xmlError(400, "UnknownService", service);
    }
  };

  #sqs({ headers, body }: CheckedRequest): Response {
    const input = JSON.parse(body);
    const name = String(input.QueueUrl).split("/").at(-1) ?? "";
    const queue = this.queues.get(name);
    if (queue === undefined) {
      const message = "The specified queue does not exist.";
      return json(400, { __type: "com.amazonaws.sqs#QueueDoesNotExist", message });
    }
    const indexOf = () => queue.findIndex(({ id }) => id === input.ReceiptHandle);
    switch (headers.get("x-amz-target")) {
      case "AmazonSQS.SendMessage": {
        if (new TextEncoder().encode(input.MessageBody).length > 262_144) {
          const message =
            "One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes.";
          return json(400, { __type: "com.amazonaws.sqs#InvalidParameterValueException", message });
        }
        const id = `m-${++this.#ids}`;
        queue.push({ id, body: input.MessageBody, group: input.MessageGroupId, hidden: false });
        return json(200, { MessageId: id });
      }
      case "AmazonSQS.ReceiveMessage": {
        const found = queue.filter(({ hidden }) => !hidden).slice(0, input.MaxNumberOfMessages);
        for (const message of found) message.hidden = true;
        const Messages = found.map(({ id, body }) => ({ MessageId: id, ReceiptHandle: id, Body: body }));
        return json(200, found.length === 0 ? {} : { Messages });
      }
      case "AmazonSQS.DeleteMessage":
        queue.splice(indexOf(), 1);
        return json(200, {});
      case "AmazonSQS.ChangeMessageVisibility": {
        const message = queue[indexOf()];
        if (message !== undefined) message.hidden = input.VisibilityTimeout > 0;
        return json(200, {});
      }
      default:
        return json(400, { __type: "UnknownOperationException" });
    }
  }

  #sns({ body }: CheckedRequest): Response {
    const form = new URLSearchParams(body);
    const topic = this.topics.get(form.get("TopicArn") ?? "");
    if (topic === undefined) return xmlError(404, "NotFound", "Topic does not exist");
    topic.push(form.get("Message") ?? "");
    return xml(
      200,
      "<PublishResponse><PublishResult><MessageId>p-1</MessageId></PublishResult></PublishResponse>",
    );
  }

  #s3({ method, url, body, region, headers }: CheckedRequest): Response {
    const host = /^(.+)\.s3\./.exec(url.hostname)?.[1];
    const [, first = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const name = host ?? first;
    const key = host === undefined ? rest.join("/") : [first, ...rest].join("/");
    const bucket = this.buckets.get(name);
    if (bucket === undefined) return xmlError(404, "NoSuchBucket", "The specified bucket does not exist");
    if (region !== this.bucketRegion) {
      return xmlError(301, "PermanentRedirect", "Use another endpoint", {
        "x-amz-bucket-region": this.bucketRegion,
      });
    }
    switch (method) {
      case "PUT":
        if (headers.get("x-amz-checksum-sha256") !== createHash("sha256").update(body).digest("base64")) {
          return xmlError(400, "BadDigest", "The checksum is wrong");
        }
        bucket.set(key, body);
        return new Response(null, { status: 200 });
      case "DELETE":
        bucket.delete(key);
        return new Response(null, { status: 204 });
      default:
        if (key !== "") {
          const text = bucket.get(key);
          return text === undefined ? xmlError(404, "NoSuchKey", "no such key") : new Response(text);
        }
        return this.#list(bucket, url.searchParams);
    }
  }

  #list(bucket: ReadonlyMap<string, string>, query: URLSearchParams): Response {
    const after = query.get("continuation-token") ?? "";
    const keys = [...bucket.keys()].filter((key) => key.startsWith(query.get("prefix") ?? "") && key > after)
      .toSorted();
    const page = keys.slice(0, this.pageKeys);
    const contents = page.map((key) =>
      `<Contents><Key>${encodeURIComponent(key).replaceAll("%20", "+")}</Key><Size>1</Size></Contents>`
    );
    const next = keys.length > page.length
      ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
      : "";
    return xml(200, `<ListBucketResult xmlns="s3">${contents.join("")}${next}</ListBucketResult>`);
  }
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "x-amzn-requestid": "r-1" } });
}

function xml(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { status, headers: { "content-type": "text/xml", ...headers } });
}

function xmlError(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>r-1</RequestId></Error>`;
  return xml(status, text, headers);
}

/** Access key, day, region, service. */
function scopeOf(request: Request): string[] {
  const [, scope = ""] = /Credential=([^,]+),/.exec(request.headers.get("authorization") ?? "") ?? [];
  return scope.split("/");
}

/**
 * What is wrong with a signature; undefined when it is right. Source: IAM User Guide, "Create a signed AWS
 * API request".
 */
export function signatureProblem(request: Request, body: string | Uint8Array): string | undefined {
  const { headers, method } = request;
  const [, names = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=\S+, SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      headers.get("authorization") ?? "",
    ) ?? [];
  const [accessKeyId, day = "", region = "", service = "", end] = scopeOf(request);
  if (accessKeyId !== SIGNING_KEYS.accessKeyId || end !== "aws4_request") return "wrong key or scope";
  if (headers.get("x-amz-security-token") !== SIGNING_KEYS.sessionToken) return "wrong token";
  const signed = names.split(";");
  for (const name of headers.keys()) {
    if (name.startsWith("x-amz-") && !signed.includes(name)) return `${name} is not signed`;
  }
  const hash = sha256(body);
  if (service === "s3" && headers.get("x-amz-content-sha256") !== hash) return "the body is not signed";
  const url = new URL(request.url);
  const canonical = [
    method,
    url.pathname.split("/").map((part) => strictly(decodeURIComponent(part))).join("/"),
    [...url.searchParams].map(([name, value]) => `${strictly(name)}=${strictly(value)}`).toSorted().join("&"),
    ...signed.map((name) => `${name}:${name === "host" ? url.host : headers.get(name)?.trim()}`),
    "",
    names,
    hash,
  ].join("\n");
  const toSign = [
    "AWS4-HMAC-SHA256",
    headers.get("x-amz-date"),
    `${day}/${region}/${service}/aws4_request`,
    sha256(canonical),
  ].join("\n");
  let key: string | Uint8Array = `AWS4${SIGNING_KEYS.secretAccessKey}`;
  for (const part of [day, region, service, "aws4_request"]) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return createHmac("sha256", key).update(toSign).digest("hex") === signature ? undefined : "wrong signature";
}

function sha256(body: string | Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

function strictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
