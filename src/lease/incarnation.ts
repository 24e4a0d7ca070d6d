// Pure.
/**
 * Distinguishes two processes that run under one worker name, and decides which of them continues.
 *
 * A process is an incarnation of its name: the name, a generation and a nonce. The generation is the time of
 * its start, but always above each generation that it found under its name. So no clock decides alone; the
 * nonce decides between equals. A process that sees a newer incarnation of its own name is superseded.
 *
 * Each write of ours that moves a lease's counter leaves a mark: the incarnation and the counter written. KCL
 * for Java keeps attributes that it does not know, so a mark alone proves nothing: it counts only while its
 * counter is the lease's. After a write of Java's it is the mark of an earlier write.
 *
 * @module
 */

/**
 * One process that runs, or ran, under a worker's name.
 *
 * @experimental
 */
export interface Incarnation {
  /** The worker's name. */
  readonly workerId: string;
  /** Epoch ms at which it started, or more. */
  readonly generation: number;
  /** Hexadecimal digits, drawn at the start. */
  readonly nonce: string;
}

/**
 * What a write of ours leaves in a lease.
 *
 * @experimental
 */
export interface LeaseMark extends Incarnation {
  /** The counter that the write brought the lease to. */
  readonly leaseCounter: number;
}

/** The part of a lease by which its last writer is known. */
interface Marked {
  readonly leaseCounter: number;
  readonly mark: LeaseMark | undefined;
}

/** `<worker>/<generation>/<nonce>`, as written in a worker's metrics item. */
export function incarnationText({ workerId, generation, nonce }: Incarnation): string {
  return `${workerId}/${generation}/${nonce}`;
}

/** `<worker>/<generation>/<nonce>/<counter>`, as written in a lease. */
export function markText(incarnation: Incarnation, leaseCounter: number): string {
  return `${incarnationText(incarnation)}/${leaseCounter}`;
}

/**
 * Reads {@linkcode incarnationText}. Undefined for any other text: what others wrote there is no reason to
 * fail.
 */
export function incarnationIn(text: string): Incarnation | undefined {
  const [, workerId, digits, nonce] = /^(.+)\/(\d{1,16})\/([0-9a-f]+)$/s.exec(text) ?? [];
  if (workerId === undefined || nonce === undefined) return undefined;
  const generation = Number(digits);
  return generation <= LAST_DATE_MS ? { workerId, generation, nonce } : undefined;
}

/** Reads {@linkcode markText}. Undefined for any other text. */
export function markIn(text: string): LeaseMark | undefined {
  const [, before = "", digits] = /^(.+)\/(\d{1,16})$/s.exec(text) ?? [];
  const incarnation = incarnationIn(before);
  return incarnation === undefined ? undefined : { ...incarnation, leaseCounter: Number(digits) };
}

/**
 * The process that moved the lease's counter last; undefined if that program leaves no marks, e.g. KCL for
 * Java.
 */
export function lastWriter({ mark, leaseCounter }: Marked): LeaseMark | undefined {
  return mark?.leaseCounter === leaseCounter ? mark : undefined;
}

/** Whether it was this very process that moved the lease's counter last. */
export function isOwnWrite(lease: Marked, own: Incarnation): boolean {
  const writer = lastWriter(lease);
  return writer !== undefined && isSameIncarnation(writer, own);
}

/** Whether both are one process. */
export function isSameIncarnation(one: Incarnation, other: Incarnation): boolean {
  return one.workerId === other.workerId && one.generation === other.generation && one.nonce === other.nonce;
}

/**
 * Whether the first supersedes the second: it bears the same name, and is of a higher generation, or the
 * greater nonce of one.
 */
export function isNewerIncarnation(one: Incarnation, other: Incarnation): boolean {
  if (one.workerId !== other.workerId) return false;
  return one.generation === other.generation ? one.nonce > other.nonce : one.generation > other.generation;
}

/**
 * The incarnation of a process that is just starting and has written nothing yet, once it has found another
 * of its name: above that one.
 */
export function above(found: Incarnation, own: Incarnation): Incarnation {
  if (found.workerId !== own.workerId || isSameIncarnation(found, own)) return own;
  return { ...own, generation: Math.max(own.generation, found.generation + 1) };
}

/**
 * The greatest number of ms that is a date. A greater number comes from no clock, and not from adding to one
 * either.
 */
const LAST_DATE_MS = 8.64e15;
