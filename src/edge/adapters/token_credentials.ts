/**
 * Credentials of a role against a platform's token, with nothing but `fetch`: no files, no environment.
 *
 * @module
 */

import { givenToken, tokenCredentials } from "../../aws/credential_sources/web_identity.ts";
import type { CredentialsProvider } from "../../aws/credentials.ts";
import type { WorkerEventListener } from "../../events.ts";
import { realSystem, type System, withFetch } from "../../system.ts";

/** Options of {@linkcode webIdentityCredentials}. */
export interface WebIdentityOptions {
  /** The ARN of the role. */
  readonly roleArn: string;
  /** Gives the platform's token; called before each refresh. */
  readonly token: () => string | Promise<string>;
  /** Region of STS. @default the global STS */
  readonly region?: string | undefined;
  /**
   * Shows in CloudTrail; 2 to 64 of letters, digits and `=,.@-_`. @default a name that begins with `kclite-`
   */
  readonly roleSessionName?: string | undefined;
  /** Base URL of STS. @default the region's */
  readonly endpoint?: string | undefined;
  /** Receives the events about refreshes. */
  readonly onEvent?: WorkerEventListener | undefined;
  /** Sends the requests, in place of the `fetch` of `system`. */
  readonly fetch?: System["fetch"] | undefined;
  /** Time, chance and fetch, for tests. */
  readonly system?: System | undefined;
}

/**
 * Credentials of a role, by AssumeRoleWithWebIdentity, kept until five minutes before they expire. Make it
 * once for each isolate. It reads no environment: `webIdentityCredentials()` of `./credentials` does.
 */
export function webIdentityCredentials(options: WebIdentityOptions): CredentialsProvider {
  const { roleArn, token, region, roleSessionName, endpoint, onEvent } = options;
  return tokenCredentials(
    async () => ({ roleArn, roleSessionName, token: await givenToken(token) }),
    { system: withFetch(options.system ?? realSystem, options.fetch), onEvent, region, endpoint },
  );
}
