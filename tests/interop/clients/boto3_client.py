"""Makes the calls that come as lines of JSON with boto3, and answers each with a line. See client_process.ts."""

import base64
import datetime
import json
import sys

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
MAX_EVENTS = 1
clients = {}


def client_of(service):
    if service not in clients:
        clients[service] = boto3.client(
            service,
            endpoint_url=ENDPOINT,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
        )
    return clients[service]


def given(value):
    if isinstance(value, list):
        return [given(member) for member in value]
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$date" in value:
            return datetime.datetime.fromtimestamp(value["$date"] / 1000, datetime.timezone.utc)
        return {name: given(member) for name, member in value.items()}
    return value


def shown(value):
    if isinstance(value, list):
        return [shown(member) for member in value]
    if isinstance(value, dict):
        return {name: shown(member) for name, member in value.items() if name != "ResponseMetadata"}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"$date": round(value.timestamp() * 1000)}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    # An event stream: its first events that tell something.
    events = []
    for event in value:
        if event.get("SubscribeToShardEvent", {}).get("Records"):
            events.append(event)
        if len(events) == MAX_EVENTS:
            break
    value.close()
    return shown(events)


for line in sys.stdin:
    call = json.loads(line)
    try:
        method = getattr(client_of(call["service"]), xform_name(call["operation"]))
        answer = {"output": shown(method(**given(call["input"])))}
    except ClientError as error:
        response = error.response
        answer = {
            "code": response["Error"]["Code"],
            "message": response["Error"]["Message"],
            "members": shown({name: value for name, value in response.items() if name != "Error"}),
        }
    except Exception as error:  # whatever it is, the next call is made all the same
        answer = {"code": type(error).__name__, "message": str(error), "members": {}}
    print(json.dumps(answer), flush=True)
