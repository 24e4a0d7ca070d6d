/** What is set for a stream as a whole: record size, encryption, mode, measuring; and the limits of an account. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeClock } from "../../../support/fake_clock.ts";
import { simulated } from "../../../support/simulated.ts";

const WORDS = { StreamName: "words" };
const FIRST = "shardId-000000000000";
const MIB = 1024 ** 2;

/** An emulator with the stream "words", in a time that stands still. */
function bed() {
  const clock = new FakeClock();
  const made = simulated({ streams: { words: 1 }, changeMs: 100, system: { clock, random: () => 0 } });
  const call = async (operation: string, input: object) => (await made.call(operation, { ...input })).body;
  const summary = async () => (await call("DescribeStreamSummary", WORDS)).StreamDescriptionSummary;
  const ARN = { StreamARN: made.aws.stream("words").arn };
  const put = (bytes: number, PartitionKey = "k") =>
    call("PutRecord", { ...WORDS, PartitionKey, Data: new Uint8Array(bytes).toBase64() });
  return { ...made, clock, call, summary, put, ARN };
}

Deno.test("PutRecord refuses data and key of more than 1 MiB, unless UpdateMaxRecordSize has allowed it", async () => {
  const { call, summary, put, ARN, clock } = bed();
  assertEquals((await summary()).MaxRecordSizeInKiB, 1024);
  assertEquals((await put(MIB - 1)).ShardId, FIRST);
  for (const refused of [await put(MIB), await put(MIB - 1, "é")]) {
    assertEquals(refused.__type, "ValidationException");
    assertStringIncludes(
      refused.message,
      "Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 1048576",
    );
    assertStringIncludes(refused.message, "UpdateMaxRecordSize");
  }
  assertEquals(await call("UpdateMaxRecordSize", { ...ARN, MaxRecordSizeInKiB: 2048 }), "");
  assertEquals((await summary()).StreamStatus, "UPDATING");
  assertEquals(
    (await call("UpdateMaxRecordSize", { ...ARN, MaxRecordSizeInKiB: 3072 })).__type,
    "ResourceInUseException",
  );
  clock.jump(100);
  assertEquals([(await summary()).StreamStatus, (await summary()).MaxRecordSizeInKiB], ["ACTIVE", 2048]);
  assertEquals((await put(2 * MIB - 1)).ShardId, FIRST);
  assertEquals((await put(2 * MIB)).__type, "ValidationException");
});

Deno.test("PutRecords puts no record of a call in which one is too large, and says which", async () => {
  const { aws, call } = bed();
  const record = (bytes: number) => ({ PartitionKey: "k", Data: new Uint8Array(bytes).toBase64() });
  const { __type, message } = await call("PutRecords", { ...WORDS, Records: [record(1), record(MIB)] });
  assertEquals(__type, "ValidationException");
  assertStringIncludes(message, "'records.2.member.data'");
  assertEquals(aws.stream("words").records(FIRST), []);
});

Deno.test("CreateStream sets the size of records and tags, and UpdateMaxRecordSize refuses a size that there is not", async () => {
  const { call, clock, ARN } = bed();
  await call("CreateStream", {
    StreamName: "big",
    ShardCount: 1,
    MaxRecordSizeInKiB: 10_240,
    Tags: { team: "a" },
  });
  clock.jump(100);
  const big = { StreamName: "big" };
  assertEquals(
    (await call("DescribeStreamSummary", big)).StreamDescriptionSummary.MaxRecordSizeInKiB,
    10_240,
  );
  assertEquals((await call("ListTagsForStream", big)).Tags, [{ Key: "team", Value: "a" }]);
  const typeOf = async (more: object) => (await call("UpdateMaxRecordSize", { ...ARN, ...more })).__type;
  assertEquals(await typeOf({ MaxRecordSizeInKiB: 1023 }), "ValidationException");
  assertEquals(await typeOf({ MaxRecordSizeInKiB: 10_241 }), "ValidationException");
  assertEquals(await typeOf({}), "ValidationException");
});

