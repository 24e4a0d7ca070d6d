// Pure.
/**
 * The statements of a table of positions, for PostgreSQL and for MySQL. Each row is one shard of one
 * application.
 *
 * A fencing token is raised by whoever takes a shard over. A position moves only from where its owner
 * believes it, under the owner's token. So of two owners one has its transaction refused, whatever their
 * clocks are.
 *
 * @module
 */

/** How statements are written. */
export type SqlDialect = "postgres" | "mysql";

/** A statement with its parameters, in the order of its placeholders. */
export interface SqlStatement {
  readonly text: string;
  readonly params: string[];
}

/** Which row. */
export interface RowKey {
  readonly applicationName: string;
  readonly leaseKey: string;
}

/** A position as it is stored: digits or a sentinel, and a number. */
export interface StoredPosition {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

/** What an owner's writes name. */
export interface RowClaim {
  readonly token: bigint;
  readonly leaseCounter: number;
  readonly position: StoredPosition;
}

/**
 * Names of a table that may stand in a statement: letters, digits and underscores, with a schema before it or
 * not.
 */
export function isTableName(table: string): boolean {
  return /^(?:[A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(table);
}

/** The statements of one table. */
export class Statements {
  readonly #dialect: SqlDialect;
  readonly #table: string;

  /** @param table As {@linkcode isTableName} wants it. */
  constructor(dialect: SqlDialect, table: string) {
    this.#dialect = dialect;
    this.#table = quotedName(dialect, table);
  }

  /** Creates the table if there is none. */
  create(): string {
    const isPostgres = this.#dialect === "postgres";
    // The collation of MySQL would take "Orders" for "orders".
    const key = isPostgres ? "TEXT" : "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    const text = isPostgres ? "TEXT" : "VARCHAR(255)";
    const time = isPostgres ? "TIMESTAMPTZ" : "TIMESTAMP";
    return `CREATE TABLE IF NOT EXISTS ${this.#table} (
  application ${key} NOT NULL,
  lease_key ${key} NOT NULL,
  stream ${text} NOT NULL,
  fencing_token BIGINT NOT NULL,
  lease_counter BIGINT NOT NULL,
  sequence_number ${text} NOT NULL,
  sub_sequence_number BIGINT NOT NULL,
  shard_ended BOOLEAN NOT NULL,
  updated_at ${time} NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (application, lease_key)
)${isPostgres ? "" : " ENGINE=InnoDB"}`;
  }

  /** Reads a row. @param isLocked Whether nobody else may change it until the transaction ends. */
  read({ applicationName, leaseKey }: RowKey, isLocked: boolean): SqlStatement {
    return this.#statement(
      "SELECT stream, fencing_token, lease_counter, sequence_number, sub_sequence_number, shard_ended " +
        `FROM ${this.#table} WHERE application = $1 AND lease_key = $2${isLocked ? " FOR UPDATE" : ""}`,
      [applicationName, leaseKey],
    );
  }

  /** The first row of a shard, with token 1. */
  insert(
    { applicationName, leaseKey }: RowKey,
    { stream, leaseCounter, position }: {
      readonly stream: string;
      readonly leaseCounter: number;
      readonly position: StoredPosition;
    },
  ): SqlStatement {
    return this.#statement(
      `INSERT INTO ${this.#table} (application, lease_key, stream, fencing_token, lease_counter, ` +
        "sequence_number, sub_sequence_number, shard_ended) VALUES ($1, $2, $3, 1, $4, $5, $6, FALSE)",
      [applicationName, leaseKey, stream, `${leaseCounter}`, ...textsOf(position)],
    );
  }

  /** Raises the token, of a row that is locked. */
  take({ applicationName, leaseKey }: RowKey, leaseCounter: number): SqlStatement {
    return this.#statement(
      `UPDATE ${this.#table} SET fencing_token = fencing_token + 1, lease_counter = $3, ` +
        "updated_at = CURRENT_TIMESTAMP WHERE application = $1 AND lease_key = $2",
      [applicationName, leaseKey, `${leaseCounter}`],
    );
  }

  /** Moves the position, if the row is as its owner believes. */
  advance(key: RowKey, claim: RowClaim, to: StoredPosition): SqlStatement {
    return this.#owned("sequence_number = $7, sub_sequence_number = $8", key, claim, textsOf(to));
  }

  /** Notes the end of the shard, if the row is as its owner believes. */
  end(key: RowKey, claim: RowClaim): SqlStatement {
    return this.#owned("shard_ended = TRUE", key, claim, []);
  }

  /** Whether the database still answers. */
  probe(): SqlStatement {
    return { text: "SELECT 1", params: [] };
  }

  #owned(
    set: string,
    { applicationName, leaseKey }: RowKey,
    { token, leaseCounter, position }: RowClaim,
    more: readonly string[],
  ): SqlStatement {
    return this.#statement(
      `UPDATE ${this.#table} SET ${set}, updated_at = CURRENT_TIMESTAMP WHERE application = $1 AND ` +
        "lease_key = $2 AND fencing_token = $3 AND lease_counter = $4 AND sequence_number = $5 AND " +
        `sub_sequence_number = $6${this.#dialect === "postgres" ? " RETURNING fencing_token" : ""}`,
      [applicationName, leaseKey, `${token}`, `${leaseCounter}`, ...textsOf(position), ...more],
    );
  }

  /** MySQL's placeholders have no numbers: the parameters are put in the order of the text. */
  #statement(text: string, params: string[]): SqlStatement {
    if (this.#dialect === "postgres") return { text, params };
    const ordered: string[] = [];
    const plain = text.replace(/\$(\d)/g, (_, digit) => {
      ordered.push(params[Number(digit) - 1] ?? "");
      return "?";
    });
    return { text: plain, params: ordered };
  }
}

/**
 * For people: lets the leases of an application decide again where its shards begin, as after a reset of
 * their checkpoints.
 */
export function forgetText(
  dialect: SqlDialect,
  table: string,
  applicationName: string,
  leaseKeys: readonly string[],
): string {
  const keys = leaseKeys.map((key) => `  ${quotedText(dialect, key)}`).join(",\n");
  return `DELETE FROM ${quotedName(dialect, table)}\nWHERE application = ${
    quotedText(dialect, applicationName)
  } AND lease_key IN (\n${keys}\n);`;
}

/** For people: lets a shard be read from its oldest record, whatever its lease says. */
export function rewindText(
  dialect: SqlDialect,
  table: string,
  { applicationName, leaseKey }: RowKey,
): string {
  return `UPDATE ${
    quotedName(dialect, table)
  } SET sequence_number = 'TRIM_HORIZON', sub_sequence_number = 0 ` +
    `WHERE application = ${quotedText(dialect, applicationName)} AND lease_key = ${
      quotedText(dialect, leaseKey)
    };`;
}

function textsOf({ sequenceNumber, subSequenceNumber }: StoredPosition): [string, string] {
  return [sequenceNumber, `${subSequenceNumber}`];
}

function quotedName(dialect: SqlDialect, table: string): string {
  const quote = dialect === "postgres" ? '"' : "`";
  return table.split(".").map((part) => `${quote}${part}${quote}`).join(".");
}

/** A backslash is an ordinary character in PostgreSQL, and begins an escape in MySQL. */
function quotedText(dialect: SqlDialect, text: string): string {
  const doubled = text.replaceAll("'", "''");
  return `'${dialect === "mysql" ? doubled.replaceAll("\\", "\\\\") : doubled}'`;
}
