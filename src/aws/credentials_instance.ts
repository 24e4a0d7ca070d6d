/**
 * Credentials of the role of an EC2 instance, from its metadata service (IMDSv2, and IMDSv1 where that is all there is).
 *
 * @module
 */

import { CredentialsError } from "../errors.ts";
import type { System } from "../system.ts";
import { cachedCredentials, type CachingOptions } from "./cached_credentials.ts";
import type { Credentials, CredentialsProvider, Lookup } from "./credentials.ts";
import { askForCredentials, readCredentialsJson } from "./credentials_http.ts";
import { checkedEndpoint } from "./endpoint.ts";
import { exchange, type HttpAnswer } from "./http_exchange.ts";

/** Options of {@linkcode instanceCredentials}. */
export interface InstanceOptions extends CachingOptions {
  /** The variables `AWS_EC2_METADATA_…` are looked up here. */
  readonly env: Lookup;
}

const SERVICE = "the instance metadata service";
const ROLES_PATH = "latest/meta-data/iam/security-credentials/";
/** Source: AWS SDK for Java 2. In ms. */
const ATTEMPT_TIMEOUT_MS = 1000;
/** The longest that the service allows, in s. */
const TOKEN_TTL_S = 21_600;
/** A token is not used in its last minute. */
const TOKEN_USE_MS = (TOKEN_TTL_S - 60) * 1000;

/** Asks the metadata service of the instance that we run on. */
export function instanceCredentials(options: InstanceOptions): CredentialsProvider {
  const service = new MetadataService(options.system, options.env);
  return cachedCredentials({
    name: "instance metadata",
    rule: "instance",
    load: (signal) => service.credentials(signal),
  }, options);
}

interface Token {
  /** Undefined: the service has no version 2. */
  readonly value: string | undefined;
  readonly untilMonotonicMs: number;
}

class MetadataService {
  readonly #system: System;
  readonly #env: Lookup;
  #token: Token | undefined;

  constructor(system: System, env: Lookup) {
    this.#system = system;
    this.#env = env;
  }

  async credentials(signal: AbortSignal): Promise<Credentials> {
    if (this.#env("AWS_EC2_METADATA_DISABLED")?.trim().toLowerCase() === "true") {
      throw new CredentialsError("AWS_EC2_METADATA_DISABLED is true");
    }
    const base = this.#base();
    const roles = await this.#get(`${base}${ROLES_PATH}`, signal);
    if (roles.status === 404) throw new CredentialsError("the instance has no role");
    if (roles.status !== 200) {
      throw new CredentialsError(`${SERVICE} answered HTTP ${roles.status} for the role's name`);
    }
    const role = new TextDecoder().decode(roles.body).split("\n")[0]?.trim() ?? "";
    if (role === "") throw new CredentialsError("the instance has no role");
    return readCredentialsJson(
      await this.#get(`${base}${ROLES_PATH}${encodeURIComponent(role)}`, signal),
      SERVICE,
    );
  }

  #base(): string {
    const own = this.#env("AWS_EC2_METADATA_SERVICE_ENDPOINT")?.trim();
    if (own) return checkedEndpoint(own);
    const mode = this.#env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.trim().toLowerCase();
    return mode === "ipv6" ? "http://[fd00:ec2::254]/" : "http://169.254.169.254/";
  }

  async #get(url: string, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#getOnce(url, signal);
    if (answer.status !== 401) return answer;
    this.#token = undefined; // expired, or the instance was stopped and started
    return await this.#getOnce(url, signal);
  }

  async #getOnce(url: string, signal: AbortSignal): Promise<HttpAnswer> {
    const token = await this.#currentToken(signal);
    return await askForCredentials(this.#system, {
      what: SERVICE,
      method: "GET",
      url,
      headers: token === undefined ? {} : { "x-aws-ec2-metadata-token": token },
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      attempts: 1,
    }, signal);
  }

  async #currentToken(signal: AbortSignal): Promise<string | undefined> {
    const nowMs = this.#system.clock.monotonicMs();
    if (this.#token === undefined || nowMs >= this.#token.untilMonotonicMs) {
      this.#token = { value: await this.#newToken(signal), untilMonotonicMs: nowMs + TOKEN_USE_MS };
    }
    return this.#token.value;
  }

  async #newToken(signal: AbortSignal): Promise<string | undefined> {
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
    if (answer.answered && answer.status === 400) {
      throw new CredentialsError(`${SERVICE} refused to give a token`);
    }
    if (this.#env("AWS_EC2_METADATA_V1_DISABLED")?.trim().toLowerCase() !== "true") return undefined;
    const outcome = answer.answered ? `HTTP ${answer.status}` : answer.code;
    throw new CredentialsError(
      `${SERVICE} gave no token (${outcome}), and AWS_EC2_METADATA_V1_DISABLED is true; ` +
        "in a container on EC2 the instance's hop limit must be 2",
    );
  }
}
