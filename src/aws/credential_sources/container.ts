/**
 * Credentials from the agent next to a container: ECS, EKS Pod Identity, Greengrass.
 *
 * The environment names the agent's address. A token is sent with the request, so plain HTTP is used only for
 * addresses that never leave the machine.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import type { System } from "../../system.ts";
import { cachedCredentials, type CachingOptions } from "./cached.ts";
import type { Credentials, CredentialsProvider, Lookup } from "../credentials.ts";
import { askForCredentials, directSystem, readCredentialsJson } from "./http.ts";
import { checkedToken, readToken } from "./token_file.ts";

/** Options of {@linkcode containerCredentials}. */
export interface ContainerOptions extends CachingOptions {
  /** The variables `AWS_CONTAINER_…` are looked up here. */
  readonly env: Lookup;
  /** A `fetch` that uses no proxy: a token is sent with the request. @default the system's */
  readonly directFetch?: System["fetch"] | undefined;
  /** Read again for every refresh, since the platform replaces the token. */
  readonly readTextFile: (path: string) => Promise<string>;
}

const AGENT = "the container's credentials agent";
/** Source: AWS SDK for Java 2, for `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`. */
const ECS_AGENT = "http://169.254.170.2";
/** Java waits 1 s, but the agent of EKS can be slow at the first request. In ms. */
const ATTEMPT_TIMEOUT_MS = 3000;
/** Source: AWS SDK for Java 2: up to five retries. */
const ATTEMPTS = 6;

/** Requests credentials from the agent that the environment names. */
export function containerCredentials(options: ContainerOptions): CredentialsProvider {
  return cachedCredentials({
    name: "container",
    rule: "container",
    load: (signal) => load(options, signal),
  }, options);
}

async function load(options: ContainerOptions, signal: AbortSignal): Promise<Credentials> {
  const url = agentUrl(options.env);
  const token = await authorization(options);
  const answer = await askForCredentials(directSystem(options), {
    what: AGENT,
    method: "GET",
    url,
    headers: { accept: "application/json", ...(token === undefined ? {} : { authorization: token }) },
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    attempts: ATTEMPTS,
  }, signal);
  return readCredentialsJson(answer, AGENT);
}

function agentUrl(env: Lookup): string {
  const relative = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")?.trim();
  if (relative) {
    if (relative.startsWith("/")) return `${ECS_AGENT}${relative}`;
    throw new CredentialsError('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must start with "/"', {
      reason: "refused",
    });
  }
  const full = env("AWS_CONTAINER_CREDENTIALS_FULL_URI")?.trim();
  if (!full) {
    throw new CredentialsError(
      "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
      { reason: "notConfigured" },
    );
  }
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    // the text may hold a secret
    throw new CredentialsError("AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL", { reason: "refused" });
  }
  if (url.protocol === "https:" || (url.protocol === "http:" && staysHere(url.hostname))) return url.href;
  throw new CredentialsError(
    `AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to a loopback address or a container agent's: ` +
      `got ${url.protocol}//${url.hostname}`,
    { reason: "refused" },
  );
}

/**
 * Loopback, and the agents of ECS and EKS. A name other than localhost is not resolved, so it is not trusted.
 */
function staysHere(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "169.254.170.2" || hostname === "169.254.170.23" || hostname === "[fd00:ec2::23]";
}

async function authorization({ env, readTextFile }: ContainerOptions): Promise<string | undefined> {
  const token = env("AWS_CONTAINER_AUTHORIZATION_TOKEN")?.trim();
  const file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?.trim();
  if (!token) return file ? await readToken(readTextFile, file) : undefined;
  return checkedToken(token, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
}
