// Pure.
/**
 * Reads the entries of one source by the table of properties: which property each is, and what its value
 * means.
 *
 * @module
 */

import { nearestName } from "../nearest_name.ts";
import { shownAddress, withoutUserInfo } from "../shown_address.ts";
import type { Property } from "./property.ts";
import type { SourcedEntry } from "./property_source.ts";
import { PROPERTIES } from "./property_table.ts";
import { url } from "./property_value.ts";

/** A message for the operator. */
export interface Notice {
  readonly level: "debug" | "info" | "warning";
  readonly text: string;
}

/** What is found while properties are read. */
export interface Findings {
  readonly notices: Notice[];
  /** What makes a start impossible, as whole sentences. */
  readonly problems: string[];
  /** Names of properties that are given, but not as they should be. */
  readonly unreadable: string[];
  /** Properties without a value. */
  readonly empty: Pick<SourcedEntry, "key" | "where">[];
}

/** A property with the value that some source gives it. */
export interface GivenProperty {
  readonly property: Property;
  /** As it was written. */
  readonly key: string;
  readonly where: string;
  /** Which source; the greater the stronger. */
  readonly rank: number;
  /** How special the name is: of two that set the same thing, the greater counts. */
  readonly specificity: number;
  readonly value: unknown;
  /** Whether it is what kclite does anyway. */
  readonly isDefault: boolean;
}

/** The properties that one source sets. If a key occurs twice, the last one counts. */
export function givenProperties(
  entries: readonly SourcedEntry[],
  rank: number,
  findings: Findings,
): GivenProperty[] {
  const last = new Map<string, SourcedEntry & { readonly known: KnownName }>();
  for (const entry of entries) {
    const known = knownName(entry.key);
    if (known === undefined) {
      tellOfUnknown(entry, findings);
      continue;
    }
    const before = last.get(known.name);
    if (before !== undefined && before.key !== entry.key) {
      findings.problems.push(
        `Cannot read ${entry.where}: expected either ${entry.key} or ${before.key} (${before.where}): got both`,
      );
    } else if (before !== undefined) {
      findings.notices.push({
        level: "warning",
        text: `${before.where}: ${entry.key} gives way to the same key again (${entry.where})`,
      });
    }
    last.set(known.name, { ...entry, known });
  }
  return [...last.values()].flatMap((entry) => givenProperty(entry, entry.known, rank, findings));
}

/**
 * A text as it may be shown: of a credentials property only the names of providers, and no text at any
 * length.
 */
export function shownText(text: string, property: Property): string {
  if (property.type.secret) {
    return text.split(",").map((entry) => {
      const [name = "", ...parameters] = entry.trim().split("|");
      // The text may be a secret in place of a name.
      const shown = /^[\w.$]*CredentialsProvider\w*$/.test(name) ? name : "***";
      return parameters.length === 0 ? shown : `${shown}|***`;
    }).join(",");
  }
  if (property.type === url) return shownAddress(text) === undefined ? "***" : quoted(text);
  return quoted(withoutUserInfo(text));
}

function quoted(text: string): string {
  return JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
}

/** Characters. */
const MOST_SHOWN = 100;

interface KnownName {
  /** As the table has it. */
  readonly name: string;
  readonly property: Property;
  readonly specificity: number;
}

const NAMES: ReadonlyMap<string, KnownName> = new Map(
  PROPERTIES.flatMap((property) => [property.name, ...property.aliases].map((name) => ({ name, property })))
    .map(({ name, property }, specificity) => [name, { name, property, specificity }]),
);

function knownName(key: string): KnownName | undefined {
  // KCL takes this prefix in any case, and nothing else.
  return NAMES.get(key.replace(/^awscredentialsprovider/i, "AwsCredentialsProvider"));
}

/**
 * Old names of KCL 1.x, and others that are spelt differently, with their present names. In small letters.
 */
const FOREIGN_NAMES: ReadonlyMap<string, string> = new Map([
  ["timestampatinitialpositioninstream", "initialPositionInStreamExtended"],
  ["initialpositioninstreamtimestamp", "initialPositionInStreamExtended"],
  ["kinesiscredentialsprovider", "AwsCredentialsProvider"],
  ["dynamodbcredentialsprovider", "AwsCredentialsProviderDynamoDB"],
  ["cloudwatchcredentialsprovider", "AwsCredentialsProviderCloudWatch"],
  ["skipshardsyncatstartupifleasesexist", "skipShardSyncAtWorkerInitializationIfLeasesExist"],
  ["cloudwatchendpoint", "cloudWatchClient.endpointOverride"],
]);

function tellOfUnknown({ key, where }: SourcedEntry, { notices, problems }: Findings): void {
  const [, provider] = /^((?:kinesis|dynamoDB|cloudWatch)CredentialsProvider)\./.exec(key) ?? [];
  if (provider !== undefined) {
    const instead = FOREIGN_NAMES.get(provider.toLowerCase());
    problems.push(`Cannot read ${where}: ${key} sets a Java object: set ${instead} instead`);
    return;
  }
  const name = key.replace(/^KCLITE_/, "");
  const nearest = FOREIGN_NAMES.get(name.toLowerCase().replaceAll("_", "")) ??
    nearestName(name, [...NAMES.keys()]);
  const hint = nearest === undefined ? "see docs/OPTIONS.md" : `did you mean ${nearest}?`;
  notices.push({
    level: "warning",
    text: `${where}: unknown property ${quoted(key)} is ignored: ${hint}`,
  });
}

function givenProperty(
  { key, value: raw, where }: SourcedEntry,
  { property, specificity }: KnownName,
  rank: number,
  { notices, problems, unreadable, empty }: Findings,
): GivenProperty[] {
  const text = raw.trim();
  if (text === "") {
    empty.push({ key, where });
    return [];
  }
  const reading = property.type.read(text);
  if (reading === undefined) {
    const { wanted } = property.type;
    unreadable.push(property.name);
    problems.push(`Cannot read ${where}: expected ${wanted} for ${key}: got ${shownText(text, property)}`);
    return [];
  }
  if (reading.warning !== undefined && !(reading.value === undefined && isOffUnset(property))) {
    notices.push({ level: "warning", text: `${where}: ${key}: ${reading.warning}` });
  }
  if (reading.value === undefined) return [];
  notices.push({ level: "debug", text: `${where}: ${key} = ${shownText(text, property)}` });
  const isServed = property.effect.type === "option" || property.effect.type === "setting";
  const isOff = reading.value === false || reading.value === 0;
  const isDefault = text.toLowerCase() === property.default.toLowerCase() || (!isServed && isOff);
  return [{ property, key, where, rank, specificity, value: reading.value, isDefault }];
}

/**
 * Whether a value that counts as not set, such as 0, means what is done anyway: nothing, or nothing that we
 * serve.
 */
function isOffUnset({ effect, default: byDefault }: Property): boolean {
  return effect.type === "notYet" || effect.type === "none" || /^(?:none|no limit)$/.test(byDefault);
}
