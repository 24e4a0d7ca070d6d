"""A Lambda handler, as it is deployed to Lambda. Nothing in it knows of kclite."""

import base64

counts = {}


def lambda_handler(event, context):
    for record in event["Records"]:
        word = base64.b64decode(record["kinesis"]["data"]).decode()
        counts[word] = counts.get(word, 0) + 1
        print(f"{word} {counts[word]}", flush=True)
    return {"batchItemFailures": []}
