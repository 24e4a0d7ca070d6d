import { assertEquals, assertRejects } from "@std/assert";
import { pooled } from "../../src/sql/mod.ts";

/** A connection of a pool, as `pg` has it: what nobody listens to ends the process. */
class Connection {
  readonly said: string[] = [];
  readonly #listeners = new Set<(error: Error) => void>();
  failing = "";

  query(text: string): Promise<unknown> {
    this.said.push(text);
    return text === this.failing ? Promise.reject(new Error("gone")) : Promise.resolve({ command: text });
  }

  release(isBroken = false): void {
    this.said.push(isBroken ? "closed" : "released");
  }

  on(_event: "error", listener: (error: Error) => void): void {
    this.#listeners.add(listener);
  }

  off(_event: "error", listener: (error: Error) => void): void {
    this.#listeners.delete(listener);
  }

  /** How many heard of it. */
  break(): number {
    for (const listener of this.#listeners) listener(new Error("Connection terminated unexpectedly"));
    return this.#listeners.size;
  }
}

Deno.test("pooled() hears of a connection that breaks between two statements, so that the process lives on", async () => {
  const connection = new Connection();
  let heard = 0;
  const begin = pooled(() => Promise.resolve(connection));
  await begin(async () => void (heard = connection.break()));
  assertEquals(heard, 1);
  assertEquals(connection.break(), 0, "the pool listens to those that it has");
  assertEquals(connection.said, ["BEGIN", "COMMIT", "released"]);
});

Deno.test("pooled() goes on listening to a connection that it closes", async () => {
  const connection = new Connection();
  connection.failing = "COMMIT";
  await assertRejects(() => pooled(() => Promise.resolve(connection))(async () => {}), Error, "gone");
  assertEquals(connection.said, ["BEGIN", "COMMIT", "closed"]);
  assertEquals(connection.break(), 1);
});
