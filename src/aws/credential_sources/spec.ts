// Pure.
/**
 * Reads the value of `AwsCredentialsProvider` and its like in a properties file: names of Java classes, `,`
 * between them and `|` before each argument.
 *
 * Java skips a class that it does not find, and continues with the next. kclite does the same, with a warning
 * that names the entry. A list without any known entry is refused. A known entry that is written wrong is
 * refused too.
 *
 * Source: KCL 3.5.1, `AwsCredentialsProviderPropertyValueDecoder`, `KclStsAssumeRoleCredentialsProvider`.
 *
 * @module
 */

import { checkedEndpoint, checkedRegion } from "../endpoint.ts";

/** One source of credentials that a properties file names. */
export type CredentialsEntry =
  | {
    readonly type:
      | "default"
      | "environment"
      | "systemProperties"
      | "webIdentity"
      | "container"
      | "instance"
      | "anonymous";
  }
  | { readonly type: "profile"; readonly name: string | undefined }
  | {
    readonly type: "static";
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | undefined;
  }
  | {
    readonly type: "assumeRole";
    readonly roleArn: string;
    readonly roleSessionName: string;
    readonly externalId: string | undefined;
    readonly endpoint: string | undefined;
    /** Undefined: the region of the rest. */
    readonly region: string | undefined;
  };

/** What a property's value names. */
export interface CredentialsSpec {
  /** To be tried in this order; at least one. */
  readonly entries: readonly CredentialsEntry[];
  /** Warnings for the author of the file. Free of secrets. */
  readonly notes: readonly string[];
}

/**
 * Reads a property's value.
 *
 * @param where The property and its place, for messages, e.g. `AwsCredentialsProvider ("app.properties" line
 * 3)`.
 * @throws {TypeError} when it names no class, none that we have, or one with wrong arguments. The message
 * repeats no argument, since that may be a secret.
 */
export function parseCredentialsSpec(
  value: string,
  where = "the credentials provider of the properties file",
): CredentialsSpec {
  const notes: string[] = [], unknown: string[] = [];
  const parts = value.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
  const entries = parts.flatMap((entry, index) => {
    const [className = "", ...args] = entry.split("|").map((part) => part.trim());
    const place = parts.length === 1 ? where : `${where}, entry ${index + 1}`;
    if (!isKnown(className)) {
      unknown.push(`${place}: ${named(className)} is not known`);
      return [];
    }
    try {
      return parseEntry(className, args, notes);
    } catch (error) {
      throw error instanceof Refusal ? new TypeError(`Cannot use ${place}: ${error.message}`) : error;
    }
  });
  const [first] = unknown;
  if (entries.length > 0) {
    return { entries, notes: [...unknown.map((text) => `${text} and is skipped, as in Java`), ...notes] };
  }
  throw new TypeError(
    first === undefined
      ? `Cannot use ${where}: expected the name of a credentials provider: got none`
      : `Cannot use ${
        unknown.join("; ")
      }; a class of your own cannot be loaded without Java: expected one of ${PROVIDERS.join(", ")}`,
  );
}

/** A problem of one entry, to which its place is still to be added. */
class Refusal extends TypeError {}

/** What can be written, besides {@linkcode OLD_NAMES}. */
const PROVIDERS: readonly string[] = [
  "DefaultCredentialsProvider",
  "EnvironmentVariableCredentialsProvider",
  "WebIdentityTokenFileCredentialsProvider",
  "ProfileCredentialsProvider",
  "ContainerCredentialsProvider",
  "InstanceProfileCredentialsProvider",
  "StsAssumeRoleCredentialsProvider",
  "KclStsAssumeRoleCredentialsProvider",
  "SystemPropertyCredentialsProvider",
  "AnonymousCredentialsProvider",
  "StaticCredentialsProvider",
];

function isKnown(className: string): boolean {
  const short = shortName(className);
  return PROVIDERS.includes(short) || OLD_NAMES.has(short);
}

/** The packages in which Java looks for a short name, and those that people write out. */
const PACKAGES: readonly string[] = [
  "software.amazon.kinesis.multilang.auth.",
  "software.amazon.awssdk.auth.credentials.",
  "software.amazon.awssdk.services.sts.auth.",
  "com.amazonaws.auth.profile.",
  "com.amazonaws.auth.",
];

/** Names of version 1 of the AWS SDK for Java, which KCL 3 no longer finds, and what to write instead. */
const OLD_NAMES: ReadonlyMap<string, string> = new Map([
  ["DefaultAWSCredentialsProviderChain", "DefaultCredentialsProvider"],
  [
    "EC2ContainerCredentialsProviderWrapper",
    "ContainerCredentialsProvider,InstanceProfileCredentialsProvider",
  ],
  ["SystemPropertiesCredentialsProvider", "SystemPropertyCredentialsProvider"],
  ["STSAssumeRoleSessionCredentialsProvider", "StsAssumeRoleCredentialsProvider"],
  ["WebIdentityTokenCredentialsProvider", "WebIdentityTokenFileCredentialsProvider"],
]);

