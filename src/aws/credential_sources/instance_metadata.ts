/**
 * The metadata service of the EC2 instance that we run on: IMDSv2, and IMDSv1 if there is no IMDSv2.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import type { System } from "../../system.ts";
import type { Lookup } from "../credentials.ts";
import { askForCredentials, statusReason } from "./http.ts";
import { checkedEndpoint } from "../endpoint.ts";
import { exchange, type HttpAnswer } from "../http_exchange.ts";

/** What messages call it. */
export const METADATA_SERVICE = "the instance metadata service";
/** Why it often fails. */
export const METADATA_HINT = "in a container on EC2, the instance's metadata hop limit must be 2";

/** Source: AWS SDK for Java 2. In ms. */
const ATTEMPT_TIMEOUT_MS = 1000;
/** The longest that the service allows, in s. */
const TOKEN_TTL_S = 21_600;
/** A token is not used in its last minute. */
const TOKEN_USE_MS = (TOKEN_TTL_S - 60) * 1000;

interface Token {
  /** Undefined: the service has no version 2. */
  readonly value: string | undefined;
  readonly untilMonotonicMs: number;
}

/** Sends requests to the service; caches its token. */
export class MetadataService {
  readonly #system: System;
  readonly #env: Lookup;
  #token: Token | undefined;

  constructor(system: System, env: Lookup) {
    this.#system = system;
    this.#env = env;
  }

  /**
   * The text at a path, e.g. `latest/meta-data/placement/region`.
   *
   * @throws {CredentialsError} when there is no answer, or the variables `AWS_EC2_METADATA_…` forbid the
   * request.
   */
  async get(path: string, signal?: AbortSignal): Promise<HttpAnswer> {
    if (this.#env("AWS_EC2_METADATA_DISABLED")?.trim().toLowerCase() === "true") {
      throw new CredentialsError("AWS_EC2_METADATA_DISABLED is true", { reason: "notConfigured" });
    }
    const answer = await this.#getOnce(path, signal);
    if (answer.status !== 401) return answer;
    this.#token = undefined; // expired, or the instance was stopped and started
    return await this.#getOnce(path, signal);
  }

  #base(): string {
    const own = this.#env("AWS_EC2_METADATA_SERVICE_ENDPOINT")?.trim();
    if (own) return checkedEndpoint(own);
    const mode = this.#env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.trim().toLowerCase();
    return mode === "ipv6" ? "http://[fd00:ec2::254]/" : "http://169.254.169.254/";
  }

  async #getOnce(path: string, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const token = await this.#currentToken(signal);
    return await askForCredentials(this.#system, {
      what: METADATA_SERVICE,
      method: "GET",
      url: this.#base() + path,
      headers: token === undefined ? {} : { "x-aws-ec2-metadata-token": token },
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      attempts: 1,
      hint: METADATA_HINT,
      // Without an answer this is no EC2 instance, unless the service gave a token before.
      unreachable: token === undefined ? "notConfigured" : undefined,
    }, signal);
  }

  async #currentToken(signal: AbortSignal | undefined): Promise<string | undefined> {
    const nowMs = this.#system.clock.monotonicMs();
    if (this.#token === undefined || nowMs >= this.#token.untilMonotonicMs) {
      this.#token = { value: await this.#newToken(signal), untilMonotonicMs: nowMs + TOKEN_USE_MS };
    }
    return this.#token.value;
  }

  async #newToken(signal: AbortSignal | undefined): Promise<string | undefined> {
    const answer = await exchange(this.#system, {
      method: "PUT",
      url: `${this.#base()}latest/api/token`,
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": `${TOKEN_TTL_S}` },
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    }, signal);
    if (answer.answered && answer.status === 200) {
      const token = new TextDecoder().decode(answer.body).trim();
      if (/^[\x21-\x7e]+$/.test(token)) return token;
    }
    if (answer.answered && statusReason(answer.status) === "notAnswering") {
      throw new CredentialsError(`${METADATA_SERVICE} answered HTTP ${answer.status} for a token`, {
        reason: "notAnswering",
      });
    }
    if (answer.answered && answer.status === 400) {
      throw new CredentialsError(`${METADATA_SERVICE} refused to give a token`, { reason: "refused" });
    }
    if (this.#env("AWS_EC2_METADATA_V1_DISABLED")?.trim().toLowerCase() !== "true") return undefined;
    const outcome = answer.answered ? `HTTP ${answer.status}` : answer.code;
    throw new CredentialsError(
      `${METADATA_SERVICE} gave no token (${outcome}), and AWS_EC2_METADATA_V1_DISABLED is true (${METADATA_HINT})`,
      { reason: answer.answered && answer.status !== 403 ? "refused" : "notConfigured" },
    );
  }
}
