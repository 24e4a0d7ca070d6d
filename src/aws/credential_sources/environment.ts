/**
 * Credentials in environment variables, or in Java's system properties where a command line sets them.
 *
 * @module
 */

import { CredentialsError } from "../../errors.ts";
import { type CredentialsProvider, guardedCredentials, type Lookup } from "../credentials.ts";

/** `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`. */
export function environmentCredentials(env: Lookup): CredentialsProvider {
  return lookedUp(env, "the environment", {
    accessKeyId: "AWS_ACCESS_KEY_ID",
    secretAccessKey: "AWS_SECRET_ACCESS_KEY",
    sessionToken: "AWS_SESSION_TOKEN",
  });
}

/** `-Daws.accessKeyId=…`, `-Daws.secretAccessKey=…` and `-Daws.sessionToken=…`. */
export function systemPropertyCredentials(property: Lookup): CredentialsProvider {
  return lookedUp(property, "the system properties", {
    accessKeyId: "aws.accessKeyId",
    secretAccessKey: "aws.secretAccessKey",
    sessionToken: "aws.sessionToken",
  });
}

interface Names {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Looked up at each call: values are trimmed, and an empty one counts as none. */
function lookedUp(lookup: Lookup, source: string, names: Names): CredentialsProvider {
  const value = (name: string) => lookup(name)?.trim() || undefined;
  const required = (name: string): string => {
    const found = value(name);
    if (found === undefined) {
      throw new CredentialsError(`${name} is not set`, { reason: "notConfigured" });
    }
    return found;
  };
  // deno-lint-ignore require-await -- a provider answers with a promise, and fails with one
  return async () =>
    guardedCredentials({
      accessKeyId: required(names.accessKeyId),
      secretAccessKey: required(names.secretAccessKey),
      sessionToken: value(names.sessionToken),
    }, source);
}
