/**
 * Reads the AWS profile files by way of AWS's own package, which knows all that may stand in them: keys, roles upon roles,
 * web identity, `credential_process`, single sign-on.
 *
 * The package is large and needs permissions, so it is loaded by the first call, and only if there is a file to read. Its name
 * is computed: Deno downloads what a plain `import("…")` names before the program starts.
 *
 * @module
 */

import { CredentialsError, type CredentialsFailure } from "../errors.ts";
import { foreignReason } from "../foreign_reason.ts";
import { variable } from "./environment.ts";

/**
 * The package and its version. Deno downloads exactly this one when it is needed. The npm package of kclite lists it as an
 * optional peer dependency, this version or a later one, so its user installs it.
 */
export const PROFILE_PACKAGE = "npm:@aws-sdk/credential-providers@3.1169.0";

/** Where the files are, and where roles are asked for. */
export interface ProfileFiles {
  /** Region of STS for profiles that name none. */
  readonly region?: string | undefined;
  /** @default `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials` */
  readonly credentialsFile?: string | undefined;
  /** @default `AWS_CONFIG_FILE`, else `~/.aws/config` */
  readonly configFile?: string | undefined;
}

/** What a profile gives; may be handed on as credentials. */
export interface ProfileCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly expiresEpochMs: number | undefined;
}

/**
 * Makes a loader of profiles. It takes a profile's name, or undefined for `AWS_PROFILE`, else `default`; it reads the files
 * anew each time, and throws `CredentialsError`.
 */
export function profileLoader(
  files: ProfileFiles = {},
): (name: string | undefined) => Promise<ProfileCredentials> {
  return async (name) => {
    const credentialsFile = files.credentialsFile ?? variable("AWS_SHARED_CREDENTIALS_FILE") ??
      inHome("credentials");
    const configFile = files.configFile ?? variable("AWS_CONFIG_FILE") ?? inHome("config");
    if (!(await isReadable(credentialsFile)) && !(await isReadable(configFile))) {
      throw new CredentialsError(`neither ${credentialsFile} nor ${configFile} can be read`, {
        reason: isAsked(name) ? "refused" : "notConfigured",
      });
    }
    const { fromIni } = await loadPackage();
    const provider = fromIni({
      filepath: credentialsFile,
      configFilepath: configFile,
      ignoreCache: true,
      ...(name === undefined ? {} : { profile: name }),
      ...(files.region === undefined ? {} : { parentClientConfig: { region: files.region } }),
    });
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider();
      return { accessKeyId, secretAccessKey, sessionToken, expiresEpochMs: expiration?.getTime() };
    } catch (error) {
      // Without cause: it may hold what a process printed.
      throw new CredentialsError(foreignReason(error), { reason: failureOf(error, isAsked(name)) });
    }
  };
}

/** What is used of the package. */
interface ProfilePackage {
  fromIni(
    options: {
      readonly filepath: string;
      readonly configFilepath: string;
      readonly ignoreCache: boolean;
      readonly profile?: string;
      readonly parentClientConfig?: { readonly region: string };
    },
  ): () => Promise<PackageCredentials>;
}

interface PackageCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

async function loadPackage(): Promise<ProfilePackage> {
  const [, name = "", version = ""] = /^npm:(.+)@(.+)$/.exec(PROFILE_PACKAGE) ?? [];
  const isDeno = "Deno" in globalThis;
  try {
    return await import(isDeno ? PROFILE_PACKAGE : name);
  } catch (cause) {
    const command = isDeno ? `deno cache "${PROFILE_PACKAGE}"` : `npm install "${name}@^${version}"`;
    throw new CredentialsError(
      `Cannot read the profile files: expected the package ${name}: got ${reasonOf(cause)}: run ${command}`,
      { cause },
    );
  }
}

/** As the package finds it. */
function inHome(file: string): string {
  const home = variable("HOME") ?? variable("USERPROFILE") ?? "~";
  return `${home}/.aws/${file}`;
}

async function isReadable(path: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  try {
    await stat(path); // access() wants to know the user, and under Deno a permission for it
    return true;
  } catch {
    return false; // the error says so
  }
}

/** Whether somebody named the profile: then it is set up, if only in part. */
function isAsked(name: string | undefined): boolean {
  return name !== undefined || Boolean(variable("AWS_PROFILE")?.trim());
}

/** AWS's package has no codes: a profile that is not there, or that gives no credentials, shows itself in words. */
function failureOf(error: unknown, isAsked: boolean): CredentialsFailure {
  if (!(error instanceof Error)) return "refused";
  if (/^Could not resolve credentials using profile/.test(error.message)) {
    return isAsked ? "refused" : "notConfigured";
  }
  // A service that has answered has refused; the package has tried again what is worth it.
  const isRefusal = "$fault" in error && error.$fault === "client" &&
    !("$retryable" in error && error.$retryable);
  return isRefusal ? "refused" : "notAnswering";
}
