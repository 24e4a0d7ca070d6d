/**
 * Several sources of credentials in order: the first one that is set up is used, from then on.
 *
 * Easily missed: a source that is set up and fails ends the search. A later source would be another identity.
 * A pod with a failing web identity must not work with the role of its node.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import type { System } from "../../system.ts";
import type { CachingOptions } from "./cached.ts";
import type { Credentials, CredentialsProvider, Lookup } from "../credentials.ts";
import { containerCredentials } from "./container.ts";
import { environmentCredentials, systemPropertyCredentials } from "./environment.ts";
import { instanceCredentials } from "./instance.ts";
import { profileCredentials, type ProfileLoader } from "./profile.ts";
import type { StsEndpoint } from "./sts.ts";
import { webIdentityCredentials } from "./web_identity.ts";

/** A link of a chain. */
export interface NamedProvider {
  /** For people, e.g. `environment`. */
  readonly name: string;
  readonly provider: CredentialsProvider;
}

/**
 * Tries the providers in order until one gives credentials; that one is used from then on, also when it fails
 * later.
 *
 * The provider throws `CredentialsError` when none is set up; the message lists each with its reason. If one
 * is set up and fails, its error is thrown, and the next try begins at the first again.
 */
export function credentialsChain(links: readonly NamedProvider[]): CredentialsProvider {
  let chosen: CredentialsProvider | undefined;
  const provider = async (signal?: AbortSignal): Promise<Credentials> => {
    if (chosen !== undefined) return await chosen(signal);
    const reasons: string[] = [];
    for (const link of links) {
      try {
        const credentials = await link.provider(signal);
        chosen ??= link.provider;
        return credentials;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (!(error instanceof CredentialsError)) throw error;
        if (error.reason !== "notConfigured") throw failureOf(link, error);
        reasons.push(`${link.name}: ${error.message}`);
      }
    }
    const tried = reasons.join("; ") || "nothing";
    throw new CredentialsError(`Cannot find credentials. Tried ${tried}`, { reason: "notConfigured" });
  };
  return Object.assign(provider, { invalidate: (refused: Credentials) => chosen?.invalidate?.(refused) });
}

/** What the default chain takes from the machine. */
export interface CredentialsSurroundings extends CachingOptions {
  /** Environment variables. */
  readonly env: Lookup;
  /** Java's system properties, where a command line sets them. */
  readonly systemProperty?: Lookup | undefined;
  readonly readTextFile: (path: string) => Promise<string>;
  /** A `fetch` that uses no proxy, for agents and metadata services of this machine. @default the system's */
  readonly directFetch?: System["fetch"] | undefined;
  /** Region of STS; undefined uses the global one. */
  readonly region: string | undefined;
  /** Where the STS of a region is, where settings say so. @default its usual endpoint */
  readonly stsEndpoint?: StsEndpoint | undefined;
  /** Left out if there are no profile files. */
  readonly profile?: ProfileLoader | undefined;
}

/**
 * The default chain, in AWS's order: system properties, environment, web identity, profile files, container,
 * instance metadata.
 *
 * Source: AWS SDK for Java 2, `DefaultCredentialsProvider`.
 */
export function defaultCredentials(surroundings: CredentialsSurroundings): CredentialsProvider {
  const { env, systemProperty, profile } = surroundings;
  const links: (NamedProvider | undefined)[] = [
    systemProperty === undefined
      ? undefined
      : { name: "system properties", provider: systemPropertyCredentials(systemProperty) },
    { name: "environment", provider: environmentCredentials(env) },
    { name: "web identity", provider: webIdentityCredentials(surroundings) },
    profile === undefined
      ? undefined
      : { name: "profile", provider: profileCredentials(undefined, surroundings) },
    { name: "container", provider: containerCredentials(surroundings) },
    { name: "instance metadata", provider: instanceCredentials(surroundings) },
  ];
  return credentialsChain(links.filter((link) => link !== undefined));
}

/** The same with the name of the source. */
function failureOf({ name }: NamedProvider, { message, reason, cause }: CredentialsError): CredentialsError {
  if (message.startsWith("Cannot ")) return new CredentialsError(message, { reason, cause });
  return new CredentialsError(`Cannot get credentials from ${name}: ${message}`, { reason, cause });
}
