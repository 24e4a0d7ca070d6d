// Pure.
/**
 * Turns properties into options of a worker and settings of the program around it. All problems are reported
 * together, each with its place; odd but harmless values become notices.
 *
 * KCL takes an unreadable number for 0 and ignores an unknown key; we refuse the first and warn about the
 * second. Some values are never shown: those of unknown keys, and the parts of a credentials property that
 * are not provider names.
 *
 * Source: KCL 3.5.1, `MultiLangDaemonConfiguration` and `MultiLangDaemonConfig`.
 *
 * @module
 */

import type { WorkerOptions } from "../options/options.ts";
import { NO_ACCOUNT_ID } from "../stream/stream_identifier.ts";
import { isTableStreamName } from "../stream/table_stream_name.ts";
import { consistent, type Need, WORKER_NEEDS } from "./property_consistency.ts";
import type { Settings } from "./property.ts";
import type { SourcedEntry } from "./property_source.ts";
import type { RetrievalChoice } from "./retrieval_choice.ts";
import { streamArnParts } from "./property_value.ts";
import { type Findings, givenProperties, type GivenProperty, type Notice } from "./property_reading.ts";

export type { Notice } from "./property_reading.ts";

/** What the properties say. */
export interface Configuration {
  /** Everything but processor and credentials. `region` may be missing: see {@linkcode withRegion}. */
  readonly options: Partial<WorkerOptions>;
  readonly settings: Settings;
  readonly retrieval: RetrievalChoice;
  readonly notices: readonly Notice[];
  /**
   * Where the settings that are read later were set, e.g. `AwsCredentialsProvider ("app.properties" line 3)`.
   */
  readonly places: ReadonlyMap<keyof Settings, string>;
}

/** Properties that make a start impossible: one line for each problem. */
export class PropertiesError extends SyntaxError {
  /** What is merely odd. It may be the cause: a name that is missing is often there, misspelt. */
  readonly notices: readonly Notice[];

  constructor(problems: readonly string[], notices: readonly Notice[]) {
    super(problems.join("\n"));
    this.notices = notices;
  }
}

/**
 * Reads properties.
 *
 * @param sources The entries of each source, those that override others last.
 * @param needs What must be there.
 * @throws {PropertiesError} with one line for each problem.
 */
export function configurationOf(
  sources: readonly (readonly SourcedEntry[])[],
  needs: readonly Need[] = WORKER_NEEDS,
): Configuration {
  const findings: Findings = { notices: [], problems: [], unreadable: [], empty: [] };
  const given = sources.flatMap((entries, rank) => givenProperties(entries, rank, findings));
  const chosen = strongest(given, findings);
  const options: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  const places = new Map<keyof Settings, string>();
  tellOfEmpty(findings);
  for (const { property: { effect }, value, key, where } of chosen) {
    if (effect.type === "option") options[effect.option] = value;
    if (effect.type !== "setting") continue;
    settings[effect.setting] = value;
    places.set(effect.setting, `${key} (${where})`);
  }
  const configuration = consistent({
    // The compiler has checked each row of the table: the value fits its place.
    options: options as Partial<WorkerOptions>,
    settings: settings as Settings,
    given,
    chosen,
    findings,
    needs,
  });
  tellOfNoEffect(chosen, findings);
  if (findings.problems.length > 0) throw new PropertiesError(findings.problems, findings.notices);
  return { ...configuration, notices: findings.notices, places };
}

/**
 * Adds the region, once it is known, and decides what to do with the stream's ARN. KCL takes only the name
 * from it. The sample files of its packages name a stream of account 000000000000, in another region than the
 * file's own. With an ARN like that every call would fail.
 *
 * @param region The region of the environment; counts only if the properties name none.
 */
