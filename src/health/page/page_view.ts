// Pure.
/**
 * What of the fleet one browser asks to see. It stands in the page's address, so that it works without
 * scripts, and a link to it can be sent to a colleague.
 *
 * @module
 */

/** Orders of the shards. */
export const SHARD_ORDERS = ["worst", "shard", "worker", "lag", "rate", "checkpoint"] as const;

/** One order of the shards. */
export type ShardOrder = typeof SHARD_ORDERS[number];

/** What a browser asks to see. */
export interface PageView {
  /** What leads from the page's own address to its siblings, e.g. `./` or `./kclite/`. */
  readonly prefix: string;
  /** Page of the shards, from 1. */
  readonly page: number;
  /** Shards on a page. */
  readonly rows: number;
  readonly order: ShardOrder;
  /** Shards whose key or worker holds this text. Empty: all. */
  readonly find: string;
  /** Whether `events` beside the page sends what changes. */
  readonly isLive: boolean;
}

/** Shards on a page. */
const ROWS = 100;
/** Longest text that is searched for, in UTF-16 units. */
const MOST_FIND = 200;

/** The view that a query asks for. What makes no sense counts as not asked for. */
export function viewOf(query: URLSearchParams, prefix: string, isLive: boolean): PageView {
  const page = query.get("page") ?? "";
  const order = SHARD_ORDERS.find((name) => name === query.get("order")) ?? "worst";
  return {
    prefix,
    page: /^[1-9]\d{0,6}$/.test(page) ? Number(page) : 1,
    rows: ROWS,
    order,
    find: (query.get("find") ?? "").trim().slice(0, MOST_FIND),
    isLive,
  };
}

/**
 * The query that {@linkcode viewOf} reads, as a link from the page to itself. The plain view is `?`, since an
 * empty link keeps the query that stands in the address. Not escaped for HTML.
 */
export function queryOf(view: PageView, { page = 1, order = view.order }: Partial<PageView>): string {
  const query = new URLSearchParams();
  if (page > 1) query.set("page", String(page));
  if (order !== "worst") query.set("order", order);
  if (view.find !== "") query.set("find", view.find);
  return `?${query}`;
}
