/**
 * Signs requests (Signature Version 4) with aws4fetch. Remembers two things for one service: derived keys,
 * which cost four HMACs each, and how far our wall clock is off.
 *
 * What is signed, aws4fetch says. The digests of short texts are ours, since Web Crypto computes each in
 * another thread. The way there and back took half the CPU time of an empty call.
 *
 * @module
 */

import { AwsV4Signer } from "npm:aws4fetch@^1.0.20";
import type { Clock } from "../system.ts";
import type { Credentials } from "./credentials.ts";
import type { HttpRequest } from "./http_exchange.ts";
import { type HmacKey, Sha256, SHORT_BYTES } from "./sha256.ts";

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
  readonly #keys = new SigningKeys();
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
    const signer = new QuickSigner(this.#keys, {
      method: request.method ?? "POST",
      url: request.url,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      service: this.#service,
      region: this.#region,
      datetime: amzDate(this.#clock.epochMs() + this.#offsetMs),
    });
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
  readonly #keys: SigningKeys;

  constructor(keys: SigningKeys, request: ConstructorParameters<typeof AwsV4Signer>[0]) {
    super(request);
    this.#keys = keys;
  }

  override async signature(): Promise<string> {
    const { sha256 } = this.#keys;
    return hexOf(sha256.hmac(this.#keys.of(this), UTF8.encode(await this.stringToSign())));
  }

  override async stringToSign(): Promise<string> {
    const digest = hexOf(this.#keys.sha256.digest(UTF8.encode(await this.canonicalString())));
    return ["AWS4-HMAC-SHA256", this.datetime, this.credentialString, digest].join("\n");
  }

  override async hexBodyHash(): Promise<string> {
    const body = this.body ?? "";
    const isShort = (typeof body === "string" || body instanceof Uint8Array) && body.length <= SHORT_BYTES;
    if (!isShort || this.headers.has("x-amz-content-sha256")) return await super.hexBodyHash();
    return hexOf(this.#keys.sha256.digest(typeof body === "string" ? UTF8.encode(body) : body));
  }
}

/** The keys that were derived, by secret, day, region and service. */
class SigningKeys {
  readonly sha256 = new Sha256();
  readonly #keys = new Map<string, HmacKey>();

  of({ secretAccessKey, credentialString }: AwsV4Signer): HmacKey {
    const name = `${secretAccessKey},${credentialString}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = credentialString.split("/").reduce(
      (key, part) => this.sha256.hmacKey(this.sha256.hmac(key, UTF8.encode(part))),
      this.sha256.hmacKey(UTF8.encode(`AWS4${secretAccessKey}`)),
    );
    if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.clear();
    this.#keys.set(name, key);
    return key;
  }
}

const UTF8 = new TextEncoder();

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += HEX[byte];
  return hex;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** `20260130T235959Z`. */
function amzDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}
