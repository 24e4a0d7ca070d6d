/**
 * What the profile in use says in the AWS profile files, but for its credentials: region, endpoints.
 *
 * Source: AWS SDK for Java 2, `AwsProfileRegionProvider`; AWS SDKs and Tools Reference Guide, "Shared config
 * and credentials files", "Service-specific endpoints".
 *
 * @module
 */

import { isGranted } from "./environment_variables.ts";
import { readTextFile } from "./text_file.ts";

/** Where to look. */
export interface ProfileSettingsOptions {
  /** Looks up environment variables. */
  readonly env: (name: string) => string | undefined;
}

/** Gives a setting of the profile; of a service in the profile's `services` section if one is named. */
export type ProfileSettings = (key: string, service?: string) => string | undefined;

/**
 * Reads the profile `AWS_PROFILE`, else `default`. The credentials file has precedence over the config file.
 * A file that does not exist, or may not be read, sets nothing.
 */
export async function profileSettings({ env }: ProfileSettingsOptions): Promise<ProfileSettings> {
  // No prompt for a permission: most programs have no profile.
  const quiet = (name: string) => isGranted({ name: "env", variable: name }) ? env(name) : undefined;
  const home = quiet("HOME") ?? quiet("USERPROFILE");
  const profile = env("AWS_PROFILE")?.trim() || "default";
  const inHome = (name: string) => home === undefined ? undefined : `${home}/.aws/${name}`;
  const credentials = await sectionsOf(env("AWS_SHARED_CREDENTIALS_FILE") ?? inHome("credentials"));
  const config = await sectionsOf(env("AWS_CONFIG_FILE") ?? inHome("config"));
  const ofProfile = [
    credentials.get(profile),
    config.get(`profile ${profile}`),
    ...(profile === "default" ? [config.get("default")] : []),
  ];
  const setting = (key: string) =>
    ofProfile.map((section) => section?.get(key)).find((value) => value !== undefined);
  return (key, service) => {
    if (service === undefined) return setting(key);
    const services = setting("services");
    return services === undefined ? undefined : config.get(`services ${services}`)?.get(`${service}.${key}`);
  };
}

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

async function sectionsOf(path: string | undefined): Promise<Sections> {
  if (path === undefined || !isGranted({ name: "read", path })) return new Map();
  try {
    return parseProfileFile(await readTextFile(path));
  } catch {
    return new Map(); // not there, or not for us
  }
}

/**
 * The settings of each section. Indented lines belong to the key above them: `key.inner`. Empty values are
 * left out.
 */
export function parseProfileFile(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let outer = "";
  for (const line of text.split(/\r?\n/)) {
    const [, title] = /^\[\s*(.*?)\s*\]/.exec(line) ?? [];
    if (title !== undefined) {
      const name = title.replace(/\s+/g, " ");
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      outer = "";
      continue;
    }
    const plain = line.replace(/(?:^|\s)[#;].*$/, "");
    const [, indent = "", key = "", value = ""] = /^(\s*)([^\s=][^=]*?)\s*=\s*(.*?)\s*$/.exec(plain) ?? [];
    if (key === "") continue;
    if (indent === "") outer = key;
    const name = indent === "" ? key : `${outer}.${key}`;
    if (value !== "" && section !== undefined && !section.has(name)) section.set(name, value);
  }
  return sections;
}
