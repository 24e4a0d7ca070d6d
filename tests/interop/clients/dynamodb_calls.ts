// Pure.
/**
 * The calls to DynamoDB and CloudWatch that each client makes, in this order, and what AWS answers.
 *
 * @module
 */

import { type ListedCall, Refusal } from "./judge.ts";

const key = (id: string) => ({ id: { S: id } });

/** The list for a table of this name, which is created and deleted. */
export function dynamodbCalls(TableName: string): readonly ListedCall[] {
  const call = (
    operation: string,
    input: ListedCall["input"],
    expected: ListedCall["expected"] = {},
    as?: string,
  ): ListedCall => ({ service: "dynamodb", operation, input, expected, ...(as === undefined ? {} : { as }) });
  const table = { TableName };
  const ResourceArn = "{table.Table.TableArn}";
  const put = (id: string, more: object = {}) => ({ ...table, Item: { ...key(id), ...more } });
  const isNew = { ConditionExpression: "attribute_not_exists(id)" };
  const add = {
    ...table,
    Key: key("a"),
    UpdateExpression: "ADD n :one SET #t = :t",
    ExpressionAttributeNames: { "#t": "text" },
    ExpressionAttributeValues: { ":one": { N: "1" }, ":t": { S: "x" } },
  };
  const owned = {
    ...table,
    IndexName: "owners",
    KeyConditionExpression: "#o = :o",
    ExpressionAttributeNames: { "#o": "owner" },
    ExpressionAttributeValues: { ":o": { S: "me" } },
  };
  const request = (requests: readonly object[]) => ({ RequestItems: { [TableName]: requests } });
  const putRequest = (id: string) => ({ PutRequest: { Item: key(id) } });
  return [
    call("CreateTable", {
      ...table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    }, { TableDescription: { ...table } }),
    call("DescribeTable", table, { Table: { TableStatus: "ACTIVE", ItemCount: 0 } }, "table"),
    call("ListTables", {}, { TableNames: [TableName] }),
    call("PutItem", put("a", { owner: { S: "me" }, data: { B: { $bytes: btoa("bytes") } } })),
    call("PutItem", { ...put("a"), ...isNew }, new Refusal("ConditionalCheckFailed")),
    call("GetItem", { ...table, Key: key("a"), ConsistentRead: true }, {
      Item: { owner: { S: "me" }, data: { B: { $bytes: btoa("bytes") } } },
    }),
    call("GetItem", { ...table, Key: key("none") }, { Item: undefined }),
    call("GetItem", { TableName: `${TableName}-none`, Key: key("a") }, new Refusal("ResourceNotFound")),
    call("UpdateItem", { ...add, ReturnValues: "UPDATED_NEW" }, {
      Attributes: { n: { N: "1" }, text: { S: "x" } },
    }),
    call(
      "UpdateItem",
      {
        ...add,
        ConditionExpression: "attribute_not_exists(n)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      },
      new Refusal("ConditionalCheckFailed", { Item: { n: { N: "1" } } }),
    ),
    call(
      "UpdateItem",
      { ...table, Key: key("a"), UpdateExpression: "SET id = id" },
      new Refusal("Validation"),
    ),
    call("UpdateTable", {
      ...table,
      AttributeDefinitions: [{ AttributeName: "owner", AttributeType: "S" }],
      GlobalSecondaryIndexUpdates: [{
        Create: {
          IndexName: "owners",
          KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      }],
    }, { TableDescription: { ...table } }),
    call("Query", owned, { Count: 1, Items: [{ id: { S: "a" } }] }),
    call("Query", {
      ...table,
      KeyConditionExpression: "id = :id",
      ExpressionAttributeValues: { ":id": { S: "a" } },
      ProjectionExpression: "n",
    }, { Items: [{ n: { N: "1" } }] }),
    call("BatchWriteItem", request(["b", "c", "d"].map(putRequest)), { UnprocessedItems: {} }),
    call("BatchWriteItem", request([putRequest("e"), { DeleteRequest: { Key: key("d") } }]), {
      UnprocessedItems: {},
    }),
    call("BatchWriteItem", request([putRequest("e"), putRequest("e")]), new Refusal("Validation")),
    call(
      "BatchWriteItem",
      request(Array.from({ length: 26 }, (_, i) => putRequest(`${i}`))),
      new Refusal("Validation"),
    ),
    call("BatchGetItem", { RequestItems: { [TableName]: { Keys: [key("b"), key("none")] } } }, {
      Responses: { [TableName]: [key("b")] },
      UnprocessedKeys: {},
    }),
    call(
      "BatchGetItem",
      { RequestItems: { [TableName]: { Keys: [key("b"), key("b")] } } },
      new Refusal("Validation"),
    ),
    call("Scan", { ...table, Limit: 2 }, { Count: 2, ScannedCount: 2, LastEvaluatedKey: { id: {} } }, "page"),
    call("Scan", { ...table, ExclusiveStartKey: "{page.LastEvaluatedKey}" }, { Count: 2 }),
    call("Scan", {
      ...table,
      FilterExpression: "attribute_exists(n)",
      Select: "COUNT",
    }, { Count: 1, ScannedCount: 4 }),
    call("TransactWriteItems", {
      TransactItems: [
        { Put: { ...put("f"), ...isNew } },
        { Update: add },
        { Delete: { ...table, Key: key("e") } },
        { ConditionCheck: { ...table, Key: key("b"), ConditionExpression: "attribute_exists(id)" } },
      ],
    }),
    call(
      "TransactWriteItems",
      { TransactItems: [{ Put: put("g") }, { Put: { ...put("f"), ...isNew } }] },
      new Refusal("TransactionCanceled", {
        CancellationReasons: [{ Code: "None" }, { Code: "ConditionalCheckFailed" }],
      }),
    ),
    call(
      "TransactWriteItems",
      { TransactItems: [{ Put: put("g") }, { Put: put("g") }] },
      new Refusal("Validation"),
    ),
    call("TransactGetItems", {
      TransactItems: ["a", "g"].map((id) => ({ Get: { ...table, Key: key(id) } })),
    }, { Responses: [{ Item: { n: { N: "2" } } }, { Item: undefined }] }),
    call("DeleteItem", { ...table, Key: key("f"), ReturnValues: "ALL_OLD" }, { Attributes: key("f") }),
    call("TagResource", { ResourceArn, Tags: [{ Key: "team", Value: "a" }] }),
    call("ListTagsOfResource", { ResourceArn }, { Tags: [{ Key: "team", Value: "a" }] }),
    call("UntagResource", { ResourceArn, TagKeys: ["team"] }),
    call("UpdateContinuousBackups", {
      ...table,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    }, { ContinuousBackupsDescription: { ContinuousBackupsStatus: "ENABLED" } }),
    call("DescribeContinuousBackups", table, {
      ContinuousBackupsDescription: {
        PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "ENABLED" },
      },
    }),
    call("DescribeTimeToLive", table, { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } }),
    call("DescribeLimits", {}, { AccountMaxReadCapacityUnits: 80_000 }),
    call("UpdateTimeToLive", { ...table, TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" } }),
    call("ExecuteStatement", { Statement: `SELECT * FROM "${TableName}"` }),
    call("DeleteTable", table, { TableDescription: { TableStatus: "DELETING" } }),
  ];
}

/** The list for a namespace. An older client speaks another protocol: with it the same is put. */
export function cloudwatchCalls(Namespace: string): readonly ListedCall[] {
  const metric = {
    MetricName: "Records",
    Dimensions: [{ Name: "ShardId", Value: "s0" }],
    Unit: "Count",
    StatisticValues: { SampleCount: 2, Sum: 4.5, Minimum: 1, Maximum: 3.5 },
  };
  const call = (service: string, input: object, expected: ListedCall["expected"] = {}): ListedCall => ({
    service,
    operation: "PutMetricData",
    input: { Namespace, ...input },
    expected,
    ...(service === "cloudwatch" ? {} : { only: "AWS SDK for JavaScript" }),
  });
  return [
    ...["cloudwatch", "cloudwatch-query"].flatMap((service) => [
      call(service, { MetricData: [metric] }),
      call(service, { MetricData: [{ ...metric, Value: 1 }] }, new Refusal("InvalidParameterCombination")),
    ]),
    { service: "cloudwatch", operation: "ListMetrics", input: { Namespace }, expected: {} },
  ];
}
