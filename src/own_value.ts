// Pure.
/**
 * Looks up an object's own value by a name that comes from outside. A plain `object[name]` also finds what
 * every object inherits: `constructor`, `toString`, `__proto__`.
 *
 * @module
 */

/** The object's own value of that name; undefined when it has none. */
export function ownValue<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
