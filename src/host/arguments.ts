/**
 * Reads the command line: our own flags, those of the MultiLangDaemon, and the arguments before a Java
 * program's name. So launchers that insist on calling `java` can call us.
 *
 * A flag is nothing but a property: `--stream words` is `--set streamName=words`.
 *
 * Source: KCL 3.5.1, `MultiLangDaemonArguments`.
 *
 * @module
 */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { type OwnFlags, withoutJava } from "./java_arguments.ts";
import { ownValue } from "../own_value.ts";

/** A property that a flag sets. */
export interface FlagEntry {
  readonly key: string;
  readonly value: string;
  /** The flag, for messages. */
  readonly where: string;
}

/** To run. */
export interface RunCommand {
  readonly type: "run";
  /** The properties file; undefined if flags and environment set everything. */
  readonly file: string | undefined;
  readonly entries: readonly FlagEntry[];
  /** From `-Daws.region=…` and the like, by name. */
  readonly systemProperties: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** What the command line requests. */
export type Command =
  | RunCommand
  | { readonly type: "help" }
  | { readonly type: "version" }
  /** It cannot be understood; one line that says why. */
  | { readonly type: "misuse"; readonly problem: string };

/** Flags that set a property, with what follows them in the help. */
export const FLAGS: Readonly<
  Record<string, { readonly key: string; readonly value: string; readonly help: string }>
> = {
  application: { key: "applicationName", value: "NAME", help: "workers with the same name share the stream" },
  stream: { key: "streamName", value: "NAME", help: "the stream to read, by name or ARN" },
  executable: { key: "executableName", value: "COMMAND", help: "a module (.ts, .js, .mjs), or a program" },
  region: { key: "regionName", value: "REGION", help: "e.g. eu-central-1" },
  "kinesis-endpoint": { key: "kinesisEndpoint", value: "URL", help: "for emulators and private endpoints" },
  "dynamodb-endpoint": { key: "dynamoDBEndpoint", value: "URL", help: "for emulators and private endpoints" },
  "health-port": {
    key: "healthPort",
    value: "PORT",
    help: "serve /live, /ready, /health, /lag, /metrics; 0 = any",
  },
  "health-host": { key: "healthHost", value: "ADDRESS", help: "where to serve them (127.0.0.1)" },
  "log-level": { key: "logLevel", value: "LEVEL", help: "debug, info (the default), warning or error" },
  "log-format": { key: "logFormat", value: "FORMAT", help: "text (the default) or json, one object a line" },
};

/** What `--help` prints. @param commands Those that have a help of their own. */
export function helpText(commands: readonly { readonly name: string; readonly summary: string }[]): string {
  const rows = [
    ...commands,
    { name: "redrive", summary: "gives dead letters back to the processor" },
    { name: "emulator", summary: "serves Kinesis and DynamoDB on this machine, in memory" },
  ];
  const list = rows.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join("\n");
  return `${RUN_HELP}

Commands, each with a --help of its own (docs/commands.md):
${list}

${EXIT_HELP}`;
}

const RUN_HELP = `Usage: kclite [OPTION...] [PROPERTIES_FILE]
       kclite COMMAND [OPTION...] [PROPERTIES_FILE]

Consumes an Amazon Kinesis data stream as the KCL MultiLangDaemon does, without Java.

  -p, --properties-file FILE      the properties file; beats the positional one
      --set KEY=VALUE             sets any property of docs/OPTIONS.md; may be repeated
${
  Object.entries(FLAGS).map(([flag, { value, help }]) => `      ${`--${flag} ${value}`.padEnd(28)}${help}`)
    .join("\n")
}
      --deregister                deregister the fan-out consumer when stopping
  -l, --log-configuration FILE    accepted and ignored: there is no logback
  -h, --help                      this text
  -V, --version                   the version

A flag beats the environment (KCLITE_STREAM_NAME for streamName), which beats the file.
AWS's own settings (AWS_ENDPOINT_URL, AWS_USE_FIPS_ENDPOINT, AWS_PROFILE, ...) fill in what these leave open.
java's own options and the name of the MultiLangDaemon class are accepted. Of them only -Daws.region counts,
-Daws.cborEnabled, and -Daws.accessKeyId, -Daws.secretAccessKey and -Daws.sessionToken.`;

const EXIT_HELP =
  `Exit code: 0 after an orderly end, 1 after a failure, 2 for a wrong command line; 143, 130 or 129 after
SIGTERM, SIGINT or SIGHUP. A second signal ends the program at once.`;

/** Reads the arguments after the program's name. */
export function parseCommand(args: readonly string[]): Command {
  const java = withoutJava(args, OWN_FLAGS);
  const { rest, systemProperties } = java;
  if (java.isVersion) return { type: "version" };
  if (java.problem !== undefined) return { type: "misuse", problem: java.problem };
  let parsed;
  try {
    parsed = parseArgs({
      args: [...rest],
      options: OPTIONS,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { type: "misuse", problem: firstSentence(error.message) };
  }
  const options = parsed.tokens.filter((token) => token.kind === "option");
  const last = (name: string) => lastOf(options, name);
  if (last("help") !== undefined) return { type: "help" };
  if (last("version") !== undefined) return { type: "version" };
  const [positional, ...surplus] = parsed.positionals;
  if (surplus.length > 0) {
    return { type: "misuse", problem: `Expected one properties file: got ${parsed.positionals.join(", ")}` };
  }
  const entries = entriesOf(options);
  if (typeof entries === "string") return { type: "misuse", problem: entries };
  const file = last("properties-file")?.value;
  const warnings = [...java.warnings];
  if (file !== undefined && positional !== undefined) {
    warnings.push(`--properties-file ${file} is used, and ${positional} is not`);
  }
  if (last("log-configuration") !== undefined) {
    warnings.push("--log-configuration is ignored: there is no logback; see --log-level");
  }
  return { type: "run", file: file ?? positional, entries, systemProperties, warnings };
}

/** An option as it was given. */
export interface GivenOption {
  readonly name: string;
  readonly value?: string | undefined;
}

/** The last of an option that was given more than once. */
export function lastOf(options: readonly GivenOption[], name: string): GivenOption | undefined {
  return options.findLast((option) => option.name === name);
}

/** The properties that options set, or a text that says why one cannot be read. */
export function entriesOf(options: readonly GivenOption[]): readonly FlagEntry[] | string {
  const entries: FlagEntry[] = [];
  for (const { name, value = "" } of options) {
    const entry = entryOf(name, value);
    if (typeof entry === "string") return entry;
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** All options of a run, as `parseArgs` takes them. */
export const OPTIONS: ParseArgsOptionsConfig = {
  "properties-file": { type: "string", short: "p" },
  "log-configuration": { type: "string", short: "l" },
  set: { type: "string", multiple: true },
  deregister: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
  ...Object.fromEntries(Object.keys(FLAGS).map((flag) => [flag, { type: "string" } as const])),
};

const OWN_FLAGS: OwnFlags = {
  withValue: dashed(({ type }) => type === "string"),
  withoutValue: dashed(({ type }) => type === "boolean"),
};

function dashed(isWanted: (option: ParseArgsOptionsConfig[string]) => boolean): string[] {
  return Object.entries(OPTIONS).filter(([, option]) => isWanted(option))
    .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
}

/** @returns undefined for a flag that sets no property, a text for one that cannot be read. */
function entryOf(name: string, value: string): FlagEntry | string | undefined {
  if (name === "set") {
    const [, key, text] = /^\s*([^=\s]+)\s*=([^]*)$/.exec(value) ?? [];
    // Not repeated: it may hold a secret.
    if (key === undefined || text === undefined) return "Expected KEY=VALUE after --set: got something else";
    return { key, value: text, where: "--set" };
  }
  if (name === "deregister") {
    return { key: "deregisterConsumerOnStop", value: "true", where: "--deregister" };
  }
  const flag = ownValue(FLAGS, name);
  if (flag === undefined) return undefined;
  const key = name === "stream" && value.startsWith("arn:") ? "streamArn" : flag.key;
  return { key, value, where: `--${name}` };
}

/** Node's messages continue with advice about arguments that start with a dash. */
export function firstSentence(message: string): string {
  return message.split(/\.\s|\n/)[0] ?? message;
}
