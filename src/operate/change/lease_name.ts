// Pure.
/**
 * Finds the lease that an operator means: by its key, or by an end of it that no other key has.
 *
 * @module
 */

import type { Lease } from "../../lease/lease.ts";

/** How many keys a message names. */
const SHOWN_KEYS = 5;

/** @throws {RangeError} when none or more than one is meant. */
export function leaseNamed(leases: readonly Lease[], name: string): Lease {
  const exact = leases.find(({ leaseKey }) => leaseKey === name);
  if (exact !== undefined) return exact;
  const found = name === "" ? [] : leases.filter(({ leaseKey }) => leaseKey.endsWith(name));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const keys = (found.length === 0 ? leases : found).map(({ leaseKey }) => leaseKey);
  const shown = keys.toSorted().slice(0, SHOWN_KEYS).join(", ");
  const more = keys.length > SHOWN_KEYS ? ` and ${keys.length - SHOWN_KEYS} more` : "";
  throw new RangeError(
    found.length === 0
      ? `Cannot find lease "${name}": expected the end of a key of the table: got ${
        keys.length === 0 ? "an empty table" : `no match in ${shown}${more}`
      }`
      : `Cannot find lease "${name}": expected the end of one key: got ${found.length}: ${shown}${more}`,
  );
}
