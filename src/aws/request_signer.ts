/**
 * Signs requests (Signature Version 4) with aws4fetch. Remembers two things for one service: derived keys,
 * which cost four HMACs each, and how far our wall clock is off.
 *
 * @module
 */

import { AwsV4Signer } from "npm:aws4fetch@^1.0.20";
import type { Clock } from "../system.ts";
import type { Credentials } from "./credentials.ts";
import type { HttpRequest } from "./http_exchange.ts";

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

  /** The request's headers with the signature among them. */
  async sign(request: UnsignedRequest, credentials: Credentials): Promise<Headers> {
    if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.clear();
    const signer = new AwsV4Signer({
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
    });
    return (await signer.sign()).headers;
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

/** `20260130T235959Z`. */
function amzDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}
