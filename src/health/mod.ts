/**
 * A small Hono app that reports how a worker and its fleet are doing. It has `/live` and `/ready` for probes,
 * `/health` for alarms, `/lag`, `/metrics`, and a live page for people at `/`. Mount it in an app of your
 * own, or serve its `fetch`:
 *
 * ```ts ignore
 * const totals = new Totals();
 * // Its log is written all the same.
 * const worker = new KinesisWorker({ ...options, onEvent: totals.listener });
 * app.route("/kclite", healthApp(totals, { fleet: fleetOf(options) }));
 * ```
 *
 * It only reads. The lease table is scanned while somebody has the page open or asks for `/scale`, once in
 * ten seconds at most.
 * Without a `token` it has no authentication: serve it on loopback, or put your own in front. It does not
 * look at `Host`. On loopback a page in a browser may send requests under its own name (DNS rebinding), so
 * check the names that you know.
 *
 * @module
 */

import { type Context, Hono } from "npm:hono@^4.13.0";
import { timingSafeEqual } from "npm:hono@^4.13.0/utils/buffer";
import { shardLags } from "../observe/lag.ts";
import { livenessOf } from "../observe/liveness.ts";
import { metricsText } from "../observe/metrics.ts";
import { PROMETHEUS_CONTENT_TYPE } from "../observe/prometheus.ts";
import type { Snapshot } from "../observe/totals.ts";
import { type HealthLimits, healthLimits, healthOf } from "../observe/verdict.ts";
import { CATCH_UP_TARGET_MS, type FleetLoad, scaleOf } from "./scale.ts";
import { EVENT_HEADERS } from "./event_streams.ts";
import type { Fleet } from "./shown_fleet.ts";
import { LivePage } from "./live_page.ts";
import { PAGE_POLICY } from "./page/page_policy.ts";
import type { FleetSight } from "./page/seen_fleet.ts";
import { type PageView, viewOf } from "./page/page_view.ts";

export type { ShardLag } from "../observe/lag.ts";
export { shardLags } from "../observe/lag.ts";
export type { History, MinuteFigures, Pace } from "../observe/lag_history.ts";
export type { Liveness } from "../observe/liveness.ts";
export { livenessOf } from "../observe/liveness.ts";
export { metricsText } from "../observe/metrics.ts";
export type { RunningCallback, RunningCallbacks } from "../observe/running_callbacks.ts";
export type { LeaseEnd, ShardTotals } from "../observe/shard_totals.ts";
export type { ReadFailure, Row, ShardStreaks } from "../observe/shard_streaks.ts";
export type { CounterName, Labels } from "../observe/counts.ts";
export type { Series } from "../observe/tally.ts";
export type { Snapshot } from "../observe/totals.ts";
export { Totals } from "../observe/totals.ts";
export type { Fault, FaultCode, Health, HealthLimits } from "../observe/verdict.ts";
export { healthLimits, healthOf } from "../observe/verdict.ts";
export type { MetricsOptions } from "../observe/metrics.ts";
export { type FleetLoad, type ScaleAnswer, scaleOf } from "./scale.ts";
export type { WorkerRow, WorkerState } from "../operate/describe.ts";
export { type Fleet, fleetOf, type FleetOptions } from "./shown_fleet.ts";
export type { FleetFault, FleetFaultCode } from "../events.ts";
export type { FailureStreak, OpenTrouble, Pass, WorkerTotals } from "../observe/worker_totals.ts";

/** Options of {@linkcode healthApp}: limits, each with its default, a token, and the fleet. */
export type HealthAppOptions =
  & { readonly [Name in keyof HealthLimits]?: HealthLimits[Name] | undefined }
  & {
    /**
     * What a request must send as `Authorization: Bearer TOKEN`, but for `/live` and `/ready`, which probes
     * ask. Browsers ask for it as a password, with any name. At least 16 visible characters of ASCII.
     *
     * @default everybody may ask
     */
    readonly token?: string | undefined;
    /**
     * The fleet that the page shows, by {@linkcode fleetOf}. Its clock must be that of the totals.
     *
     * @default the page shows this worker alone
     */
    readonly fleet?: Fleet | undefined;
    /**
     * Whether `/metrics` has series for each held shard. Without them thousands of shards are no burden for a
     * metrics server.
     *
     * @default {true}
     */
    readonly shardMetrics?: boolean | undefined;
    /**
     * In which time a reader that is behind should have caught up, in ms: what `/scale` counts workers for.
     * Shorter asks for more workers.
     *
     * @default {900000}
     */
    readonly catchUpTargetMs?: number | undefined;
  };

/**
 * The app.
 *
 * | path | answer |
 * |---|---|
 * | `/live` | for liveness probes: 503 when a restart of this process mends it, else 200; JSON {@linkcode Liveness} |
 * | `/health` | for alarms, never for a probe that restarts: 200 while every held shard makes progress, renewals succeed and the leader finds no fault in its fleet, else 503; JSON {@linkcode Health} |
 * | `/ready` | for readiness probes: 200 once the worker has started, until it begins to stop, else 503; JSON `{ready, phase}` |
 * | `/lag` | JSON array of {@linkcode ShardLag} |
 * | `/metrics` | Prometheus text 0.0.4 |
 * | `/scale` | for KEDA's metrics-api scaler: JSON {@linkcode ScaleAnswer}; 503 while too little is known. Looks at the lease table once in ten seconds at most |
 * | `/` | a page for people, with or without scripts |
 * | `/events` | server-sent events: what changes on that page; 64 browsers at most |
 *
 * @param totals What listens to the worker; one worker for one app.
 * @throws {RangeError} when a limit is not a number above 0, or the token is too short.
 */
