// @ts-check
/**
 * Typed records in plain JavaScript, the same for every runtime: a worker on the emulator, whose records name schemas of a
 * registry of Glue.
 *
 * @module
 */

/**
 * What AWS's serializers write of one order, by tests/cases/glue_vectors.json: JSON, the same in zlib, Avro, and a message of
 * protocol buffers.
 */
const RECORDS = {
  JSON: [
    "0300f8b4a7f09c964e4aa687fb5de9ef0c637b226964223a226772c3b6c39f6572222c22746f74616c223a31322e357d",
    "0305f8b4a7f09c964e4aa687fb5de9ef0c63789cab56ca4c51b2524a2f3abcedf0fcd422251da592fc92c41c252b43233dd35a00ae960aa7",
  ],
  AVRO: ["0300b7b4a7f09c964e4aa687fb5de9ef0c63106772c3b6c39f65720000000000002940"],
  PROTOBUF: ["0300000000000000000000000000000000ff000a0142"],
};

/** What is under each version: the format, and the schema. */
const VERSIONS = {
  "f8b4a7f0-9c96-4e4a-a687-fb5de9ef0c63": ["JSON", "{}"],
  "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63": [
    "AVRO",
    '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"double"}]}',
  ],
  "00000000-0000-0000-0000-0000000000ff": ["PROTOBUF", 'syntax = "proto3"; message B { string id = 1; }'],
};

/**
 * @param {Pick<typeof import("../../mod.ts"), "KinesisWorker">} library As the runtime loaded it.
 * @param {Pick<typeof import("../../src/testing/mod.ts"), "simulatedAws">} testing As the runtime loaded it.
 * @param {Pick<typeof import("../../src/decode/mod.ts"), "eachDecoded">} decode As the runtime loaded it.
 * @param {Pick<typeof import("../../src/glue/mod.ts"), "glue">} registry As the runtime loaded it.
 * @param {import("../../src/glue/mod.ts").SchemaReaders & { schema?: import("../../src/decode/mod.ts").StandardSchemaV1 }} readers
 * JSON is read in any case; other formats where there is a reader.
 * @returns {Promise<unknown[]>} What the processor got, in order.
 */
export async function smokeDecoders(
  library,
  { simulatedAws },
  { eachDecoded },
  { glue },
  { schema, ...readers },
) {
  const aws = simulatedAws({ streams: { orders: 1 } });
  const records = [
    ...RECORDS.JSON,
    ...(readers.avro === undefined ? [] : RECORDS.AVRO),
    ...(readers.protobuf === undefined ? [] : RECORDS.PROTOBUF),
  ];
  for (const hex of records) {
    aws.stream("orders").put(Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)), "key");
  }
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  /** @type {typeof fetch} */
  const answer = async (input, init) => {
    const { SchemaVersionId: id } = await new Request(input, init).json();
    const [DataFormat, SchemaDefinition] = VERSIONS[/** @type {keyof typeof VERSIONS} */ (id)];
    return Response.json({ SchemaVersionId: id, DataFormat, SchemaDefinition });
  };
  const decoder = glue({
    region: "us-east-1",
    credentials,
    system: { ...aws.system, fetch: answer },
    ...readers,
  });
  /** @type {unknown[]} */
  const values = [];
  const stop = new AbortController();
  const timeLimit = setTimeout(() => stop.abort(), 15_000);
  const worker = new library.KinesisWorker({
    applicationName: "orders",
    streamName: "orders",
    region: "us-east-1",
    credentials,
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    onProcessError: "skip",
    processor: eachDecoded({ decoder, ...(schema === undefined ? {} : { schema }) }, (value) => {
      values.push(value);
      if (values.length === records.length) stop.abort();
    }),
  });
  try {
    await worker.run(stop.signal);
  } finally {
    clearTimeout(timeLimit);
  }
  return values;
}

/** What it gives with all readers. */
export const SMOKE_ORDERS = [
  { id: "größer", total: 12.5 },
  { id: "größer", total: 12.5 },
  { id: "größer", total: 12.5 },
  { id: "B" },
];
