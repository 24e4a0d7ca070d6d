// Pure.
/**
 * How a worker would take part in the fleet of a table, for people.
 *
 * @module
 */

import type { FormatDecision } from "../../lease/table_format.ts";

/** For people. */
export function formatText(decision: FormatDecision): string {
  if (decision.type === "refuse") return `refused: ${decision.reason}`;
  const { place, mayLead } = decision.format;
  const tables = place === "legacy" ? "three tables, as KCL 3.0 to 3.4" : "one table, as KCL 3.5";
  return `${tables}; a worker of kclite may ${mayLead ? "lead" : "not lead, Java's workers do"}`;
}
