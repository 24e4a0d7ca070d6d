// Pure.
/**
 * Counts how many audits in a row have found the same thing. One audit alone proves nothing: listings are
 * eventually consistent, and may show a reshard half done.
 *
 * @module
 */

/**
 * How often the same must be found in a row. KCL: `leasesRecoveryAuditorInconsistencyConfidenceThreshold`.
 */
export const AUDIT_CONFIDENCE = 3;

/** What was found, by name, and how many audits in a row have found it. */
export type AuditCounts = ReadonlyMap<string, number>;

/** Counts one audit. What this audit did not find is forgotten. */
export function countAudit(before: AuditCounts, found: Iterable<string>): AuditCounts {
  return new Map([...new Set(found)].map((name) => [name, (before.get(name) ?? 0) + 1]));
}

/** Whether something was found often enough to act on. */
export function isConfirmed(counts: AuditCounts, name: string): boolean {
  return (counts.get(name) ?? 0) >= AUDIT_CONFIDENCE;
}
