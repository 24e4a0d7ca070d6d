/**
 * Names that nobody can guess, for what a name alone gives access to. `System.random` is not made for that.
 *
 * @module
 */

/** A random UUID, of the platform's cryptographic chance. */
export function unguessableId(): string {
  return crypto.randomUUID();
}
