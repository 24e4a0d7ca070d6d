/**
 * Stands between the workers of one kind and DynamoDB, and notes what each of their writes did to which item: the item is read
 * before and after, while no other write to it goes through. Of the other requests it notes that they were made.
 *
 * @module
 */

import type { AttributeValue, DynamoDB, Item } from "../../../src/aws/dynamodb.ts";
import { stepOf, type TakenStep } from "./item_steps.ts";

/** A write that went through. */
export interface TappedWrite extends TakenStep {
  /** Epoch ms. */
  readonly at: number;
  readonly table: string;
  readonly key: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** A request that is no write to one item: a look, most likely. */
export interface TappedRead {
  readonly by: TakenStep["by"];
  /** Epoch ms. */
  readonly at: number;
  readonly table: string;
  readonly operation: string;
}

/** Taps for both kinds of worker on one DynamoDB. */
export class Taps implements AsyncDisposable {
  readonly writes: TappedWrite[] = [];
  readonly reads: TappedRead[] = [];
  readonly #dynamodb: DynamoDB;
  readonly #upstream: string;
  readonly #servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  /** The last write to each item that is under way, by table and key. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param dynamodb A way past the taps. */
  constructor(upstream: string, dynamodb: DynamoDB) {
    this.#upstream = upstream;
    this.#dynamodb = dynamodb;
  }

  /** Opens a tap. @returns The endpoint to give to workers of this kind. */
  open(by: TakenStep["by"]): string {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#pass(by, request),
    );
    this.#servers.push(server);
    return `http://127.0.0.1:${server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }

  async #pass(by: TakenStep["by"], request: Request): Promise<Response> {
    const body = await request.text();
    const operation = request.headers.get("x-amz-target")?.split(".").at(-1);
    const forward = () => this.#forward(request.headers, body);
    if (operation !== "PutItem" && operation !== "UpdateItem" && operation !== "DeleteItem") {
      const { TableName: table } = JSON.parse(body) as { readonly TableName?: string };
      if (table !== undefined) this.reads.push({ by, at: Date.now(), table, operation: `${operation}` });
      return await forward();
    }
    const { TableName: table, Key, Item: item } = JSON.parse(body) as WriteRequest;
    const leaseKey = (Key ?? item)?.leaseKey;
    if (leaseKey === undefined || !("S" in leaseKey)) return await forward();
    return await this.#inTurn(`${table}/${leaseKey.S}`, async () => {
      const before = await this.#dynamodb.getItem(table, { leaseKey });
      const response = await forward();
      if (!response.ok) return response;
      const after = await this.#dynamodb.getItem(table, { leaseKey });
      const step = stepOf(before, after);
      if (step !== undefined) {
        this.writes.push({ ...step, at: Date.now(), by, table, key: leaseKey.S, before, after });
      }
      return response;
    });
  }

  async #forward(headers: Headers, body: string): Promise<Response> {
    const passed = new Headers(headers);
    for (const name of hopHeaders) passed.delete(name);
    // The checksum in the answer's headers is that of the plain body.
    passed.set("accept-encoding", "identity");
    const answer = await fetch(this.#upstream, { method: "POST", headers: passed, body });
    const bytes = await answer.arrayBuffer();
    const answered = new Headers(answer.headers);
    for (const name of hopHeaders) answered.delete(name);
    return new Response(bytes, { status: answer.status, headers: answered });
  }

  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    this.#turns.set(key, turn.catch(() => {}));
    return turn;
  }
}

const hopHeaders = ["host", "connection", "content-length", "transfer-encoding", "keep-alive"] as const;

interface WriteRequest {
  readonly TableName: string;
  readonly Key?: Readonly<Record<string, AttributeValue>>;
  readonly Item?: Item;
}
