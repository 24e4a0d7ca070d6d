"""A Lambda handler for Kinesis."""

import base64

def handler(event, context):
    left = context.get_remaining_time_in_millis()
    print("context", context.function_name, context.function_version, context.memory_limit_in_mb,
          context.invoked_function_arn, context.log_group_name, 0 < left <= 60000)
    for record in event["Records"]:
        word = base64.b64decode(record["kinesis"]["data"]).decode()
        print("word", word, record["eventID"])
        if word == "poison":
            raise ValueError("no poison")
    return {"batchItemFailures": []}
