/**
 * The demo's page: the same board as in the terminal, and each worker's own page of health.
 *
 * @module
 */

import { healthApp } from "@kclite/kclite/health";
import type { Fleet } from "./fleet.ts";

/** A server's handler. `/` is the board; `/Ada/` is what `healthApp()` shows of the worker Ada. */
export function pageHandler(
  fleet: Pick<Fleet, "members">,
  lines: () => readonly string[],
): (request: Request) => Promise<Response> {
  return async (request) => {
    const url = new URL(request.url);
    const [, name = "", path] = /^\/([^/]*)(\/.*)?$/.exec(decodeURI(url.pathname)) ?? [];
    if (name === "") {
      return new Response(html(fleet, lines()), { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    const member = fleet.members.find((member) => member.name === name);
    if (member === undefined) return new Response(`There is no worker "${name}".\n`, { status: 404 });
    if (path === undefined) return Response.redirect(`${url.origin}/${encodeURI(name)}/`);
    return await healthApp(member.totals).fetch(new Request(new URL(path + url.search, url)));
  };
}

function html(fleet: Pick<Fleet, "members">, lines: readonly string[]): string {
  const links = fleet.members.map(({ name }) => `<a href="${encodeURI(name)}/">${name}</a>`).join(" ");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="1">
<title>kclite demo</title><body><h1>kclite demo</h1><pre>${
    lines.join("\n")
  }</pre><p>Each worker: ${links}</p></body></html>`;
}
