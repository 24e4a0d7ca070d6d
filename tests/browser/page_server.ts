/**
 * Serves the fleet page of a picture that a test changes, with its events, under the page's own policy.
 *
 * @module
 */

import { pageHtml, pageParts, pageUpdate } from "../../src/health/page/fleet_page.ts";
import type { FleetPicture } from "../../src/health/page/fleet_picture.ts";
import { PAGE_POLICY } from "../../src/health/page/page_policy.ts";
import { type PageView, viewOf } from "../../src/health/page/page_view.ts";

interface Listener {
  readonly view: PageView;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  sent: ReadonlyMap<string, string> | undefined;
}

/** A server on loopback. */
export class PageServer implements AsyncDisposable {
  /** While set, `/events` answers with this status. */
  refusal: number | undefined;
  /** How many times `/events` was asked for. */
  asked = 0;
  #picture: FleetPicture;
  readonly #listeners = new Set<Listener>();
  #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(picture: FleetPicture) {
    this.#picture = picture;
    this.#server = this.#serve(0);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** How many browsers listen. */
  get listening(): number {
    return this.#listeners.size;
  }

  /** Shows another picture, to those who listen too. */
  show(picture: FleetPicture): void {
    this.#picture = picture;
    for (const listener of this.#listeners) this.#send(listener);
  }

  /** Ends all connections and answers nobody, until `resume()`. */
  async stop(): Promise<number> {
    const { port } = this.#server.addr;
    for (const { controller } of this.#listeners) controller.close();
    this.#listeners.clear();
    await this.#server.shutdown();
    return port;
  }

  /** Serves again at the same port. */
  resume(port: number): void {
    this.#server = this.#serve(port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    return Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      (request) => this.#answer(new URL(request.url)),
    );
  }

  #answer({ pathname, searchParams }: URL): Response {
    const view = viewOf(searchParams, "./", true);
    if (pathname === "/events") return this.#events(view);
    if (pathname !== "/") return new Response("{}", { headers: { "content-type": "application/json" } });
    return new Response(pageHtml(this.#picture, view), {
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": PAGE_POLICY },
    });
  }

  #events(view: PageView): Response {
    this.asked++;
    if (this.refusal !== undefined) return new Response(null, { status: this.refusal });
    let listener: Listener | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = { view, controller, sent: undefined };
        this.#listeners.add(listener);
        this.#send(listener);
      },
      cancel: () => {
        if (listener !== undefined) this.#listeners.delete(listener);
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  #send(listener: Listener): void {
    const parts = pageParts(this.#picture, listener.view);
    const update = pageUpdate(listener.sent, parts);
    listener.sent = parts;
    if (update === undefined) return;
    listener.controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(update)}\n\n`));
  }
}
