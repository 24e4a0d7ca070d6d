// Pure.
/**
 * The calls to Kinesis that each client makes, in this order, and what AWS answers.
 *
 * @module
 */

import { type ListedCall, Refusal } from "./judge.ts";

const ARN = { StreamARN: "{summary.StreamDescriptionSummary.StreamARN}" };
const MIB = 1024 ** 2;
const bytes = (text: string) => ({ $bytes: btoa(text) });
const large = { $bytes: new Uint8Array(MIB + 1).toBase64() };
const KEY = { EncryptionType: "KMS", KeyId: "alias/aws/kinesis" };

/** The list for a stream of this name, which is created and deleted. */
export function kinesisCalls(StreamName: string): readonly ListedCall[] {
  const call = (
    operation: string,
    input: ListedCall["input"],
    expected: ListedCall["expected"] = {},
    more: Partial<ListedCall> = {},
  ): ListedCall => ({ service: "kinesis", operation, input, expected, ...more });
  const name = { StreamName };
  const iterator = (more: object) => ({ ...name, ShardId: "{list.Shards.0.ShardId}", ...more });
  const put = (more: object = {}) => ({
    ...name,
    Data: bytes("one"),
    PartitionKey: "a",
    ExplicitHashKey: "0",
    ...more,
  });
  const summary = (expected: object) =>
    call("DescribeStreamSummary", name, { StreamDescriptionSummary: expected });
  const subscribe = {
    ConsumerARN: "{consumer.Consumer.ConsumerARN}",
    ShardId: "{list.Shards.0.ShardId}",
    StartingPosition: { Type: "TRIM_HORIZON" },
  };
  const event = { SubscribeToShardEvent: { Records: [{ Data: bytes("one"), PartitionKey: "a" }, {}, {}] } };
  return [
    call("CreateStream", { ...name, ShardCount: 2, Tags: { made: "by a test" } }),
    call("CreateStream", { ...name, ShardCount: 2 }, new Refusal("ResourceInUse")),
    call("DescribeStreamSummary", name, {
      StreamDescriptionSummary: {
        ...name,
        StreamStatus: "ACTIVE",
        OpenShardCount: 2,
        EncryptionType: "NONE",
      },
    }, { as: "summary" }),
    call("DescribeStream", ARN, { StreamDescription: { ...name, Shards: [{}, {}], HasMoreShards: false } }),
    call("DescribeStream", { StreamName: `${StreamName}-none` }, new Refusal("ResourceNotFound")),
    call("ListStreams", {}, { StreamNames: [StreamName], HasMoreStreams: false }),
    call("ListShards", name, { Shards: [{ HashKeyRange: { StartingHashKey: "0" } }, {}] }, { as: "list" }),
    call("ListShards", { ...name, MaxResults: 1 }, { Shards: [{}], NextToken: /./ }, { as: "page" }),
    call("ListShards", { NextToken: "{page.NextToken}" }, { Shards: [{}] }),
    call("ListShards", { ...name, ShardFilter: { Type: "AT_LATEST" } }, { Shards: [{}, {}] }),
    call("ListShards", { ...name, NextToken: "{page.NextToken}" }, new Refusal("InvalidArgument")),
    call("PutRecord", put(), { ShardId: "shardId-000000000000", SequenceNumber: /^\d{56}$/ }, { as: "put" }),
    call("PutRecords", {
      ...name,
      Records: [{ Data: bytes("two"), PartitionKey: "b", ExplicitHashKey: "0" }, {
        Data: bytes("three"),
        PartitionKey: "c",
        ExplicitHashKey: "0",
      }],
    }, { FailedRecordCount: 0, Records: [{ ShardId: "shardId-000000000000" }, {}] }),
    call("PutRecord", put({ ExplicitHashKey: "-1" }), new Refusal("InvalidArgument")),
    call("PutRecord", put({ Data: large }), new Refusal("Validation")),
    call("GetShardIterator", iterator({ ShardIteratorType: "TRIM_HORIZON" }), { ShardIterator: /./ }, {
      as: "start",
    }),
    call("GetRecords", { ShardIterator: "{start.ShardIterator}" }, {
      Records: [{ Data: bytes("one"), PartitionKey: "a" }, {}, { Data: bytes("three"), PartitionKey: "c" }],
      MillisBehindLatest: 0,
      NextShardIterator: /./,
    }),
    call(
      "GetShardIterator",
      iterator({
        ShardIteratorType: "AFTER_SEQUENCE_NUMBER",
        StartingSequenceNumber: "{put.SequenceNumber}",
      }),
      { ShardIterator: /./ },
      { as: "after" },
    ),
    call("GetRecords", { ShardIterator: "{after.ShardIterator}", Limit: 1 }, {
      Records: [{ Data: bytes("two") }],
    }),
    call(
      "GetShardIterator",
      iterator({ ShardIteratorType: "AT_TIMESTAMP", Timestamp: { $date: 1_700_000_000_000 } }),
      {
        ShardIterator: /./,
      },
      { as: "timed" },
    ),
    call("GetRecords", { ShardIterator: "{timed.ShardIterator}" }, { Records: [{}, {}, {}] }),
    call("GetRecords", { ShardIterator: "nonsense" }, new Refusal("InvalidArgument")),
    call("UpdateMaxRecordSize", { ...ARN, MaxRecordSizeInKiB: 2048 }),
    summary({ MaxRecordSizeInKiB: 2048 }),
    call("PutRecord", put({ Data: large, ExplicitHashKey: `${1n << 127n}` }), { ShardId: /1$/ }),
    call("AddTagsToStream", { ...name, Tags: { team: "a" } }),
    call("ListTagsForStream", name, {
      Tags: [{ Key: "made", Value: "by a test" }, { Key: "team", Value: "a" }],
      HasMoreTags: false,
    }),
    call("RemoveTagsFromStream", { ...name, TagKeys: ["made"] }),
    call("TagResource", { ResourceARN: ARN.StreamARN, Tags: { cost: "b" } }),
    call("ListTagsForResource", { ResourceARN: ARN.StreamARN }, { Tags: [{ Key: "cost" }, { Key: "team" }] }),
    call("UntagResource", { ResourceARN: ARN.StreamARN, TagKeys: ["cost"] }),
    call("DescribeLimits", {}, { OpenShardCount: 2, OnDemandStreamCount: 0 }),
    call("StartStreamEncryption", { ...name, ...KEY }),
    summary({ EncryptionType: "KMS", KeyId: KEY.KeyId }),
    call("StopStreamEncryption", { ...name, ...KEY }),
    call("UpdateStreamMode", { ...ARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } }),
    summary({ StreamModeDetails: { StreamMode: "ON_DEMAND" }, EncryptionType: "NONE" }),
    call("UpdateStreamMode", { ...ARN, StreamModeDetails: { StreamMode: "PROVISIONED" } }),
    call("IncreaseStreamRetentionPeriod", { ...name, RetentionPeriodHours: 48 }),
    call(
      "DecreaseStreamRetentionPeriod",
      { ...name, RetentionPeriodHours: 72 },
      new Refusal("InvalidArgument"),
    ),
    call("DecreaseStreamRetentionPeriod", { ...name, RetentionPeriodHours: 24 }),
    call("EnableEnhancedMonitoring", { ...name, ShardLevelMetrics: ["IncomingBytes"] }, {
      DesiredShardLevelMetrics: ["IncomingBytes"],
    }),
    call("DisableEnhancedMonitoring", { ...name, ShardLevelMetrics: ["ALL"] }, {
      DesiredShardLevelMetrics: [],
    }),
    call("RegisterStreamConsumer", { ...ARN, ConsumerName: "app" }, { Consumer: { ConsumerName: "app" } }, {
      as: "consumer",
    }),
    call("DescribeStreamConsumer", { ...ARN, ConsumerName: "app" }, {
      ConsumerDescription: { ConsumerStatus: "ACTIVE" },
    }),
    call("ListStreamConsumers", ARN, { Consumers: [{ ConsumerName: "app" }] }),
    call("SubscribeToShard", subscribe, { EventStream: [event] }, { only: "boto3" }),
    // Over HTTP/2 the emulator gives the remedy, and with the remedy it works.
    call("SubscribeToShard", subscribe, { EventStream: [event] }, { only: "AWS SDK for JavaScript" }),
    call("SubscribeToShard", subscribe, { EventStream: [event] }, {
      only: "AWS SDK for JavaScript",
      service: "kinesis-http1",
    }),
    call("DeregisterStreamConsumer", { ...ARN, ConsumerName: "app" }),
    call("SplitShard", { ...name, ShardToSplit: "{list.Shards.0.ShardId}", NewStartingHashKey: "5" }),
    call("MergeShards", {
      ...name,
      ShardToMerge: "shardId-000000000002",
      AdjacentShardToMerge: "shardId-000000000003",
    }),
    call(
      "SplitShard",
      { ...name, ShardToSplit: "{list.Shards.0.ShardId}", NewStartingHashKey: "5" },
      new Refusal("InvalidArgument"),
    ),
    call("UpdateShardCount", { ...name, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" }, {
      TargetShardCount: 4,
    }),
    call("DescribeAccountSettings", {}),
    call("PutResourcePolicy", { ResourceARN: ARN.StreamARN, Policy: "{}" }),
    call("UpdateStreamWarmThroughput", { ...name, WarmThroughputMiBps: 1 }),
    call("DeleteStream", { ...name, EnforceConsumerDeletion: true }),
  ];
}
