"""A custom runtime for Lambda, in Python's standard library alone. Nothing in it knows of kclite."""

import http.client
import importlib
import json
import os
import sys

PATH = "/2018-06-01/runtime"


def call(method, path, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, PATH + path, body)
    response = connection.getresponse()
    return response.headers, response.read()


def error_of(error):
    return json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})


def load():
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, name = os.environ["_HANDLER"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


try:
    handler = load()
except Exception as error:
    call("POST", "/init/error", error_of(error))
    raise

while True:
    headers, event = call("GET", "/invocation/next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        answer = handler(json.loads(event), headers)
        call("POST", f"/invocation/{request_id}/response", json.dumps(answer))
    except Exception as error:
        call("POST", f"/invocation/{request_id}/error", error_of(error))
