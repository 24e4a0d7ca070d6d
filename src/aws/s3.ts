/**
 * The operations of S3 that dead letters need, as signed calls: objects of text in one bucket.
 *
 * A bucket's name does not say its region. When S3 answers that the bucket is elsewhere, the call is made
 * once more there, and so are all later ones.
 *
 * Source: the API reference of S3.
 *
 * @module
 */

import { AwsServiceError } from "../errors.ts";
import { checkedRegion, endpointUrl } from "./endpoint.ts";
import type { UnsignedRequest } from "./request_signer.ts";
import type { ServiceOptions } from "./signed_call.ts";
import { type XmlCaller, xmlCaller } from "./xml_call.ts";
import { element, elements } from "./xml_text.ts";

/** A bucket. Every method throws `AwsServiceError`, or the signal's reason. */
export interface Bucket {
  put(key: string, text: string, signal?: AbortSignal): Promise<void>;
  get(key: string, signal?: AbortSignal): Promise<string>;
  delete(key: string, signal?: AbortSignal): Promise<void>;
  /** Keys with this prefix, in order, page by page until the caller stops. */
  keys(prefix: string, signal?: AbortSignal): AsyncIterable<readonly string[]>;
}

/** Tens of MB may be under way. */
const SERVICE = { service: "s3", attemptTimeoutMs: 60_000 } as const;

/**
 * A bucket over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedBucket(name: string, options: ServiceOptions): Bucket {
  const { endpoint } = options;
  let client = clientOf(name, options);

  async function call<T>(
    operation: string,
    request: Omit<BucketRequest, "signal">,
    read: (text: string) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { send, urlOf } = client;
    const attempt = async (where: BucketClient) =>
      await where.send({ operation, request: await signable(request, where.urlOf), read, signal });
    try {
      return await attempt({ send, urlOf });
    } catch (error) {
      const region = endpoint === undefined ? otherRegionOf(error) : undefined;
      if (region === undefined || region === client.region) throw error;
      const { credentials, system, onEvent, attemptTimeoutMs } = options;
      client = clientOf(name, { region, credentials, system, onEvent, attemptTimeoutMs });
      return await attempt(client);
    }
  }

  return {
    put: (key, body, signal) => call("PutObject", { method: "PUT", key, body }, () => {}, signal),
    get: (key, signal) => call("GetObject", { method: "GET", key }, (text) => text, signal),
    delete: (key, signal) => call("DeleteObject", { method: "DELETE", key }, () => {}, signal),
    async *keys(prefix, signal) {
      let token: string | undefined;
      do {
        const query = {
          "list-type": "2",
          "encoding-type": "url",
          prefix,
          ...(token === undefined ? {} : { "continuation-token": token }),
        };
        const page = await call("ListObjectsV2", { method: "GET", key: "", query }, (xml) => {
          if (!xml.includes("<ListBucketResult")) {
            throw new SyntaxError("expected a ListBucketResult: got something else");
          }
          return {
            keys: elements(xml, "Contents").map((inner) =>
              decodeURIComponent((element(inner, "Key") ?? "").replaceAll("+", " "))
            ).filter((key) => key !== ""),
            next: element(xml, "NextContinuationToken"),
          };
        }, signal);
        yield page.keys;
        if (page.next !== undefined && page.next === token) return; // else it would go on for ever
        token = page.next;
      } while (token !== undefined);
    },
  };
}

interface BucketRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface BucketClient {
  readonly send: XmlCaller;
  readonly urlOf: (path: string) => string;
  readonly region?: string;
}

function clientOf(name: string, options: ServiceOptions): BucketClient & { readonly region: string } {
  const { region, endpoint } = options;
  const base = endpointUrl({ service: "s3", region, endpoint });
  // A name with a dot matches no certificate of a host; emulators and private endpoints have one host.
  const isHost = endpoint === undefined && /^[a-z0-9-]+$/.test(name);
  const root = isHost ? base.replace("https://", `https://${name}.`) : `${base}${encoded(name)}/`;
  return { send: xmlCaller(SERVICE, options), urlOf: (path) => root + path, region };
}

/** The body's hash guards it on its way, and satisfies buckets with Object Lock. */
async function signable(
  { method, key, query = {}, body }: BucketRequest,
  urlOf: (path: string) => string,
): Promise<UnsignedRequest> {
  const search = Object.entries(query).map((pair) => pair.map(encoded).join("=")).join("&");
  const path = key.split("/").map(encoded).join("/");
  const bytes = new TextEncoder().encode(body ?? "");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    method,
    url: urlOf(path) + (search === "" ? "" : `?${search}`),
    headers: {
      "x-amz-content-sha256": hex,
      ...(body === undefined ? {} : {
        "content-type": "application/json",
        "x-amz-checksum-sha256": btoa(String.fromCharCode(...hash)),
      }),
    },
    ...(body === undefined ? {} : { body: bytes }),
  };
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Where S3 says that the bucket is; undefined for another error. */
function otherRegionOf(error: unknown): string | undefined {
  if (!(error instanceof AwsServiceError)) return undefined;
  const region = error.body?.["region"];
  const isElsewhere = error.status === 301 || error.code === "AuthorizationHeaderMalformed" ||
    error.code === "IllegalLocationConstraintException";
  if (!isElsewhere || typeof region !== "string") return undefined;
  try {
    return checkedRegion(region);
  } catch {
    return undefined; // what is no region is no host either
  }
}
