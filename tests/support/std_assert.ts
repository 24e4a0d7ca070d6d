/**
 * The part of `@std/assert` that our tests use, over `node:assert`: JSR, where the real package lives, is not
 * reachable everywhere that the tests must run. Same names, same semantics; `deno.jsr.json` maps to the real
 * one.
 *
 * @module
 */

import nodeAssert from "node:assert/strict";

export { AssertionError } from "node:assert";

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  nodeAssert.ok(expr, msg === "" ? undefined : msg);
}

/** Fails unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}

/** Fails if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, msg);
}

/** Fails unless both are the same value or reference. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, msg);
}

/** Fails if `actual` is null or undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  nodeAssert.ok(actual !== undefined && actual !== null, msg ?? `expected a value: got ${actual}`);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    msg ?? `expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

/** Fails unless `actual` matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  nodeAssert.match(actual, expected, msg);
}

/** Fails unless `actual` > `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.ok(actual > expected, msg ?? `expected ${actual} > ${expected}`);
}

/** Fails unless `actual` >= `expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.ok(actual >= expected, msg ?? `expected ${actual} >= ${expected}`);
}

/** Fails unless `actual` < `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.ok(actual < expected, msg ?? `expected ${actual} < ${expected}`);
}

/** Fails unless `actual` <= `expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.ok(actual <= expected, msg ?? `expected ${actual} <= ${expected}`);
}

/** Fails unless `actual` is an instance of `expected`. */
// deno-lint-ignore no-explicit-any -- the signature of the real package
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expected: T,
  msg = "",
): asserts actual is InstanceType<T> {
  nodeAssert.ok(actual instanceof expected, msg || `expected an instance of ${expected.name}: got ${actual}`);
}

// deno-lint-ignore no-explicit-any -- the signature of the real package
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/**
 * Fails unless `fn` throws, an instance of the class and with the text in its message where given. @returns
 * what was thrown.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): E {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    return checkThrown(thrown, errorClass, msgIncludes);
  }
  nodeAssert.fail("expected the function to throw");
}

/** Fails unless the promise of `fn` rejects, as `assertThrows`. @returns what it rejected with. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): Promise<E> {
  let thrown: unknown;
  try {
    await fn();
  } catch (error) {
    thrown = error;
    return checkThrown(thrown, errorClass, msgIncludes);
  }
  nodeAssert.fail("expected the function to reject");
}

/** Fails always. */
export function fail(msg?: string): never {
  nodeAssert.fail(msg ?? "failed");
}

function checkThrown<E extends Error>(thrown: unknown, errorClass?: ErrorClass<E>, msgIncludes?: string): E {
  nodeAssert.ok(thrown instanceof Error, `expected an Error to be thrown: got ${String(thrown)}`);
  if (errorClass) {
    nodeAssert.ok(
      thrown instanceof errorClass,
      `expected ${errorClass.name} to be thrown: got ${thrown.name}: ${thrown.message}`,
    );
  }
  if (msgIncludes !== undefined) assertStringIncludes(thrown.message, msgIncludes);
  return thrown as E;
}
