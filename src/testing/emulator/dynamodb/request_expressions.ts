// Pure.
/**
 * All expressions of a request, read together: they share their placeholders, all of which must be used.
 *
 * @module
 */

import { constraintError, invalid } from "../api_error.ts";
import { parseCondition } from "./condition_parser.ts";
import type { ExpressionSource } from "./expression_cursor.ts";
import { type Change, type Condition, type Path, Placeholders } from "./expression_syntax.ts";
import type { Input } from "../input.ts";
import { legacyChanges, legacyCondition } from "./legacy_conditions.ts";
import { parseProjection, parseUpdate } from "./update_parser.ts";

/** The expressions of a request. */
export interface Expressions {
  readonly condition: Condition | undefined;
  readonly filter: Condition | undefined;
  readonly keyCondition: Condition | undefined;
  readonly changes: readonly Change[] | undefined;
  readonly paths: readonly Path[] | undefined;
}

/** @throws {ApiError} when one cannot be read. */
export function expressionsOf(input: Input): Expressions {
  for (const [name, instead] of Object.entries(UNREAD)) {
    if (input.has(name)) throw invalid(`The parameter ${name} is not simulated: use ${instead}`);
  }
  const has = EXPRESSIONS.some((name) => input.has(name));
  const legacy = ["Expected", "AttributeUpdates", "AttributesToGet"].find((name) => input.has(name));
  if (has && legacy !== undefined) {
    throw invalid(
      `Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {${legacy}}`,
    );
  }
  const placeholders = new Placeholders(input, has);
  const read = <T>(
    what: typeof EXPRESSIONS[number],
    parse: (source: ExpressionSource) => T,
  ): T | undefined => {
    const expression = input.text(what);
    return expression === undefined ? undefined : parse({ expression, what, placeholders });
  };
  const expressions = {
    condition: read("ConditionExpression", parseCondition) ?? legacyCondition(input),
    filter: read("FilterExpression", parseCondition),
    keyCondition: read("KeyConditionExpression", parseCondition),
    changes: read("UpdateExpression", parseUpdate) ?? legacyChanges(input),
    paths: read("ProjectionExpression", parseProjection) ?? attributesToGet(input),
  };
  placeholders.checkAllUsed();
  return expressions;
}

/**
 * Parameters from before expressions that are not read, and what says the same. An answer without them would
 * be wrong.
 */
const UNREAD: Readonly<Record<string, string>> = {
  KeyConditions: "KeyConditionExpression",
  QueryFilter: "FilterExpression",
  ScanFilter: "FilterExpression",
};

function attributesToGet(input: Input): readonly Path[] | undefined {
  if (!input.has("AttributesToGet")) return undefined;
  const names = input.texts("AttributesToGet");
  if (names.length > 0) return names.map((name) => [name]);
  throw constraintError("[]", "attributesToGet", "Member must have length greater than or equal to 1");
}

const EXPRESSIONS = [
  "ConditionExpression",
  "FilterExpression",
  "KeyConditionExpression",
  "UpdateExpression",
  "ProjectionExpression",
] as const;
