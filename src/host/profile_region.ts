/**
 * The region that the AWS profile files name.
 *
 * Source: AWS SDK for Java 2, `AwsProfileRegionProvider`.
 *
 * @module
 */

import { readTextFile } from "./files.ts";

/** Where to look. */
export interface ProfileRegionOptions {
  /** Looks up environment variables. */
  readonly env: (name: string) => string | undefined;
}

/**
 * `region` of the profile `AWS_PROFILE`, else `default`. The credentials file wins over the config file. Undefined where
 * there is none, or no file that can be read.
 */
export async function profileRegion({ env }: ProfileRegionOptions): Promise<string | undefined> {
  const home = env("HOME") ?? env("USERPROFILE");
  const profile = env("AWS_PROFILE")?.trim() || "default";
  const inHome = (name: string) => home === undefined ? undefined : `${home}/.aws/${name}`;
  const files = [
    { path: env("AWS_SHARED_CREDENTIALS_FILE") ?? inHome("credentials"), sections: [profile] },
    {
      path: env("AWS_CONFIG_FILE") ?? inHome("config"),
      sections: [`profile ${profile}`, ...(profile === "default" ? ["default"] : [])],
    },
  ];
  for (const { path, sections } of files) {
    const text = path === undefined ? "" : await textOf(path);
    for (const section of sections) {
      const region = valueIn(text, section, "region");
      if (region !== undefined) return region;
    }
  }
  return undefined;
}

/** A file that is not there, or not for us, is a file that says nothing. */
async function textOf(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch {
    return "";
  }
}

/** The value of a key in a section of an AWS profile file; indented lines belong to the key above them. */
function valueIn(text: string, section: string, key: string): string | undefined {
  let isInside = false;
  for (const line of text.split(/\r?\n/)) {
    const [, title] = /^\[\s*(.*?)\s*\]/.exec(line) ?? [];
    if (title !== undefined) isInside = title.replace(/\s+/g, " ") === section;
    const [, found, value] = /^([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (isInside && found === key && value !== undefined && value !== "") return value;
  }
  return undefined;
}
