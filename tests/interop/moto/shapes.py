"""Makes the calls of a reader of a table's stream on a service, and prints what each answered.

With an address it asks the emulator there; without, moto in this process.
"""

import json
import sys

import boto3
from botocore.config import Config

# The one address that moto knows.
STREAMS = {"endpoint_url": "https://streams.dynamodb.us-east-1.amazonaws.com"}
KEYS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}


def calls(endpoint):
    more = {} if endpoint is None else {"endpoint_url": endpoint}
    config = Config(retries={"max_attempts": 1})
    tables = boto3.client("dynamodb", config=config, **KEYS, **more)
    streams = boto3.client("dynamodbstreams", config=config, **KEYS, **(more or STREAMS))
    tables.create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    tables.get_waiter("table_exists").wait(TableName="orders", WaiterConfig={"Delay": 1})
    arn = tables.describe_table(TableName="orders")["Table"]["LatestStreamArn"]
    for n in ("1", "2"):
        tables.put_item(TableName="orders", Item={"id": {"S": "a"}, "n": {"N": n}, "b": {"B": b"xyz"}})
    tables.delete_item(TableName="orders", Key={"id": {"S": "a"}})
    yield "ListStreams", streams.list_streams(TableName="orders")
    described = streams.describe_stream(StreamArn=arn)
    yield "DescribeStream", described
    shard = described["StreamDescription"]["Shards"][0]["ShardId"]
    given = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    yield "GetShardIterator", given
    yield "GetRecords", streams.get_records(ShardIterator=given["ShardIterator"])


def main():
    if len(sys.argv) > 1:
        answers = dict(calls(sys.argv[1]))
    else:
        from moto import mock_aws

        with mock_aws():
            answers = dict(calls(None))
    for answer in answers.values():
        answer.pop("ResponseMetadata")
    print(json.dumps(answers, default=lambda value: type(value).__name__))


main()