export function withRegion(configuration: Configuration, region: string | undefined): Configuration {
  const { streamArn, ...others } = configuration.options;
  if (Array.isArray(others.streams)) return withRegionOfMany(configuration, others.streams, region);
  const arn = streamArn === undefined ? undefined : streamArnParts(streamArn);
  const options = { ...others, region: others.region ?? region ?? arn?.region };
  if (arn === undefined) return { ...configuration, options };
  const { streamName } = arn;
  // Its region is a part of its name: that of another region is refused when the worker is made.
  if (isTableStreamName(streamName)) return { ...configuration, options: { ...options, streamArn } };
  if (arn.region !== options.region) {
    const text = `streamArn is in ${arn.region}, but the region is ${options.region}: of the ARN only the ` +
      `stream's name, ${streamName}, is used`;
    const notices = [...configuration.notices, { level: "warning", text } as const];
    return { ...configuration, options: { ...options, streamName }, notices };
  }
  const isPlaceholder = arn.account === NO_ACCOUNT_ID;
  return { ...configuration, options: { ...options, streamName, ...(isPlaceholder ? {} : { streamArn }) } };
}

/** An ARN of another region than the worker's is refused when the worker is made. */
function withRegionOfMany(
  configuration: Configuration,
  streams: Extract<WorkerOptions["streams"], readonly unknown[]>,
  region: string | undefined,
): Configuration {
  const { options } = configuration;
  const arns = streams.map((stream) => typeof stream === "string" ? streamArnParts(stream) : undefined);
  const found = arns.find((arn) => arn !== undefined)?.region;
  return {
    ...configuration,
    options: {
      ...options,
      region: options.region ?? region ?? found,
      streams: streams.map((stream, index) =>
        arns[index]?.account === NO_ACCOUNT_ID ? arns[index].streamName : stream
      ),
    },
  };
}

/**
 * Decides which source sets each thing that can be set. A stronger source beats a weaker one, then the more
 * specific name a general one.
 */
function strongest(given: readonly GivenProperty[], { notices }: Findings): GivenProperty[] {
  const chosen = new Map<string, GivenProperty>();
  for (const candidate of given) {
    const target = targetOf(candidate);
    const rival = chosen.get(target);
    const wins = rival === undefined || candidate.rank > rival.rank ||
      (candidate.rank === rival.rank && candidate.specificity > rival.specificity);
    if (wins) chosen.set(target, candidate);
    if (rival === undefined) continue;
    const [winner, loser] = wins ? [candidate, rival] : [rival, candidate];
    const level = winner.rank === loser.rank ? "warning" : "debug";
    notices.push({
      level,
      text: `${loser.where}: ${loser.key} gives way to ${winner.key} (${winner.where})`,
    });
  }
  return [...chosen.values()];
}

function targetOf({ property: { effect, name } }: GivenProperty): string {
  // Name and ARN are one thing, so that a name on the command line beats an ARN in the file.
  if (name === "streamName" || name === "streamArn") return "stream";
  switch (effect.type) {
    case "option":
      return `option ${effect.option}`;
    case "setting":
      return `setting ${effect.setting}`;
    case "notYet":
    case "none":
      return name;
  }
}

/** In one line: the sample files of KCL's packages have some thirty. */
function tellOfEmpty({ empty, notices }: Findings): void {
  const [first, ...others] = empty;
  if (first === undefined) return;
  const text = others.length === 0
    ? `${first.where}: ${first.key} is empty and taken as not set`
    : `Empty and taken as not set: ${empty.map(({ key }) => key).join(", ")}`;
  notices.push({ level: "warning", text });
  for (const { key, where } of empty) notices.push({ level: "debug", text: `${where}: ${key} is empty` });
}

function tellOfNoEffect(chosen: readonly GivenProperty[], { notices }: Findings): void {
  const keys = (type: "notYet" | "none") =>
    chosen.filter(({ property, isDefault }) => property.effect.type === type && !isDefault)
      .map(({ key }) => key).join(", ");
  const notYet = keys("notYet"), none = keys("none");
  if (notYet !== "") notices.push({ level: "warning", text: `Not served yet and without effect: ${notYet}` });
  if (none !== "") notices.push({ level: "info", text: `Accepted, and without effect here: ${none}` });
}
