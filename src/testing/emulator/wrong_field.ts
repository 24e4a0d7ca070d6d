// Pure.
/**
 * Spoils one field of an answer, as a fault does: in JSON, in CBOR and in an event stream alike, checksums
 * right.
 *
 * @module
 */

/** Which field has which value. */
export interface WrongField {
  /** Names and indexes from the outside in, e.g. `Records.0.SequenceNumber`; empty: the answer as a whole. */
  readonly field: string;
  /** Undefined: the field is missing. */
  readonly value?: unknown;
}

/** The answer with the wrong field; itself where nothing holds such a field. */
export function withWrongField(answer: unknown, { field, value }: WrongField): unknown {
  return field === "" ? value : changed(answer, field.split("."), value);
}

function changed(holder: unknown, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  if (Array.isArray(holder)) {
    return Number(name) < holder.length
      ? holder.map((member, index) => `${index}` === name ? changed(member, rest, value) : member)
      : holder;
  }
  if (typeof holder !== "object" || holder === null) return holder;
  const members = new Map<string, unknown>(Object.entries(holder));
  members.set(name, changed(members.get(name), rest, value));
  return Object.fromEntries([...members].filter(([, member]) => member !== undefined));
}
