/**
 * A program for the test beside it, to be run where no code may be made of texts, as on workerd: workers with `glue()`, the
 * readers that docs/typed-records.md names for such places, and schemas of three libraries. Prints what their processors got.
 *
 * @module
 */

import * as library from "../../mod.ts";
import * as decode from "../../src/decode/mod.ts";
import * as registry from "../../src/glue/mod.ts";
import * as testing from "../../src/testing/mod.ts";
import { avroReader } from "../../examples/typed_records/avro_reader.ts";
import { smokeDecoders } from "../runtimes/smoke_decoders.mjs";
import { fromBinary, messageWithId } from "../support/protobuf_es.ts";
import { type, v, z } from "../support/schema_libraries.ts";

const B = messageWithId("B");
const readers: registry.SchemaReaders = {
  avro: avroReader,
  protobuf: () => (payload) => ({ ...fromBinary(B, payload) }),
};
const schemas: readonly decode.StandardSchemaV1[] = [
  z.object({ id: z.string(), total: z.optional(z.number()) }),
  v.object({ id: v.string(), total: v.optional(v.number()) }),
  type({ id: "string", "total?": "number", "+": "delete" }),
];

let made = "code was made of a text";
try {
  new Function("return 1")();
} catch (error) {
  made = `${error}`;
}
const values: unknown[] = [];
for (const schema of schemas) {
  values.push(await smokeDecoders(library, testing, decode, registry, { ...readers, schema }));
}
console.log(JSON.stringify({ made, values }));
