// Pure.
/**
 * What a failed TransactWriteItems means for the transaction: nothing is known, it may be tried again, or it
 * is refused for good.
 *
 * @module
 */

import { classify, type Verdict } from "../aws/retry.ts";
import { AwsServiceError } from "../errors.ts";
import type { TransactRefusal } from "./transact_errors.ts";
import type { WritePart } from "./transact_write.ts";

/** What to make of a failure. */
export type TransactFailure =
  /** It may have been applied. */
  | { readonly type: "unsure" }
  /** Surely not applied; the same again may succeed. */
  | { readonly type: "retry"; readonly verdict: Verdict }
  /** Surely not applied, for what the writes are. */
  | { readonly type: "refused"; readonly refusals: readonly TransactRefusal[] }
  /** Surely not applied: permissions, names, credentials. */
  | { readonly type: "failed" };

/** Decides. @param parts The writes, in the order in which they follow the lease. */
export function failureOf(error: unknown, parts: readonly WritePart[]): TransactFailure {
  if (!(error instanceof AwsServiceError)) return { type: "failed" };
  const { code, status } = error;
  if (status === undefined || status < 400 || status >= 500 || status === 408 || IN_PROGRESS.has(code)) {
    return { type: "unsure" };
  }
  if (code !== "TransactionCanceledException") {
    const verdict = classify({ code, status });
    if (verdict === "throttled" || verdict === "transient") return { type: "retry", verdict };
    return WRONG_REQUEST.has(code) ? { type: "refused", refusals: [] } : { type: "failed" };
  }
  const [, ...reasons] = reasonsIn(error);
  const bad = reasons.flatMap((reason, index) => {
    const part = parts[index];
    return reason.code === "None" || part === undefined ? [] : [{ index, ...part, ...reason }];
  });
  const verdicts = reasonsIn(error).map(({ code }) => classify({ code, status }));
  const final = bad.filter(({ code }) => classify({ code, status }) === "final");
  if (final.length > 0) return { type: "refused", refusals: final };
  if (verdicts.includes("throttled")) return { type: "retry", verdict: "throttled" };
  if (verdicts.includes("transient")) return { type: "retry", verdict: "transient" };
  return { type: "refused", refusals: [] };
}

/** The text of a refusal, for its error. */
export function refusalText(refusals: readonly TransactRefusal[], writes: number): string {
  const shown = refusals.slice(0, MOST_SHOWN).map(({ index, kind, tableName, code, message }) =>
    `write ${index + 1} (${kind}, table "${tableName}"): ${code}${message === "" ? "" : `: ${message}`}`
  );
  const more = refusals.length > shown.length ? `; and ${refusals.length - shown.length} more` : "";
  return `DynamoDB refused ${refusals.length} of ${writes} writes, and nothing is stored: ${
    shown.join("; ")
  }${more}`;
}

/** Ours. */
const MOST_SHOWN = 5;

/** The same transaction is under way: an earlier attempt, whose answer was lost. */
const IN_PROGRESS: ReadonlySet<string> = new Set(["TransactionInProgressException"]);

/** For what is wrong with the writes themselves, whatever their tables hold. */
const WRONG_REQUEST: ReadonlySet<string> = new Set(["ValidationException", "SerializationException"]);

interface Reason {
  readonly code: string;
  readonly message: string;
  readonly item: Readonly<Record<string, unknown>> | undefined;
}

function reasonsIn({ body }: AwsServiceError): readonly Reason[] {
  const reasons = body?.["CancellationReasons"];
  if (!Array.isArray(reasons)) return [];
  return reasons.map((reason: unknown) => {
    const fields: Readonly<Record<string, unknown>> = typeof reason === "object" && reason !== null
      ? { ...reason }
      : {};
    const { Code, Message, Item } = fields;
    return {
      code: typeof Code === "string" ? Code : "None",
      message: typeof Message === "string" ? Message : "",
      item: typeof Item === "object" && Item !== null ? { ...Item } : undefined,
    };
  });
}
