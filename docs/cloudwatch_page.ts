/**
 * Writes the tables of docs/cloudwatch.md: which metrics are sent, which are not, and what they cost. The
 * text around them is written by hand.
 *
 * @module
 */

import { metricCost, metricCounts } from "../src/cloudwatch/metric_cost.ts";
import { dimensionsOf, metricSpecs, UNSENT } from "../src/cloudwatch/metric_names.ts";

/** Where the text belongs. */
export const CLOUDWATCH_FILE: URL = new URL("cloudwatch.md", import.meta.url);

/** The text of docs/cloudwatch.md with each table as the code has it. */
export function withMetrics(page: string): string {
  const tables = { sent: sentTable(), unsent: unsentTable(), cost: costTable() };
  return Object.entries(tables).reduce((text, [name, table]) => {
    const place = new RegExp(`(?<=<!-- ${name} -->\\n\\n)[^]*?(?=\\n\\n<!-- end -->)`);
    if (!place.test(text)) {
      throw new Error(`Cannot write docs/cloudwatch.md: expected <!-- ${name} --> and <!-- end --> after it`);
    }
    return text.replace(place, () => table);
  }, page);
}

function sentTable(): string {
  const specs = metricSpecs();
  const operations = [...new Set(specs.map(({ operation }) => operation))];
  return table(
    ["Operation", "Dimensions", "SUMMARY and DETAILED", "DETAILED only"],
    operations.flatMap((operation) => {
      const own = specs.filter((spec) => spec.operation === operation);
      const dimensions = (spec: typeof own[number]) => {
        const names = dimensionsOf(spec, true).filter((name) => name !== "Operation");
        return names.length === 0
          ? "–"
          : names.map((name) => name === "StreamId" ? "(StreamId)" : name).join(", ");
      };
      return [...new Set(own.map(dimensions))].map((these) => {
        const names = (level: string) =>
          own.filter((spec) => dimensions(spec) === these && spec.importance === level)
            .map(({ name, unit, isOfKcl }) => `${name}${UNITS[unit]}${isOfKcl ? "" : " (ours)"}`).join(
              ", ",
            ) || "–";
        return [`\`${operation}\``, these, names("SUMMARY"), names("DETAILED")];
      });
    }),
  );
}

/** Behind a name; counts have nothing. */
const UNITS = { Count: "", Milliseconds: " ms", Bytes: " B", None: " (no unit)" } as const;

function unsentTable(): string {
  return table(
    ["Operation", "Metrics", "Why"],
    UNSENT.map(({ operation, names, why }) => [
      operation.split(", ").map((name) => `\`${name}\``).join(", "),
      names.map((name) => name === "*" ? "all" : name).join(", "),
      why,
    ]),
  );
}

function costTable(): string {
  const rules = [
    ["`DETAILED`, the default", "DETAILED", ["ALL"]],
    ["`SUMMARY`", "SUMMARY", ["ALL"]],
    ["`DETAILED`, dimension Operation alone", "DETAILED", ["Operation"]],
    ["`SUMMARY`, dimension Operation alone", "SUMMARY", ["Operation"]],
  ] as const;
  return table(
    ["Level", "each shard", "each worker", "application", "10 shards, 2 workers", "100 shards, 4 workers"],
    rules.map(([text, level, dimensions]) => {
      const { perShard, perWorker, perApplication } = metricCounts(level);
      const dollars = (shards: number, workers: number) => {
        const cost = metricCost({ shards, workers, level, dimensions, bufferTimeMs: 10_000 });
        return `$${Math.round(cost.metricDollars + cost.requestDollars)}`;
      };
      const counts = dimensions[0] === "ALL"
        ? [`${perShard}`, `${perWorker}`, `${perApplication}`]
        : ["–", "–", `${perShard + perWorker + perApplication}`];
      return [text, ...counts, dollars(10, 2), dollars(100, 4)];
    }),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
