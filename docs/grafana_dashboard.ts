/**
 * A dashboard of Grafana for the series of `/metrics`: deploy/grafana/kclite.json.
 *
 * @module
 */

/** One panel. */
export interface Panel {
  readonly title: string;
  /** What it shows, for its tooltip. */
  readonly description: string;
  /** Each with the legend of its lines. */
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
  /** As Grafana names units. */
  readonly unit: "s" | "short" | "reqps" | "Bps" | "percentunit";
  /** A figure, or lines over time. */
  readonly kind: "stat" | "timeseries";
  /** The figure from which it is red. */
  readonly redFrom?: number;
}

/** Of one application: the selector of each query. */
const APP = `job=~"$job"`;

/** From top left, four figures or two charts in a row. */
export const PANELS: readonly Panel[] = [
  {
    title: "Largest lag",
    description:
      "How far the shard that is furthest behind is behind the tip, as the leader and the workers see it.",
    queries: [{
      expr: `max(kclite_fleet_max_lag_seconds{${APP}} or kclite_max_lag_seconds{${APP}})`,
      legend: "lag",
    }],
    unit: "s",
    kind: "stat",
    redFrom: 300,
  },
  {
    title: "Workers that are not healthy",
    description: "/health of each says what is wrong.",
    queries: [{ expr: `count(kclite_healthy{${APP}} == 0) or vector(0)`, legend: "workers" }],
    unit: "short",
    kind: "stat",
    redFrom: 1,
  },
  {
    title: "Records a second",
    description: "Records that processors have returned from, after de-aggregation.",
    queries: [{ expr: `sum(rate(kclite_processed_records_total{${APP}}[5m]))`, legend: "records" }],
    unit: "short",
    kind: "stat",
  },
  {
    title: "Leases held, of all in the table",
    description: "The second figure is as the leader sees it. Finished shards have leases for a while too.",
    queries: [
      { expr: `sum(kclite_leases_held{${APP}})`, legend: "held" },
      { expr: `max(kclite_fleet_leases{${APP}})`, legend: "in the table" },
    ],
    unit: "short",
    kind: "stat",
  },
  {
    title: "Until unread records are trimmed",
    description: "If none is read from now on. It falls while readers fall behind.",
    queries: [{ expr: `min(kclite_min_trimmed_in_seconds{${APP}})`, legend: "until trimmed" }],
    unit: "s",
    kind: "timeseries",
  },
  {
    title: "Until data is lost, at the present pace",
    description: "Empty while no loss is foreseen. 0: records are trimmed unread now.",
    queries: [{ expr: `min(kclite_data_loss_in_seconds{${APP}})`, legend: "until lost" }],
    unit: "s",
    kind: "timeseries",
  },
  {
    title: "Lag by shard",
    description: "The ten shards that are furthest behind.",
    queries: [{ expr: `topk(10, kclite_shard_lag_seconds{${APP}})`, legend: "{{shard}}" }],
    unit: "s",
    kind: "timeseries",
  },
  {
    title: "Records a second by worker",
    description: "Records that processors have returned from.",
    queries: [{
      expr: `sum by (instance) (rate(kclite_processed_records_total{${APP}}[5m]))`,
      legend: "{{instance}}",
    }],
    unit: "short",
    kind: "timeseries",
  },
  {
    title: "Leases by worker",
    description: "A worker that holds many more than others has more to do.",
    queries: [{ expr: `kclite_leases_held{${APP}}`, legend: "{{instance}}" }],
    unit: "short",
    kind: "timeseries",
  },
  {
    title: "Leases lost, by reason, and handoffs",
    description: "Leases that expire are a sign of a blocked event loop or a slow table.",
    queries: [
      { expr: `sum by (reason) (increase(kclite_leases_lost_total{${APP}}[5m]))`, legend: "{{reason}}" },
      { expr: `sum(increase(kclite_handoffs_started_total{${APP}}[5m]))`, legend: "handoff" },
    ],
    unit: "short",
    kind: "timeseries",
  },
  {
    title: "Time in processors",
    description:
      "Seconds of processRecords for each second, by worker. Near the number of its shards: too slow.",
    queries: [{
      expr: `sum by (instance) (rate(kclite_callback_seconds_sum{${APP}, callback="processRecords"}[5m]))`,
      legend: "{{instance}}",
    }],
    unit: "short",
    kind: "timeseries",
  },
  {
    title: "Records that failed",
    description: "Skipped, given up, or lost from an aggregate.",
    queries: [
      { expr: `sum(increase(kclite_skipped_records_total{${APP}}[5m]))`, legend: "skipped" },
      {
        expr: `sum by (outcome) (increase(kclite_given_up_records_total{${APP}}[5m]))`,
        legend: "given up: {{outcome}}",
      },
      { expr: `sum(increase(kclite_aggregated_records_lost_total{${APP}}[5m]))`, legend: "of aggregates" },
    ],
    unit: "short",
    kind: "timeseries",
  },
  {
    title: "Requests to AWS",
    description: "By service and operation.",
    queries: [{
      expr: `sum by (service, operation) (rate(kclite_requests_total{${APP}}[5m]))`,
      legend: "{{service}} {{operation}}",
    }],
    unit: "reqps",
    kind: "timeseries",
  },
  {
    title: "Throttled and failed requests",
    description: "By service and code. The code of a success is ok.",
    queries: [
      {
        expr: `sum by (service, operation) (rate(kclite_requests_throttled_total{${APP}}[5m]))`,
        legend: "throttled {{service}} {{operation}}",
      },
      {
        expr: `sum by (service, code) (rate(kclite_requests_total{${APP}, code!="ok"}[5m]))`,
        legend: "{{service}} {{code}}",
      },
    ],
    unit: "reqps",
    kind: "timeseries",
  },
];

/** Where it is. */
export const DASHBOARD_FILE: URL = new URL("../deploy/grafana/kclite.json", import.meta.url);

/** The file, for Grafana 10 and later. */
export function dashboardJson(): string {
  let x = 0, y = 0;
  const panels = PANELS.map((panel, index) => {
    const [w, h] = panel.kind === "stat" ? [6, 4] : [12, 8];
    if (x + w > 24) x = 0;
    const gridPos = { x, y, w, h };
    x += w;
    if (x >= 24) {
      x = 0;
      y += h;
    }
    return { id: index + 1, gridPos, ...panelJson(panel) };
  });
  const job = {
    name: "job",
    label: "Job",
    type: "query",
    datasource: SOURCE,
    query: "label_values(kclite_info, job)",
    includeAll: true,
    multi: true,
    current: { text: "All", value: "$__all" },
    refresh: 2,
  };
  return `${
    JSON.stringify(
      {
        title: "kclite",
        uid: "kclite",
        tags: ["kinesis", "kclite"],
        schemaVersion: 39,
        editable: true,
        refresh: "30s",
        time: { from: "now-3h", to: "now" },
        templating: {
          list: [
            { name: "source", label: "Data source", type: "datasource", query: "prometheus" },
            job,
          ],
        },
        panels,
      },
      undefined,
      2,
    )
  }\n`;
}

const SOURCE = { type: "prometheus", uid: "${source}" };

function panelJson({ title, description, queries, unit, kind, redFrom }: Panel): object {
  const steps = [
    { color: "green", value: null },
    ...(redFrom === undefined ? [] : [{ color: "red", value: redFrom }]),
  ];
  return {
    type: kind,
    title,
    description,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, min: 0, thresholds: { mode: "absolute", steps } }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}
