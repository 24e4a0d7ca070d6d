/**
 * Alarms that we recommend, as rules of Prometheus. docs/observing.md prints them, and deploy/prometheus has
 * them as a file.
 *
 * @module
 */

/** One rule. */
export interface AlarmRule {
  readonly alert: string;
  readonly expr: string;
  /** How long the expression must hold. */
  readonly for: string;
  readonly severity: "page" | "ticket";
  /** What it means, in one sentence. */
  readonly summary: string;
}

/** The most important first. */
export const ALARM_RULES: readonly AlarmRule[] = [
  {
    alert: "KcliteUnhealthy",
    expr: "kclite_healthy == 0",
    for: "2m",
    severity: "page",
    summary:
      "A shard makes no progress, or the leader finds that part of the stream is unread; /health says which",
  },
  {
    alert: "KcliteBehind",
    // The leader also sees shards whose worker is gone or cannot be asked; the rest covers a fleet without a leader.
    expr: "max by (job) (kclite_fleet_max_lag_seconds or kclite_max_lag_seconds) > 300",
    for: "5m",
    severity: "page",
    summary: "A shard is more than five minutes behind; choose the figure that your application can bear",
  },
  {
    alert: "KcliteDataLossAhead",
    expr: "min by (job) (kclite_data_loss_in_seconds) < 21600",
    for: "5m",
    severity: "page",
    summary: "At the present pace unread records are trimmed within six hours, or are trimmed now",
  },
  {
    alert: "KcliteTrimmedUnreadSoon",
    expr: "min by (job) (kclite_min_trimmed_in_seconds) < 21600 and " +
      "min by (job) (deriv(kclite_min_trimmed_in_seconds[30m])) < 0.05",
    for: "15m",
    severity: "page",
    summary:
      "Unread records are trimmed within six hours unless they are read, and the reader does not catch up",
  },
  {
    alert: "KcliteNoLeader",
    expr: "sum by (job) (kclite_leader) == 0",
    for: "3m",
    severity: "page",
    summary: "No worker leads, so no lease is assigned",
  },
  {
    alert: "KcliteCheckpointTrimmed",
    expr: "increase(kclite_checkpoints_trimmed_total[10m]) > 0",
    for: "0m",
    severity: "page",
    summary: "The record at a checkpoint is no longer in the stream, so records may be lost",
  },
  {
    alert: "KcliteRecordsSkipped",
    expr: "increase(kclite_skipped_records_total[10m]) > 0",
    for: "0m",
    severity: "page",
    summary: 'processRecords threw, and onProcessError is "skip": the records are not processed',
  },
  {
    alert: "KcliteAggregatedRecordsLost",
    expr: "increase(kclite_aggregated_records_lost_total[10m]) > 0",
    for: "0m",
    severity: "ticket",
    summary: "User records of KPL aggregates were not delivered; see foreignAggregates",
  },
  {
    alert: "KcliteDeadLettersFail",
    expr: "increase(kclite_dead_letter_failures_total[10m]) > 3",
    for: "0m",
    severity: "page",
    summary: "Dead letters cannot be stored, so their shards stand still",
  },
  {
    alert: "KcliteShardStopped",
    expr: "increase(kclite_shards_stopped_total[10m]) > 0",
    for: "0m",
    severity: "page",
    summary: "A shard stands still at a record that fails, as the option errors asks for",
  },
  {
    alert: "KcliteRecordsGivenUp",
    expr: "increase(kclite_given_up_records_total[1h]) > 0",
    for: "0m",
    severity: "ticket",
    summary: "Records were given up: most often they are dead letters now",
  },
  {
    alert: "KcliteProcessorRestarts",
    expr: "increase(kclite_processor_restarts_total[10m]) > 3",
    for: "0m",
    severity: "ticket",
    summary: "A record processor dies again and again, most often at one record",
  },
  {
    alert: "KcliteLeasesExpire",
    expr: 'increase(kclite_leases_lost_total{reason="expired"}[15m]) > 3',
    for: "0m",
    severity: "ticket",
    summary: "Leases are not renewed in time: the event loop is blocked, or DynamoDB is slow",
  },
  {
    alert: "KcliteCheckpointsFail",
    expr: 'increase(kclite_checkpoints_total{outcome="failed"}[10m]) > 5',
    for: "0m",
    severity: "ticket",
    summary: "Checkpoints are not stored, so records are delivered again after a restart",
  },
  {
    alert: "KcliteTableThrottled",
    expr: 'rate(kclite_requests_throttled_total{service="dynamodb"}[10m]) > 0.1',
    for: "10m",
    severity: "ticket",
    summary: "DynamoDB throttles the lease table: raise its capacity, or use on-demand capacity",
  },
  {
    alert: "KcliteCredentialsFail",
    expr: 'increase(kclite_credentials_refreshes_total{outcome="failed"}[15m]) > 0',
    for: "0m",
    severity: "ticket",
    summary: "Credentials could not be refreshed; requests fail once the old ones expire",
  },
];

/** Where the rules are as a file. */
export const ALARM_RULES_FILE: URL = new URL("../deploy/prometheus/kclite.rules.yaml", import.meta.url);

/** The file. */
export function alarmRulesFile(): string {
  return `# Made by \`deno task docs\` from docs/alarm_rules.ts. What to do for each: docs/troubleshooting.md.\n${alarmRulesYaml()}\n`;
}

/** The rules as Prometheus reads them. */
export function alarmRulesYaml(): string {
  const rules = ALARM_RULES.map(({ alert, expr, for: time, severity, summary }) =>
    [
      `      - alert: ${alert}`,
      `        expr: ${JSON.stringify(expr)}`,
      `        for: ${time}`,
      `        labels: { severity: ${severity} }`,
      "        annotations:",
      `          summary: ${JSON.stringify(summary)}`,
    ].join("\n")
  );
  return ["groups:", "  - name: kclite", "    rules:", ...rules].join("\n");
}
