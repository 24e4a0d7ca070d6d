/**
 * A database of SQL with two tables: the positions of `./sql`, and results. It reads the statements as they
 * are, so that a wrong condition has its effect. Transactions see what is committed when a statement runs,
 * and a write locks its row, as PostgreSQL and MySQL do at READ COMMITTED.
 *
 * Each step of a transaction first waits for its client: there a process may be slow, be paused or end. The
 * transaction of a process that is gone is rolled back when another one has waited for its lock.
 *
 * @module
 */

import type { SqlClient } from "../../sql/client.ts";

/** The moments at which a client waits for the database, or is about to receive an answer. */
export type DatabaseStep = "begin" | "statement" | "commit" | "committed" | "rollback" | "lock";

/** What one process does at a step: waits, throws, or never returns. */
export type DatabaseClient = (step: DatabaseStep) => Promise<void>;

type Row = Readonly<Record<string, string>>;

/** A transaction, as the work of a user gets it. */
export interface SimulatedTransaction {
  /** Adds a result. */
  put(result: string): void;
  readonly id: number;
}

interface OpenTransaction extends SimulatedTransaction {
  readonly rows: Map<string, Row>;
  readonly results: string[];
  isOver: boolean;
}

/** How often a lock is asked for before its holder counts as gone. */
const PATIENCE = 20;

/** See the module. */
export class SimulatedDatabase {
  /** What is committed, in this order. */
  readonly results: string[] = [];
  readonly #rows = new Map<string, Row>();
  readonly #locks = new Map<string, OpenTransaction>();
  #transactions = 0;

  /** The committed rows of the table of positions, by lease key. */
  get positions(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  /** The database as one process reaches it. */
  client(step: DatabaseClient): SqlClient<SimulatedTransaction> {
    return {
      begin: (work) => this.#transaction(work, step),
      query: (tx, text, params) => this.#run(this.#open(tx), text, params, step),
    };
  }

  readonly #opened = new WeakMap<SimulatedTransaction, OpenTransaction>();

  #open(tx: SimulatedTransaction): OpenTransaction {
    const open = this.#opened.get(tx);
    if (open === undefined || open.isOver) throw failure("08006", "the connection is gone");
    return open;
  }

  async #transaction(work: (tx: SimulatedTransaction) => Promise<void>, step: DatabaseClient): Promise<void> {
    await step("begin");
    const results: string[] = [];
    const tx: OpenTransaction = {
      id: ++this.#transactions,
      rows: new Map(),
      results,
      isOver: false,
      put: (result) => void results.push(result),
    };
    this.#opened.set(tx, tx);
    try {
      await work(tx);
      await step("commit");
    } catch (error) {
      this.#end(tx);
      await step("rollback").catch(() => {});
      throw error;
    }
    this.#commit(this.#open(tx));
    await step("committed");
  }

  #commit(tx: OpenTransaction): void {
    for (const [key, row] of tx.rows) this.#rows.set(key, row);
    this.results.push(...tx.results);
    this.#end(tx);
  }

  #end(tx: OpenTransaction): void {
    tx.isOver = true;
    for (const [key, holder] of this.#locks) if (holder === tx) this.#locks.delete(key);
  }

  async #run(
    tx: OpenTransaction,
    text: string,
    params: readonly string[],
    step: DatabaseClient,
  ): Promise<readonly Row[]> {
    await step("statement");
    if (text === "SELECT 1") return [{}];
    const value = (name: string) => params[Number(/^\$(\d)$/.exec(name)?.[1]) - 1] ?? name;
    const insert = /^INSERT INTO \S+ \(([^)]*)\) VALUES \(([^)]*)\)$/.exec(text);
    if (insert !== null) {
      const names = list(insert[1]), values = list(insert[2]).map(value);
      const row = Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""]));
      const key = row.lease_key ?? "";
      await this.#lock(tx, key, step);
      if (this.#rowOf(tx, key) !== undefined) throw failure("23505", "the row is there");
      tx.rows.set(key, row);
      return [];
    }
    const [, head = "", where = "", tail = ""] =
      /^(.*) WHERE (.*?)( FOR UPDATE| RETURNING .*)?$/.exec(text) ?? [];
    const conditions = where.split(" AND ").map((one) => one.split(" = "));
    const key = value(conditions.find(([name]) => name === "lease_key")?.[1] ?? "");
    const isRead = head.startsWith("SELECT");
    if (!isRead || tail !== "") await this.#lock(tx, key, step);
    const row = this.#rowOf(tx, key);
    const isFound = row !== undefined &&
      conditions.every(([name = "", operand = ""]) => row[name] === value(operand));
    if (!isFound) return [];
    if (isRead) return [{ ...row, shard_ended: row.shard_ended === "TRUE" ? "1" : "0" }];
    const changes = list(/ SET (.*)$/.exec(head)?.[1]).map((one) => one.split(" = "));
    tx.rows.set(key, {
      ...row,
      ...Object.fromEntries(changes.map(([name = "", operand = ""]) => [
        name,
        operand === `${name} + 1` ? `${Number(row[name]) + 1}` : value(operand),
      ])),
    });
    return [{ fencing_token: "" }];
  }

  #rowOf(tx: OpenTransaction, key: string): Row | undefined {
    return tx.rows.get(key) ?? this.#rows.get(key);
  }

  async #lock(tx: OpenTransaction, key: string, step: DatabaseClient): Promise<void> {
    const first = this.#locks.get(key);
    for (let asked = 0; this.#isHeldByAnother(tx, key); asked++) {
      if (asked >= PATIENCE && first !== undefined && this.#locks.get(key) === first) this.#end(first);
      else await step("lock");
    }
    this.#open(tx);
    this.#locks.set(key, tx);
  }

  #isHeldByAnother(tx: OpenTransaction, key: string): boolean {
    const holder = this.#locks.get(key);
    return holder !== undefined && holder !== tx;
  }
}

function list(text = ""): string[] {
  return text.split(", ").map((one) => one.trim());
}

/** An error as clients give it, with a state. */
export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
