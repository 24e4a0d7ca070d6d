/**
 * Builds the credentials provider that a properties file names.
 *
 * @module
 */

import { type CredentialsProvider, staticCredentials } from "../credentials.ts";
import { assumeRoleCredentials } from "./assume_role.ts";
import { credentialsChain, type CredentialsSurroundings, defaultCredentials } from "./chain.ts";
import { containerCredentials } from "./container.ts";
import { environmentCredentials, systemPropertyCredentials } from "./environment.ts";
import { instanceCredentials } from "./instance.ts";
import type { CredentialsEntry, CredentialsSpec } from "./spec.ts";
import { profileCredentials } from "./profile.ts";
import { webIdentityCredentials } from "./web_identity.ts";

/**
 * Makes a chain of the spec's entries. Nothing is requested before the first call.
 *
 * @throws {TypeError} when an entry cannot work here, e.g. because there is no region.
 */
export function credentialsFromSpec(
  spec: CredentialsSpec,
  surroundings: CredentialsSurroundings,
): CredentialsProvider {
  const [first, ...others] = spec.entries;
  if (first !== undefined && others.length === 0) return providerOf(first, surroundings);
  return credentialsChain(
    spec.entries.map((entry) => ({ name: entry.type, provider: providerOf(entry, surroundings) })),
  );
}

function providerOf(entry: CredentialsEntry, surroundings: CredentialsSurroundings): CredentialsProvider {
  const { env, systemProperty, system, onEvent } = surroundings;
  switch (entry.type) {
    case "default":
      return defaultCredentials(surroundings);
    case "environment":
      return environmentCredentials(env);
    case "systemProperties":
      return systemPropertyCredentials(systemProperty ?? (() => undefined));
    case "webIdentity":
      return webIdentityCredentials(surroundings);
    case "container":
      return containerCredentials(surroundings);
    case "instance":
      return instanceCredentials(surroundings);
    case "anonymous":
      return staticCredentials({ accessKeyId: "anonymous", secretAccessKey: "anonymous" });
    case "static":
      return staticCredentials(entry);
    case "profile":
      return profileCredentials(entry.name, surroundings);
    case "assumeRole":
      return assumeRoleCredentials({
        base: defaultCredentials(surroundings),
        roleArn: entry.roleArn,
        roleSessionName: entry.roleSessionName,
        externalId: entry.externalId,
        region: entry.region ?? surroundings.region,
        endpoint: entry.endpoint,
        stsEndpoint: surroundings.stsEndpoint,
        system,
        onEvent,
      });
  }
}
