// Pure.
/**
 * What a schema of any library looks like: zod, valibot, arktype and others implement it.
 *
 * Source: standardschema.dev, version 1, which invites to copy its types.
 *
 * @module
 */

/** A schema. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** What the schema can do. */
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

/** What a schema can do. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  /** The library. */
  readonly vendor: string;
  /** Checks a value, and may make another one of it. */
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** Types alone: there is no such value. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What came of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What does not fit. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Most issues that a message names. */
const SHOWN_ISSUES = 3;

/** What does not fit, for people. Libraries may quote a part of the value. */
export function issuesText(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, SHOWN_ISSUES).map(({ message, path = [] }) => {
    const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return place === "" ? message : `${place}: ${message}`;
  });
  const more = issues.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
