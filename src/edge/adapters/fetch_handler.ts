/**
 * A handler for any HTTP trigger: a scheduler of the platform, or one elsewhere.
 *
 * @module
 */

import type { SliceOptions } from "../slice_options.ts";
import { sliceSummary, type SliceWorker } from "./slice_worker.ts";

/** Options of {@linkcode fetchHandler}. */
export interface FetchHandlerOptions {
  /** Each request must bear it, as `authorization: Bearer …`. At least 16 characters. */
  readonly secret: string;
  /** What one request may use. */
  readonly slice: SliceOptions;
}

/** The part of a platform's context that is used: of Workers, Supabase, Vercel and others. */
export interface RequestContext {
  /** Keeps the instance alive until the work is done. */
  waitUntil(work: Promise<unknown>): void;
}

/** A secret that can be guessed is none. */
const LEAST_SECRET = 16;

/**
 * Runs one slice per request, GET or POST. With a `context`, the answer is 202 at once, and the slice goes on
 * behind it. Without, the answer is 200 when the slice is over, with its summary as JSON; or 202 with the
 * outcome `busy`. Each of them means that nobody needs to try again.
 *
 * @throws {TypeError} when the secret is missing or short: `fetchHandler()` itself, before any request.
 */
export function fetchHandler(
  worker: SliceWorker,
  { secret, slice }: FetchHandlerOptions,
): (request: Request, context?: RequestContext) => Promise<Response> {
  if (typeof secret !== "string" || secret.length < LEAST_SECRET) {
    throw new TypeError(`Cannot make handler: expected a secret of at least ${LEAST_SECRET} characters`);
  }
  return async (request, context) => {
    if (!await isSame(request.headers.get("authorization") ?? "", `Bearer ${secret}`)) {
      return new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });
    }
    if (request.method !== "GET" && request.method !== "POST") {
      return new Response(null, { status: 405, headers: { allow: "GET, POST" } });
    }
    if (typeof context?.waitUntil === "function") {
      context.waitUntil(worker.runSlice(slice));
      return Response.json({ outcome: "started" }, { status: 202 });
    }
    const result = await worker.runSlice(slice);
    return Response.json(sliceSummary(result), { status: result.outcome === "busy" ? 202 : 200 });
  };
}

/** Compares digests, so that the time says nothing about how much of a guess is right. */
async function isSame(given: string, wanted: string): Promise<boolean> {
  const [a, b] = await Promise.all([digestOf(given), digestOf(wanted)]);
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
