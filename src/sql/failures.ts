// Pure.
/**
 * What an error of a database means: that the transaction lost against another, that the database cannot be
 * used now, or that the statement is wrong. Clients wrap errors, so causes are looked at too.
 *
 * Source: PostgreSQL 17, appendix A (SQLSTATE); MySQL 8.4, server and client error reference; the sources of
 * `pg`, `postgres` and `mysql2`.
 *
 * @module
 */

import { errorClass, errorCode } from "../errors.ts";

/** See the module. */
export type SqlFailure =
  /** Another transaction won, or the outcome is not known: the same again may succeed. */
  | "conflict"
  /** The database does not answer, or takes no writes. */
  | "unavailable"
  /** Anything else: it is about the statement or its values. */
  | "other";

/** What the error means. */
export function sqlFailureOf(error: unknown): SqlFailure {
  let cause = error;
  for (let depth = 0; depth < MOST_CAUSES && cause instanceof Error; depth++) {
    const found = ownMeaning(cause);
    if (found !== "other") return found;
    cause = cause.cause;
  }
  return "other";
}

const MOST_CAUSES = 10;

/**
 * Serialization failure, unknown completion, deadlock, lock not available, time limits that end a
 * transaction.
 */
const CONFLICT_STATES = /^(?:40001|40003|40P01|55P03|25P03|25P04)$/;

/** Connections, resources, a server that stops or starts, and one that takes no writes. */
const UNAVAILABLE_STATES = /^(?:08...|53...|57P0[1-5]|58...|25006)$/;

/** Of a host, of `postgres`, of `mysql2`. */
const UNAVAILABLE_CODES =
  /^(?:ECONN(?:REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|E(?:HOST|NET)UNREACH|CONNECTION_(?:CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|PROTOCOL_(?:CONNECTION_LOST|SEQUENCE_TIMEOUT)|ER_(?:CON_COUNT_ERROR|SERVER_SHUTDOWN|OPTION_PREVENTS_STATEMENT|READ_ONLY_MODE|DISK_FULL))$/;

/** Deno's classes of the same. */
const UNAVAILABLE_CLASSES =
  /^(?:Connection(?:Refused|Reset|Aborted)|NotConnected|BrokenPipe|TimedOut|(?:Host|Network)Unreachable)$/;

/** Of `pg` and PGlite, which give no code. */
const UNAVAILABLE_TEXTS =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|PGlite is (?:closed|closing)|Can't add new command when connection is in closed state)/;

/** Deadlock, lock wait timeout, record changed, XA deadlock: MySQL and MariaDB. */
const CONFLICT_CODES = /^ER_(?:LOCK_DEADLOCK|LOCK_WAIT_TIMEOUT|CHECKREAD|XA_RBDEADLOCK)$/;

function ownMeaning(error: Error): SqlFailure {
  const code = errorCode(error) ?? "";
  // `mysql2` has both a code of its own and a state that says less.
  if (CONFLICT_CODES.test(code) || CONFLICT_STATES.test(code)) return "conflict";
  if (UNAVAILABLE_CODES.test(code) || UNAVAILABLE_STATES.test(code)) return "unavailable";
  if (code === "" && (UNAVAILABLE_CLASSES.test(errorClass(error)) || UNAVAILABLE_TEXTS.test(error.message))) {
    return "unavailable";
  }
  return "other";
}
