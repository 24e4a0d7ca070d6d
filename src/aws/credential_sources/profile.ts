/**
 * Credentials of a profile in the AWS profile files. Other code reads these files (roles upon roles,
 * `credential_process`, single sign-on). A loader is given where there are files, and is called only when the
 * chain gets that far.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import { cachedCredentials, type CachingOptions } from "./cached.ts";
import { type Credentials, type CredentialsProvider, guardedCredentials } from "../credentials.ts";

/** Gives the credentials of the profile of that name; of `AWS_PROFILE`, else of `default`, for undefined. */
export type ProfileLoader = (name: string | undefined) => Promise<Credentials>;

/** Options of {@linkcode profileCredentials}. */
export interface ProfileOptions extends CachingOptions {
  /** Undefined if there are no profile files. */
  readonly profile?: ProfileLoader | undefined;
}

/** The credentials of one profile, refreshed like those of a role when they expire. */
export function profileCredentials(name: string | undefined, options: ProfileOptions): CredentialsProvider {
  const { profile } = options;
  return cachedCredentials({
    name: "profile",
    rule: "role",
    load: async () => {
      if (profile === undefined) {
        throw new CredentialsError("profile files are not read here", { reason: "notConfigured" });
      }
      return guardedCredentials(
        await profile(name),
        name === undefined ? "the profile" : `the profile "${name}"`,
      );
    },
  }, options);
}
