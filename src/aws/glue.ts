/**
 * Schema versions of the Glue Schema Registry, as signed JSON calls.
 *
 * Source: the service model of Glue (`2017-03-31`), `GetSchemaVersion`.
 *
 * @module
 */

import { optionalTextIn, textIn } from "./answer_fields.ts";
import { jsonCaller, type JsonService, type ServiceOptions } from "./json_call.ts";

/** A version of a schema. It never changes. */
export interface SchemaVersion {
  readonly definition: string;
  readonly dataFormat: string;
  readonly schemaArn: string | undefined;
}

/** Reads versions. Throws `AwsServiceError`, `CredentialsError`, or the signal's reason. */
export type GetSchemaVersion = (id: string, signal?: AbortSignal) => Promise<SchemaVersion>;

const SERVICE: JsonService = {
  service: "glue",
  targetPrefix: "AWSGlue",
  contentType: "application/x-amz-json-1.1",
  attemptTimeoutMs: 5000,
};

/**
 * Glue over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedGlue(options: ServiceOptions): GetSchemaVersion {
  const call = jsonCaller(SERVICE, options);
  return (SchemaVersionId, signal) =>
    call({
      operation: "GetSchemaVersion",
      input: { SchemaVersionId },
      decode: (answer) => ({
        definition: textIn(answer, "SchemaDefinition"),
        dataFormat: textIn(answer, "DataFormat"),
        schemaArn: optionalTextIn(answer, "SchemaArn"),
      }),
      signal,
    });
}
