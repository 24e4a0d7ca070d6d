/**
 * Writes docs/OPTIONS.md from the table of properties, docs/observing.md and docs/library.md from comments in
 * src, docs/commands.md by running its examples, the table of cases in docs/failures.md, the
 * table of folders in ARCHITECTURE.md, and alarms and dashboard in deploy/. Tests fail when a file is not what this makes.
 *
 * ```sh
 * deno task docs [--smoke]
 * ```
 *
 * `--smoke` makes the texts and writes nothing.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Effect, Property } from "../src/properties/property.ts";
import { PROPERTIES, PROPERTY_GROUPS } from "../src/properties/property_table.ts";
import { variableOf } from "../src/properties/property_source.ts";
import { withFolders } from "../tests/support/folders.ts";
import { COMMANDS_FILE, commandsMarkdown } from "./commands_page.ts";
import { ALARM_RULES_FILE, alarmRulesFile } from "./alarm_rules.ts";
import { DASHBOARD_FILE, dashboardJson } from "./grafana_dashboard.ts";
import { CLOUDWATCH_FILE, withMetrics } from "./cloudwatch_page.ts";
import { FAILURES_FILE, withCases } from "./failures_page.ts";
import { LIBRARY_FILE, libraryMarkdown } from "./library_page.ts";
import { OBSERVING_FILE, observingMarkdown } from "./observing_page.ts";

/** Where the text belongs. */
export const OPTIONS_FILE: URL = new URL("OPTIONS.md", import.meta.url);
const ARCHITECTURE_FILE = new URL("../ARCHITECTURE.md", import.meta.url);

/** The whole text of docs/OPTIONS.md. */
export function optionsMarkdown(): string {
  const tables = PROPERTY_GROUPS.map(({ title, properties }) => `## ${title}\n\n${table(properties)}\n`);
  return `${HEAD}\n${tables.join("\n")}`;
}

const HEAD = `<!-- deno-fmt-ignore-file -->
<!-- Made by docs/generate_options.ts from src/properties/property_table.ts: change those. -->

# Properties

\`deno run -A cli.ts app.properties\` takes the ${PROPERTIES.length} properties below: those of the KCL MultiLangDaemon 3.5 by their names, and some
of our own. Each can also be set by \`--set KEY=VALUE\` and by an environment variable: \`streamName\` by \`${
  variableOf("streamName")
}\`,
\`dynamoDBEndpoint\` by \`${variableOf("dynamoDBEndpoint")}\`, \`fanoutConfig.consumerName\` by \`${
  variableOf("fanoutConfig.consumerName")
}\`.

- **Precedence**: a flag beats the environment, which beats the file. In one file the last of two equal keys counts.
  Of two keys that set the same thing the more specific one counts: an alias beats the name, \`streamArn\` beats \`streamName\`,
  \`initialPositionInStreamExtended\` beats \`initialPositionInStream\`.
- **Syntax**: that of \`java.util.Properties\`, but a file that is valid UTF-8 is read as UTF-8 (Java reads Latin-1). Spaces
  at the end of a value do not count.
- **Wrong values** are refused, all at once, each with its line. KCL takes a number that it cannot read for 0, and most other words
  for false. An empty value means that the property is not set, and so does 0 where KCL takes it so.
- **Unknown keys** are ignored with a warning and the nearest name; KCL ignores them silently.
- **Region**: \`kinesisClient.region\`, \`regionName\`, \`-Daws.region\`, \`AWS_REGION\`, the profile files, \`AWS_DEFAULT_REGION\` (which KCL does
  not know), the metadata of the EC2 instance, \`streamArn\`: the first that there is.
- **CBOR**: \`-Daws.cborEnabled=false\`, \`AWS_CBOR_DISABLE=true\` and \`CBOR_ENABLED=false\` set \`wireFormat\` to json, unless it
  is set.
- **Secrets**: what \`AwsCredentialsProvider\` says beside names of providers appears in no message and no log.

"Sets" names the option of \`WorkerOptions\` that a property sets, for those who use the library; "–" is a property of the command
line alone. Defaults in bold differ from KCL's, which then stand below them.
`;

function table(properties: readonly Property[]): string {
  const rows = properties.map((property) => [
    names(property),
    escaped(property.type.label),
    defaults(property),
    sets(property.effect),
    escaped(property.note),
  ]);
  const head = ["Property", "Value", "Default", "Sets", ""];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function names({ name, aliases, kcl }: Property): string {
  const alike = aliases.map((alias) => `<br>= ${code(alias)}`).join("");
  return `${code(name)}${alike}${kcl === undefined ? "<br>(ours)" : ""}`;
}

function defaults({ default: ours, kcl }: Property): string {
  if (kcl === undefined || kcl === ours) return escaped(ours);
  return `**${escaped(ours)}**<br>KCL: ${escaped(kcl)}`;
}

function sets(effect: Effect): string {
  switch (effect.type) {
    case "option":
      return code(effect.option);
    case "setting":
      return "–";
    case "notYet":
      return "not yet";
    case "none":
      return "no effect";
  }
}

function code(text: string): string {
  return `\`${text}\``;
}

/** In a cell a bar would end it. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false } } });
  const texts = [
    [OPTIONS_FILE, optionsMarkdown()],
    [LIBRARY_FILE, await libraryMarkdown()],
    [OBSERVING_FILE, await observingMarkdown()],
    [COMMANDS_FILE, await commandsMarkdown()],
    [CLOUDWATCH_FILE, withMetrics(await Deno.readTextFile(CLOUDWATCH_FILE))],
    [FAILURES_FILE, withCases(await Deno.readTextFile(FAILURES_FILE))],
    [ALARM_RULES_FILE, alarmRulesFile()],
    [DASHBOARD_FILE, dashboardJson()],
    [ARCHITECTURE_FILE, withFolders(await Deno.readTextFile(ARCHITECTURE_FILE))],
  ] as const;
  for (const [file, text] of texts) {
    if (!values.smoke) await Deno.writeTextFile(file, text);
    console.log(`${file.pathname.split("/").at(-1)}: ${text.split("\n").length} lines`);
  }
}
