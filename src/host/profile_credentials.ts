/**
 * Reads the AWS profile files with AWS's own package. That package knows everything that these files may
 * contain: keys, roles upon roles, web identity, `credential_process`, single sign-on.
 *
 * The package is large and needs permissions, so it is loaded by the first call, and only if there is a file
 * to read. Its name is computed: Deno downloads what a plain `import("…")` names before the program starts.
 *
 * @module
 */

import { CredentialsError, type CredentialsFailure } from "../errors.ts";
import { foreignReason } from "../foreign_reason.ts";
import { variable } from "./environment_variables.ts";
import { parseProfileFile } from "./profile_settings.ts";
import { readTextFile } from "./text_file.ts";

/**
 * The package and its version. Deno downloads exactly this one when it is needed. The npm package of kclite
 * lists it as an optional peer dependency, this version or a later one, so its user installs it.
 */
export const PROFILE_PACKAGE = "npm:@aws-sdk/credential-providers@3.1169.0";

/** Where the files are, and which STS gives roles. */
export interface ProfileFiles {
  /** Region of STS for profiles that name none. */
  readonly region?: string | undefined;
  /** The profile if none is named. @default `AWS_PROFILE`, else `default` */
  readonly profile?: string | undefined;
  /** @default `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials` */
  readonly credentialsFile?: string | undefined;
  /** @default `AWS_CONFIG_FILE`, else `~/.aws/config` */
  readonly configFile?: string | undefined;
}

/** What a profile gives; may be used as credentials. */
export interface ProfileCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly expiresEpochMs: number | undefined;
}

/**
 * Makes a loader of profiles. The loader takes a profile's name, or undefined for `AWS_PROFILE`, else
 * `default`. It reads the files again each time, and throws `CredentialsError`.
 */
export function profileLoader(
  files: ProfileFiles = {},
): (name: string | undefined) => Promise<ProfileCredentials> {
  return async (name) => {
    const credentialsFile = files.credentialsFile ?? variable("AWS_SHARED_CREDENTIALS_FILE") ??
      inHome("credentials");
    const configFile = files.configFile ?? variable("AWS_CONFIG_FILE") ?? inHome("config");
    const asked = name ?? (files.profile ?? variable("AWS_PROFILE")?.trim());
    const found = await findProfile(asked || "default", credentialsFile, configFile);
    if (found !== "usable") {
      // A profile may contain only a region: then the keys are elsewhere. A profile that was named must
      // exist.
      const isMissed = name !== undefined || (Boolean(asked) && found !== "empty");
      throw new CredentialsError(
        found === "unreadable"
          ? `neither ${credentialsFile} nor ${configFile} can be read`
          : `there ${found === "empty" ? "are no credentials in" : "is no"} profile [${
            asked || "default"
          }] in ${credentialsFile} and ${configFile}`,
        { reason: isMissed ? "refused" : "notConfigured" },
      );
    }
    const { fromIni } = await loadPackage();
    const provider = fromIni({
      filepath: credentialsFile,
      configFilepath: configFile,
      ignoreCache: true,
      ...(asked ? { profile: asked } : {}),
      ...(files.region === undefined ? {} : { parentClientConfig: { region: files.region } }),
    });
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider();
      return { accessKeyId, secretAccessKey, sessionToken, expiresEpochMs: expiration?.getTime() };
    } catch (error) {
      // Without the cause: it may hold the output of a process.
      throw new CredentialsError(foreignReason(error), { reason: failureOf(error) });
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
      `Cannot read the profile files: expected the package ${name}: got ${
        foreignReason(cause)
      }: run ${command}`,
      // only Deno downloads it automatically, which may fail for a while
      { cause, reason: isDeno ? "notAnswering" : "refused" },
    );
  }
}

/** As the package finds it. */
function inHome(file: string): string {
  const home = variable("HOME") ?? variable("USERPROFILE") ?? "~";
  return `${home}/.aws/${file}`;
}

/** What of a profile is there. */
type Found = "usable" | "empty" | "absent" | "unreadable";

/** Looks before the package is loaded, which may have to be downloaded. */
async function findProfile(profile: string, credentialsFile: string, configFile: string): Promise<Found> {
  const [credentials, config] = [await sectionsOf(credentialsFile), await sectionsOf(configFile)];
  if (credentials === undefined && config === undefined) return "unreadable";
  const sections = [
    credentials?.get(profile),
    config?.get(`profile ${profile}`),
    profile === "default" ? config?.get("default") : undefined,
  ].filter((section) => section !== undefined);
  if (sections.length === 0) return "absent";
  return sections.some((section) => [...section.keys()].some((key) => LEADS_TO_KEYS.test(key)))
    ? "usable"
    : "empty";
}

/**
 * How the settings begin that lead to credentials. Source: AWS SDKs and Tools Reference Guide, "Settings
 * reference".
 */
const LEADS_TO_KEYS = /^(?:aws_|role_arn|source_profile|credential_|web_identity_|sso_|login_)/;

async function sectionsOf(path: string): Promise<ReturnType<typeof parseProfileFile> | undefined> {
  try {
    return parseProfileFile(await readTextFile(path));
  } catch {
    return undefined; // the error says so
  }
}

/**
 * AWS's package has no codes. A service that has answered has refused; the package has already retried what
 * is worth it.
 */
function failureOf(error: unknown): CredentialsFailure {
  if (!(error instanceof Error)) return "refused";
  if (/^Could not resolve credentials using profile/.test(error.message)) return "refused";
  const isRefusal = "$fault" in error && error.$fault === "client" &&
    !("$retryable" in error && error.$retryable);
  return isRefusal ? "refused" : "notAnswering";
}
