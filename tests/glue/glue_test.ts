/** `glue()` on records of AWS's own serializers, and on a registry that is slow, down or knows nothing. */

import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { avsc } from "../support/avsc.ts";
import protobuf from "npm:protobufjs@8.8.1";
import VECTORS from "../cases/glue_vectors.json" with { type: "json" };
import { glue, type GlueOptions, type SchemaReaders } from "../../src/glue/mod.ts";
import { text } from "../../src/decode/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { keyed } from "../support/policy_bed.ts";

const AVRO = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63", JSON_ID = "f8b4a7f0-9c96-4e4a-a687-fb5de9ef0c63";
const PROTO = "00000000-0000-0000-0000-0000000000ff";

const SCHEMAS: Readonly<Record<string, { readonly DataFormat: string; readonly SchemaDefinition: string }>> =
  {
    [AVRO]: {
      DataFormat: "AVRO",
      SchemaDefinition: JSON.stringify({
        type: "record",
        name: "Order",
        fields: [{ name: "id", type: "string" }, { name: "total", type: "double" }],
      }),
    },
    [JSON_ID]: { DataFormat: "JSON", SchemaDefinition: '{"type":"object"}' },
    [PROTO]: {
      DataFormat: "PROTOBUF",
      SchemaDefinition: `syntax = "proto3";
message Zebra { string id = 1; }
message B {
  string id = 1;
  message C { string id = 1; }
  message A { string id = 1; message D { string id = 1; } }
}`,
    },
  };

/** As docs/typed-records.md shows them. */
const READERS: SchemaReaders = {
  avro(schema) {
    const type = avsc.Type.forSchema(JSON.parse(schema));
    return (bytes) => type.fromBuffer(Buffer.from(bytes));
  },
  protobuf(schema, message) {
    const names: string[] = [];
    const visit = (parent: protobuf.NamespaceBase) => {
      for (const nested of parent.nestedArray) {
        if (nested instanceof protobuf.Type) names.push(nested.fullName.slice(1));
        if (nested instanceof protobuf.Namespace) visit(nested);
      }
    };
    const { root } = protobuf.parse(schema);
    visit(root);
    const type = root.lookupType(names.sort()["index" in message ? message.index : 0] ?? "");
    return (bytes) => type.toObject(type.decode(bytes));
  },
};

/** Asks for versions, and how it answers. */
class Registry {
  readonly clock = new FakeClock();
  readonly asked: string[] = [];
  /** In place of an answer. */
  failure: (() => Response | Promise<Response>) | undefined;

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { SchemaVersionId: id } = await request.json();
    assertEquals(request.headers.get("x-amz-target"), "AWSGlue.GetSchemaVersion");
    assertStringIncludes(request.headers.get("authorization") ?? "", "/us-east-1/glue/aws4_request");
    this.asked.push(id);
    if (this.failure !== undefined) return await this.failure();
    const schema = SCHEMAS[id] ?? (id.startsWith("1") ? SCHEMAS[JSON_ID] : undefined);
    if (schema === undefined) {
      return Response.json({ __type: "EntityNotFoundException", Message: "not found" }, { status: 400 });
    }
    const SchemaArn = "arn:aws:glue:us-east-1:123456789012:schema/shop/orders";
    return Response.json({ SchemaVersionId: id, SchemaArn, Status: "AVAILABLE", ...schema });
  };

  decoder(options: Partial<GlueOptions> = {}) {
    return glue({
      region: "us-east-1",
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
      system: { clock: this.clock, random: () => 0.5, fetch: this.fetch },
      ...READERS,
      ...options,
    });
  }

  async decode(bytes: Uint8Array, decoder = this.decoder()) {
    const signal = new AbortController().signal;
    const decoding = Promise.resolve().then(() => decoder.decode(bytes, keyed(1, "key"), signal));
    decoding.catch(() => {});
    for (let turn = 0; turn < 40; turn++) await this.clock.advance(1000);
    return await decoding;
  }
}

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

/** A record of the registry. */
function framed(id: string, payload: string): Uint8Array {
  const uuid = bytesOf(id.replaceAll("-", ""));
  return Uint8Array.from([3, 0, ...uuid, ...new TextEncoder().encode(payload)]);
}

for (const { comment, schemaVersionId, bytes } of VECTORS) {
  Deno.test(`glue() reads what AWS's serializers write: ${comment}`, async () => {
    const { value, schemaInfo } = await new Registry().decode(bytesOf(bytes));
    const [format = "", message] = comment.split(" ");
    const expected = format === "protobuf" ? { id: message } : { id: "größer", total: 12.5 };
    assertEquals(JSON.parse(JSON.stringify(value)), expected);
    const { id, name: schemaName, format: dataFormat } = schemaInfo ?? {};
    assertEquals([id, schemaName], [schemaVersionId, "orders"]);
    assertEquals(dataFormat, SCHEMAS[schemaVersionId]?.DataFormat);
  });
}

