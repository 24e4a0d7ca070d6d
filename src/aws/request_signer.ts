/**
 * Signs requests (Signature Version 4) with aws4fetch. Remembers two things for one service: derived keys,
 * which cost four HMACs each, and how far our wall clock is off.
 *
 * What is signed, aws4fetch says. Where the runtime can, short texts are digested in this thread: the way to
 * the thread of Web Crypto and back took half the CPU time of an empty call.
 *
 * @module
 */

import { AwsV4Signer } from "npm:aws4fetch@^1.0.20";
import type { Clock } from "../system.ts";
import type { Credentials } from "./credentials.ts";
import type { HttpRequest } from "./http_exchange.ts";
import { type NativeSha256, nativeSha256, SHORT_BYTES } from "./native_sha256.ts";

/** A request to sign. */
export interface UnsignedRequest {
  /** @default {"POST"} which the JSON and the query protocol always use */
  readonly method?: HttpRequest["method"];
  readonly url: string;
  /** Names in lower case. S3 wants `x-amz-content-sha256` among them, or does not check the body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"];
}

/**
 * Offsets closer than this are no reason to sign again, in ms. AWS tolerates 5 minutes; the Date header has
 * whole seconds, and the answer was some time under way.
 */
const MATERIAL_SKEW_MS = 60_000;

/** A key lasts a day; credentials change by the hour. This many keys are enough for a few days. */
const MAX_CACHED_KEYS = 32;

/** The signer of one service in one region. */
export class RequestSigner {
  readonly #service: string;
  readonly #region: string;
  readonly #clock: Clock;
  readonly #keys = new Map<string, ArrayBuffer>();
  readonly #sha256 = nativeSha256();
  #offsetMs = 0;

  constructor(options: { readonly service: string; readonly region: string; readonly clock: Clock }) {
    this.#service = options.service;
    this.#region = options.region;
    this.#clock = options.clock;
  }

  /** How far the service's clock is ahead of ours, in ms, as far as we know. */
  get clockOffsetMs(): number {
    return this.#offsetMs;
  }

  /** The request's headers with the signature among them. Not as `Headers`, which fetch would copy again. */
  async sign(request: UnsignedRequest, credentials: Credentials): Promise<Readonly<Record<string, string>>> {
    if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.clear();
    const options = {
      method: request.method ?? "POST",
      url: request.url,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      service: this.#service,
      region: this.#region,
      cache: this.#keys,
      datetime: amzDate(this.#clock.epochMs() + this.#offsetMs),
    };
    const signer = this.#sha256 === undefined
      ? new AwsV4Signer(options)
      : new QuickSigner(this.#sha256, options);
    const headers: Record<string, string> = { ...request.headers, authorization: await signer.authHeader() };
    for (const name of ADDED_HEADERS) {
      const value = signer.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    return headers;
  }

  /**
   * Learns from the Date header of a refused request how far our clock is off.
   *
   * @param signedOffsetMs The offset that the request was signed with; another call may have learned since.
   * @returns Whether the offset now differs from that one by enough that signing again may help.
   */
  learnClock(dateHeader: string | null, signedOffsetMs: number): boolean {
    const serverMs = dateHeader === null ? NaN : Date.parse(dateHeader);
    if (Number.isNaN(serverMs)) return false;
    const offsetMs = serverMs - this.#clock.epochMs();
    if (Math.abs(offsetMs - signedOffsetMs) < MATERIAL_SKEW_MS) return false;
    this.#offsetMs = offsetMs;
    return true;
  }
}

/** What aws4fetch adds to a request. */
const ADDED_HEADERS = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] as const;

/** Signs as aws4fetch does, but digests short texts in this thread. */
class QuickSigner extends AwsV4Signer {
  readonly #sha256: NativeSha256;

  constructor(sha256: NativeSha256, request: ConstructorParameters<typeof AwsV4Signer>[0]) {
    super(request);
    this.#sha256 = sha256;
  }

  override async signature(): Promise<string> {
    const { secretAccessKey, datetime, region, service } = this;
    const key = this.cache.get([secretAccessKey, datetime.slice(0, 8), region, service].join());
    if (key === undefined) return await super.signature(); // derives it, and puts it there
    const text = await this.stringToSign();
    return this.#sha256.createHmac("sha256", new Uint8Array(key)).update(text).digest("hex");
  }

  override async stringToSign(): Promise<string> {
    const digest = this.#hexDigest(await this.canonicalString());
    return ["AWS4-HMAC-SHA256", this.datetime, this.credentialString, digest].join("\n");
  }

  override async hexBodyHash(): Promise<string> {
    const body = this.body ?? "";
    const isShort = (typeof body === "string" || body instanceof Uint8Array) && body.length <= SHORT_BYTES;
    if (!isShort || this.headers.has("x-amz-content-sha256")) return await super.hexBodyHash();
    return this.#hexDigest(body);
  }

  #hexDigest(body: string | Uint8Array): string {
    return this.#sha256.createHash("sha256").update(body).digest("hex");
  }
}

/** `20260130T235959Z`. */
function amzDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}
