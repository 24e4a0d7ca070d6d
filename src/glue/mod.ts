/**
 * Decoders of records that name their schema: `glue()` for the Glue Schema Registry, `confluent()` for
 * Confluent's. Frames, registry calls, cache and zlib are here. Readers of Avro and of protocol buffers are
 * yours: any package will do.
 *
 * ```ts ignore
 * import avro from "avsc";
 * import { eachDecoded } from "@kclite/kclite/decode";
 * import { glue } from "@kclite/kclite/glue";
 *
 * const decoder = glue({
 *   region: "eu-central-1",
 *   credentials,
 *   avro(schema) {
 *     const type = avro.Type.forSchema(JSON.parse(schema));
 *     return (bytes) => type.fromBuffer(Buffer.from(bytes));
 *   },
 * });
 * const worker = new KinesisWorker({ ...options, processor: eachDecoded({ decoder }, (order) => book(order)) });
 * ```
 *
 * See docs/typed-records.md.
 *
 * @module
 */

import { keptCredentials } from "../aws/credential_sources/given.ts";
import type { GivenCredentials } from "../aws/credentials.ts";
import { signedGlue } from "../aws/glue.ts";
import type { Decoder, SchemaInfo } from "../decode/decoder.ts";
import { isAwsError } from "../errors.ts";
import { refuseUnknownNames } from "../nearest_name.ts";
import { realSystem, type System } from "../system.ts";
import { confluentSchemas } from "./confluent_registry.ts";
import { confluentFrame, confluentProtobuf, glueFrame, glueProtobuf } from "./frames.ts";
import { type FoundSchema, registryDecoder, type SchemaReaders } from "./registry_decoder.ts";
import { SchemaCache, UnusableSchemaError } from "./schema_cache.ts";

export type { Credentials, CredentialsProvider, GivenCredentials } from "../aws/credentials.ts";
export type { DecodedValue, Decoder, SchemaInfo } from "../decode/decoder.ts";
export type { ProtobufMessage } from "./frames.ts";
export type { PayloadReader, SchemaReaders } from "./registry_decoder.ts";
export type { Clock, System } from "../system.ts";

/** Options of {@linkcode glue}. */
export interface GlueOptions extends SchemaReaders {
  /** The registry's region. */
  readonly region: string;
  /** Keys, or a function that gives them. IAM: `glue:GetSchemaVersion`. */
  readonly credentials: GivenCredentials;
  /** Base URL of Glue, for emulators and private endpoints. @default the region's public endpoint */
  readonly endpoint?: string | undefined;
  /** Time, chance and `fetch`. @default the real ones */
  readonly system?: System | undefined;
}

/** Options of {@linkcode confluent}. */
export interface ConfluentOptions extends SchemaReaders {
  /** Headers of each request, such as `authorization`. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Time, chance and `fetch`. @default the real ones */
  readonly system?: System | undefined;
}

const READERS = ["avro", "json", "protobuf", "unframed"] as const;

/**
 * Decodes records of the Glue Schema Registry's serializers, compressed ones too. A schema's version is asked
 * for once, and kept.
 *
 * @throws {TypeError} when an option is unknown or of the wrong kind.
 */
export function glue(options: GlueOptions): Decoder<unknown> {
  refuseUnknownNames(Object.keys(options), [...READERS, "region", "credentials", "endpoint", "system"], {
    action: "Cannot decode by Glue",
  });
  const { region, endpoint, system = realSystem } = options;
  const credentials = keptCredentials(options.credentials, "the option credentials of glue()", { system });
  const getSchemaVersion = signedGlue({ region, endpoint, credentials, system });
  const load = async (id: string, signal: AbortSignal): Promise<FoundSchema> => {
    try {
      const { definition, dataFormat, schemaArn } = await getSchemaVersion(id, signal);
      // arn:aws:glue:REGION:ACCOUNT:schema/REGISTRY/NAME
      return found(definition, dataFormat, { id, name: schemaArn?.split("/").at(-1) });
    } catch (error) {
      if (!isAwsError(error, "EntityNotFoundException")) throw error;
      throw new UnusableSchemaError(`there is no schema version ${id}`, { cause: error });
    }
  };
  const framing = { frameOf: glueFrame, protobufOf: glueProtobuf, writer: "a serializer of Glue" };
  return registryDecoder(new SchemaCache(load, system.clock), framing, options);
}

/**
 * Decodes records of Confluent's serializers.
 *
 * @param url Base URL of the registry.
 * @throws {TypeError} when it is no URL, or an option is unknown.
 */
export function confluent(url: string | URL, options: ConfluentOptions = {}): Decoder<unknown> {
  refuseUnknownNames(Object.keys(options), [...READERS, "headers", "system"], {
    action: "Cannot decode by a registry of Confluent",
  });
  const { headers = {}, system = realSystem } = options;
  const schemas = confluentSchemas(new URL(url), headers, system);
  const load = async (id: string, signal: AbortSignal): Promise<FoundSchema> => {
    const { schema, schemaType } = await schemas(id, signal);
    return found(schema, schemaType, { id, name: undefined });
  };
  const framing = {
    frameOf: confluentFrame,
    protobufOf: confluentProtobuf,
    writer: "a serializer of Confluent",
  };
  return registryDecoder(new SchemaCache(load, system.clock), framing, options);
}

/** @throws {UnusableSchemaError} for another format. */
function found(
  definition: string,
  format: string,
  { id, name }: Pick<SchemaInfo, "id" | "name">,
): FoundSchema {
  if (format !== "AVRO" && format !== "JSON" && format !== "PROTOBUF") {
    throw new UnusableSchemaError(
      `expected a schema of AVRO, JSON or PROTOBUF: got ${JSON.stringify(format)}`,
    );
  }
  return { definition, info: { id, format, name }, readers: new Map() };
}
