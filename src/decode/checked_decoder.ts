// Pure.
/**
 * A decoder whose values a schema checks.
 *
 * @module
 */

import type { DecodedValue, Decoder } from "./decoder.ts";
import { issuesText, type SchemaResult, type StandardSchemaV1 } from "./standard_schema.ts";

/** Decodes by `decoder`, then has the schema check the value, or make another one of it. */
export function checkedDecoder<T>(
  decoder: Decoder<unknown>,
  schema: StandardSchemaV1<unknown, T>,
): Decoder<T> {
  const check = (decoded: DecodedValue<unknown>): DecodedValue<T> | Promise<DecodedValue<T>> => {
    const result = schema["~standard"].validate(decoded.value);
    return result instanceof Promise
      ? result.then((later) => ({ ...decoded, value: valueOf(later) }))
      : { ...decoded, value: valueOf(result) };
  };
  return {
    decode(data, record, signal) {
      const decoded = decoder.decode(data, record, signal);
      return decoded instanceof Promise ? decoded.then(check) : check(decoded);
    },
  };
}

/** @throws {TypeError} when the value does not fit. */
function valueOf<T>(result: SchemaResult<T>): T {
  if (result.issues === undefined) return result.value;
  throw new TypeError(`the schema does not fit: ${issuesText(result.issues)}`);
}