export function healthApp(
  totals: { snapshot(): Snapshot },
  options: HealthAppOptions = {},
): InstanceType<typeof Hono> {
  const { token, fleet, shardMetrics, catchUpTargetMs = CATCH_UP_TARGET_MS } = options;
  const limits = healthLimits(options, ["token", "fleet", "shardMetrics", "catchUpTargetMs"]);
  if (!(catchUpTargetMs > 0 && catchUpTargetMs < Infinity)) {
    throw new RangeError(
      `Cannot serve health: catchUpTargetMs must be a number above 0: got ${catchUpTargetMs}`,
    );
  }
  if (token !== undefined && !/^[!-~]{16,}$/.test(token)) {
    // Not repeated: it is a secret.
    throw new RangeError("Cannot serve health: expected a token of 16 or more visible characters of ASCII");
  }
  const app = new Hono();
  const guarded = (path: string, answer: (context: Context) => Response | Promise<Response>) =>
    app.get(path, async (context) => {
      const isAllowed = token === undefined || await hasToken(context.req.header("authorization"), token);
      return isAllowed ? await answer(context) : context.text("A token is needed\n", 401, {
        ...HEADERS,
        "www-authenticate": 'Basic realm="kclite", charset="UTF-8", Bearer realm="kclite"',
      });
    });
  const page = new LivePage({ totals, limits, fleet });
  guarded("/", async (context) => {
    const text = context.req.method === "HEAD" ? "" : await page.html(viewIn(context));
    return context.html(text, 200, PAGE_HEADERS);
  });
  guarded("/events", (context) => {
    if (context.req.method === "HEAD") return context.body(null, 200, { ...HEADERS, ...EVENT_HEADERS });
    const body = page.events(viewIn(context));
    return body === undefined
      ? context.text("Too many browsers have the page open\n", 503, { ...HEADERS, "retry-after": "30" })
      : context.body(body, 200, { ...HEADERS, ...EVENT_HEADERS });
  });
  guarded("/health", (context) => {
    const health = healthOf(totals.snapshot(), limits);
    return context.json(health, health.healthy ? 200 : 503, HEADERS);
  });
  app.get("/live", (context) => {
    const liveness = livenessOf(totals.snapshot(), limits);
    return context.json(liveness, liveness.alive ? 200 : 503, HEADERS);
  });
  app.get("/ready", (context) => {
    const snapshot = totals.snapshot();
    const { ready } = healthOf(snapshot, limits);
    return context.json({ ready, phase: snapshot.worker.phase }, ready ? 200 : 503, HEADERS);
  });
  guarded("/lag", (context) => context.json(shardLags(totals.snapshot()), 200, HEADERS));
  guarded("/metrics", (context) => {
    const snapshot = totals.snapshot();
    const text = metricsText(snapshot, healthOf(snapshot, limits), { shardMetrics });
    return context.body(text, 200, { ...HEADERS, "content-type": PROMETHEUS_CONTENT_TYPE });
  });
  guarded("/scale", async (context) => {
    if (context.req.method !== "HEAD") await fleet?.watch.glance();
    const snapshot = totals.snapshot();
    const answer = scaleOf(snapshot, loadOf(fleet?.watch.sight, snapshot.atMs), catchUpTargetMs);
    if (answer !== undefined) return context.json(answer, 200, HEADERS);
    return context.json({ error: TOO_LITTLE_KNOWN }, 503, HEADERS);
  });
  return app;
}

const TOO_LITTLE_KNOWN =
  "Cannot say how many workers the fleet should have: expected a look at its lease table that is younger than five " +
  "minutes: got none: give healthApp() the option fleet, and see the page for what keeps it from looking";

/** What the table shows of a fleet. */
function loadOf(sight: FleetSight | undefined, nowMs: number): FleetLoad | undefined {
  if (sight?.type !== "read") return undefined;
  const { workers, leases, seenMs } = sight.fleet;
  return { workers, leases: [...leases.values()], ageMs: nowMs - seenMs };
}

/** Whether a request has the token: as a bearer's, or as the password that a browser asks for. */
async function hasToken(authorization: string | undefined, token: string): Promise<boolean> {
  const [, scheme = "", given = ""] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? "") ?? [];
  if (scheme.toLowerCase() !== "basic") return await timingSafeEqual(given, token);
  return await timingSafeEqual(passwordIn(given), token);
}

/** What stands behind the colon; empty if it is no Base64. */
function passwordIn(credentials: string): string {
  try {
    return /^[^:]*:(.*)$/s.exec(atob(credentials))?.[1] ?? "";
  } catch {
    return "";
  }
}

/**
 * Of every answer. Set one by one and not by a middleware, which would reach other routes of an app that
 * mounts this one at its root.
 */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** A page of its own, in no frame, that lets no other host know that it was open. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  ...HEADERS,
  "content-security-policy": PAGE_POLICY,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/** What of the fleet is asked for. */
function viewIn(context: Context): PageView {
  return viewOf(new URL(context.req.url).searchParams, siblings(context), true);
}

/**
 * A link from the page to its siblings, relative to the last segment. It works wherever the app is mounted
 * and whatever a proxy cuts off.
 */
function siblings(context: Context): string {
  const last = new URL(context.req.url).pathname.split("/").at(-1) ?? "";
  return last === "" ? "./" : `./${last}/`;
}
