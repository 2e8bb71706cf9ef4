"""Lambda's runtime loop, as small as it can be. The official one for Python needs a native build where it is not
Lambda's own image; this one is no slower."""

import http.client
import importlib
import json
import os
import sys
import types

# As Lambda does: python runtime.py <module>
handler = importlib.import_module(sys.argv[1]).handler
runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    runtime.request(method, f"/2018-06-01/runtime/invocation/{path}", body)
    response = runtime.getresponse()
    return response.headers, response.read()


while True:
    headers, event = call("GET", "next")
    request_id = headers["lambda-runtime-aws-request-id"]
    try:
        answer = handler(json.loads(event), types.SimpleNamespace(aws_request_id=request_id))
        call("POST", f"{request_id}/response", json.dumps(answer))
    except Exception as error:
        failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
        call("POST", f"{request_id}/error", json.dumps(failure))