function parseEntry(className: string, args: readonly string[], notes: string[]): CredentialsEntry[] {
  const short = shortName(className);
  const newName = OLD_NAMES.get(short);
  if (newName === undefined) return [entryOf(short, className, args, notes)];
  notes.push(`${short} is a name of the AWS SDK for Java 1: write ${newName} instead`);
  return newName.split(",").map((name) => entryOf(name, className, args, notes));
}

function shortName(className: string): string {
  const home = PACKAGES.find((name) => className.startsWith(name));
  return home === undefined ? className : className.slice(home.length);
}

function entryOf(
  short: string,
  className: string,
  args: readonly string[],
  notes: string[],
): CredentialsEntry {
  switch (short) {
    case "DefaultCredentialsProvider":
      return plain("default", short, args);
    case "EnvironmentVariableCredentialsProvider":
      return plain("environment", short, args);
    case "SystemPropertyCredentialsProvider":
      return plain("systemProperties", short, args);
    case "WebIdentityTokenFileCredentialsProvider":
      return plain("webIdentity", short, args);
    case "ContainerCredentialsProvider":
      return plain("container", short, args);
    case "InstanceProfileCredentialsProvider":
      return plain("instance", short, args);
    case "AnonymousCredentialsProvider":
      notes.push(
        "AnonymousCredentialsProvider signs with made-up keys, which emulators accept but AWS does not",
      );
      return plain("anonymous", short, args);
    case "ProfileCredentialsProvider":
      if (args.length > 1) {
        throw refusal(`expected at most a profile's name for ${short}: got ${args.length} arguments`);
      }
      return { type: "profile", name: args[0] || undefined };
    case "StaticCredentialsProvider":
      return staticEntry(args, notes);
    case "StsAssumeRoleCredentialsProvider":
    case "KclStsAssumeRoleCredentialsProvider":
      return assumeRoleEntry(short, args, notes);
    default:
      throw refusal(`${named(className)} is not known`);
  }
}

function plain(
  type: Exclude<CredentialsEntry["type"], "profile" | "static" | "assumeRole">,
  short: string,
  args: readonly string[],
): CredentialsEntry {
  if (args.length > 0) throw refusal(`expected no arguments for ${short}: got ${args.length}`);
  return { type };
}

function staticEntry(args: readonly string[], notes: string[]): CredentialsEntry {
  const [accessKeyId = "", secretAccessKey = "", sessionToken] = args;
  if (args.length > 3 || accessKeyId === "" || secretAccessKey === "") {
    throw refusal(
      "expected StaticCredentialsProvider|ACCESS_KEY_ID|SECRET_ACCESS_KEY, and |SESSION_TOKEN where there is one: " +
        `got ${args.filter((arg) => arg !== "").length} arguments`,
    );
  }
  notes.push(
    "StaticCredentialsProvider keeps a secret in a properties file: meant for emulators; KCL for Java does not know it",
  );
  return { type: "static", accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined };
}

function assumeRoleEntry(short: string, args: readonly string[], notes: string[]): CredentialsEntry {
  const [roleArn = "", roleSessionName = "", ...extras] = args;
  if (roleArn === "" || roleSessionName === "") {
    throw refusal(
      `expected ${short}|ROLE_ARN|SESSION_NAME: got ${args.filter((arg) => arg !== "").length} arguments`,
    );
  }
  let externalId: string | undefined, endpoint: string | undefined, region: string | undefined;
  for (const extra of extras) {
    const [key = "", value, ...more] = extra.split("=");
    if (value === undefined || value === "" || more.length > 0) {
      notes.push(`${short}: an argument is not of the form key=value and is ignored`);
    } else if (key === "externalId") {
      externalId = value;
    } else if (key === "endpointRegion") {
      region = checkedRegion(value);
    } else if (key === "endpoint") {
      const [url = "", signingRegion = "", ...rest] = value.split("^");
      if (url === "" || signingRegion === "" || rest.length > 0) {
        // Not repeated: a password may be in it.
        throw refusal(`expected endpoint=URL^REGION for ${short}: got something else`);
      }
      endpoint = checkedEndpoint(/^\w+:\/\//.test(url) ? url : `https://${url}`);
      region = signingRegion;
    } else {
      const known = "expected endpoint, endpointRegion or externalId";
      notes.push(`${short}: ${/^\w{1,40}$/.test(key) ? `"${key}"` : "an argument"} is ignored: ${known}`);
    }
  }
  return { type: "assumeRole", roleArn, roleSessionName, externalId, endpoint, region };
}

/** A misplaced secret must not be taken for a class name and repeated. */
function named(className: string): string {
  return /^[A-Za-z_$][\w$.]*(Provider|Chain|Wrapper)\w*$/.test(className)
    ? `the credentials provider ${className}`
    : "what stands in the place of a class name";
}

function refusal(problem: string): Refusal {
  return new Refusal(problem);
}