Deno.test("glue() asks for a version once, however many records wait for it, and then answers at once", async () => {
  const registry = new Registry();
  const decoder = registry.decoder();
  const signal = new AbortController().signal;
  const record = keyed(1, "key");
  const data = framed(JSON_ID, '{"n":1}');
  const all = Array.from({ length: 100 }, () => decoder.decode(data, record, signal));
  assert(all.every((decoding) => decoding instanceof Promise));
  await Promise.all(all);
  assertEquals(registry.asked, [JSON_ID]);
  assert(!(decoder.decode(data, record, signal) instanceof Promise));
});

Deno.test("glue() keeps 200 versions of 1000", async () => {
  const registry = new Registry();
  const decoder = registry.decoder();
  const signal = new AbortController().signal;
  const ids = Array.from({ length: 1000 }, (_, at) => `10000000-0000-0000-0000-${`${at}`.padStart(12, "0")}`);
  for (const id of ids) await decoder.decode(framed(id, "1"), keyed(1, "key"), signal);
  assertEquals(registry.asked.length, 1000);
  for (const id of ids.slice(-200)) await decoder.decode(framed(id, "1"), keyed(1, "key"), signal);
  assertEquals(registry.asked.length, 1000);
  await decoder.decode(framed(ids[0] ?? "", "1"), keyed(1, "key"), signal);
  assertEquals(registry.asked.length, 1001);
});

Deno.test("glue() asks for a version that is not there once a minute, and such a record cannot be read", async () => {
  const registry = new Registry();
  const decoder = registry.decoder();
  const data = framed("20000000-0000-0000-0000-000000000000", "1");
  for (let time = 0; time < 3; time++) {
    const error = await assertRejects(() => registry.decode(data, decoder), Error, "no schema version 2");
    assert(!("retryable" in error));
  }
  // 40 s pass while each is waited for.
  assertEquals(registry.asked.length, 2);
});

Deno.test("glue() leaves a record for later while the registry is down, refuses or says nonsense", async () => {
  const failures: readonly (() => Response | Promise<Response>)[] = [
    () => new Response("busy", { status: 503 }),
    () => Response.json({ __type: "AccessDeniedException", Message: "no" }, { status: 400 }),
    () => Response.json({ SchemaDefinition: 7 }),
    () => Promise.reject(new TypeError("connection refused")),
  ];
  for (const failure of failures) {
    const registry = new Registry();
    registry.failure = failure;
    const error = await assertRejects(
      () => registry.decode(framed(JSON_ID, "1")),
      Error,
      "Cannot read schema",
    );
    assert("retryable" in error && error.retryable === true);
    registry.failure = undefined;
    assertEquals((await registry.decode(framed(JSON_ID, "1"))).value, 1);
  }
});

Deno.test("glue() has records without a frame read by `unframed`, and such whose frame is chance", async () => {
  const registry = new Registry();
  const decoder = registry.decoder({ unframed: text() });
  const chance = framed("20202020-2020-2020-2020-202020202020", "2");
  assertEquals((await registry.decode(new TextEncoder().encode("plain"), decoder)).value, "plain");
  assertEquals((await registry.decode(chance, decoder)).value, new TextDecoder().decode(chance));
  for (let length = 0; length < 18; length++) {
    const start = framed(JSON_ID, "").slice(0, length);
    start.fill(32, 1);
    assertEquals((await registry.decode(start, decoder)).value, new TextDecoder().decode(start));
  }
});

Deno.test("glue() refuses what it cannot read, in one sentence", async () => {
  const registry = new Registry();
  const refused = async (bytes: Uint8Array, options: Partial<GlueOptions> = {}) =>
    (await assertRejects(() => registry.decode(bytes, registry.decoder(options)), Error)).message;
  const [avro] = VECTORS;
  const zlib = bytesOf(VECTORS[1]?.bytes ?? "");
  assertStringIncludes(
    await refused(Uint8Array.of(3, 7)),
    "expected a record as a serializer of Glue writes it: got 2",
  );
  assertStringIncludes(await refused(bytesOf(avro?.bytes ?? ""), { avro: undefined }), "give a reader, avro");
  assertStringIncludes(await refused(framed(JSON_ID, "{")), "expected JSON text: got 1 bytes");
  assertStringIncludes(await refused(framed(PROTO, "")), "expected an index of a message");
  for (let cut = 1; cut < zlib.length - 18; cut++) assert((await refused(zlib.slice(0, -cut))) !== "");
  const bomb = new Uint8Array(
    await new Response(
      new Blob([new Uint8Array(129 * 1024 ** 2)]).stream().pipeThrough(new CompressionStream("deflate")),
    ).arrayBuffer(),
  );
  assertStringIncludes(
    await refused(Uint8Array.from([...zlib.slice(0, 18), ...bomb])),
    "at most 134217728 bytes when it is unpacked",
  );
  assert((await refused(bytesOf((avro?.bytes ?? "").slice(0, 40)))) !== "");
});