Deno.test("StartStreamEncryption and StopStreamEncryption are told of the stream and of the records put meanwhile", async () => {
  const { aws, call, summary, clock, put } = bed();
  const key = { ...WORDS, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" };
  assertEquals((await put(1)).EncryptionType, "NONE");
  assertEquals(await call("StartStreamEncryption", key), "");
  assertEquals((await call("StopStreamEncryption", key)).__type, "ResourceInUseException");
  clock.jump(100);
  const encrypted = await summary();
  assertEquals([encrypted.EncryptionType, encrypted.KeyId], ["KMS", "alias/aws/kinesis"]);
  assertEquals((await put(1)).EncryptionType, "KMS");
  assertEquals(await call("StopStreamEncryption", key), "");
  clock.jump(100);
  const plain = await summary();
  assertEquals([plain.EncryptionType, plain.KeyId], ["NONE", undefined]);
  assertEquals(aws.stream("words").records(FIRST).map(({ encryptionType }) => encryptionType), [
    "NONE",
    "KMS",
  ]);
  const { ShardIterator } = await call("GetShardIterator", {
    ...WORDS,
    ShardId: FIRST,
    ShardIteratorType: "TRIM_HORIZON",
  });
  const { Records } = await call("GetRecords", { ShardIterator });
  assertEquals(Records.map((record: { EncryptionType: string }) => record.EncryptionType), ["NONE", "KMS"]);
  const typeOf = async (more: object) => (await call("StartStreamEncryption", { ...key, ...more })).__type;
  assertEquals(await typeOf({ EncryptionType: "NONE" }), "InvalidArgumentException");
  assertEquals(await typeOf({ EncryptionType: "AES" }), "ValidationException");
  assertEquals(await typeOf({ KeyId: undefined }), "ValidationException");
  assertEquals(await typeOf({ StreamName: "none" }), "ResourceNotFoundException");
});

Deno.test("UpdateStreamMode changes the mode; an on-demand stream is not resharded by hand", async () => {
  const { call, summary, clock, ARN } = bed();
  const mode = (StreamMode: string) =>
    call("UpdateStreamMode", { ...ARN, StreamModeDetails: { StreamMode } });
  assertEquals(await mode("ON_DEMAND"), "");
  assertEquals((await mode("PROVISIONED")).__type, "ResourceInUseException");
  clock.jump(100);
  assertEquals((await summary()).StreamModeDetails, { StreamMode: "ON_DEMAND" });
  assertEquals(await call("SplitShard", { ...WORDS, ShardToSplit: FIRST, NewStartingHashKey: "5" }), {
    __type: "ValidationException",
    message: "Request is invalid. Stream words under account 000000000000 is in On-Demand mode.",
  });
  assertEquals((await mode("FREE")).__type, "ValidationException");
  assertEquals(await mode("PROVISIONED"), "");
  clock.jump(100);
  assertEquals(await call("SplitShard", { ...WORDS, ShardToSplit: FIRST, NewStartingHashKey: "5" }), "");
});

Deno.test("DescribeLimits counts open shards and on-demand streams", async () => {
  const { aws, call, clock } = bed();
  aws.stream("words").split(FIRST);
  await call("CreateStream", { StreamName: "free", StreamModeDetails: { StreamMode: "ON_DEMAND" } });
  clock.jump(100);
  const { ShardLimit, ...rest } = await call("DescribeLimits", {});
  assert(ShardLimit > 0);
  assertEquals(rest, { OpenShardCount: 2, OnDemandStreamCount: 1, OnDemandStreamCountLimit: 50 });
});

Deno.test("EnableEnhancedMonitoring and DisableEnhancedMonitoring tell what is measured before and after", async () => {
  const { call, summary } = bed();
  const metrics = (operation: string, ...ShardLevelMetrics: string[]) =>
    call(operation, { ...WORDS, ShardLevelMetrics });
  const enabled = await metrics("EnableEnhancedMonitoring", "OutgoingBytes", "IncomingBytes");
  assertEquals(enabled.CurrentShardLevelMetrics, []);
  assertEquals(enabled.DesiredShardLevelMetrics, ["IncomingBytes", "OutgoingBytes"]);
  assertEquals((await metrics("DisableEnhancedMonitoring", "OutgoingBytes")).DesiredShardLevelMetrics, [
    "IncomingBytes",
  ]);
  assertEquals((await summary()).EnhancedMonitoring, [{ ShardLevelMetrics: ["IncomingBytes"] }]);
  assertEquals((await metrics("EnableEnhancedMonitoring", "ALL")).DesiredShardLevelMetrics.length, 7);
  assertEquals((await metrics("DisableEnhancedMonitoring", "ALL")).DesiredShardLevelMetrics, []);
  assertEquals((await metrics("EnableEnhancedMonitoring", "Bytes")).__type, "ValidationException");
  assertEquals((await metrics("EnableEnhancedMonitoring")).__type, "ValidationException");
});
