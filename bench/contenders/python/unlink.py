"""A carefully written unlink webhook for Python: the same checks as ours, one client made during init, connections
reused."""

import base64
import hashlib
import hmac
import json
import os
from urllib.parse import parse_qsl

import boto3
from botocore.exceptions import BotoCoreError, ClientError

MAX_BODY = 64 * 1024

sqs = boto3.client("sqs")
queue_url = os.environ["EVENT_QUEUE_URL"]
admin_key_digest = bytes.fromhex(os.environ["ADMIN_KEY_SHA256"])


def handler(event, context):
    request = event["requestContext"]
    method = request["http"]["method"]
    if method not in ("GET", "POST"):
        return refuse(405, "method_not_allowed")
    if not is_from_kakao(event["headers"]):
        return refuse(401, "unauthorized")
    body = event.get("body") or ""
    body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    if len(body) > MAX_BODY:
        return refuse(413, "too_large")
    parameters = dict(parse_qsl(event["rawQueryString"] if method == "GET" else body.decode()))
    if not parameters.get("app_id") or not parameters.get("user_id"):
        return refuse(400, "bad_request")
    envelope = {
        "v": 1,
        "id": request["requestId"],
        "app_id": parameters["app_id"],
        "received_at": request["timeEpoch"],
        "kind": "unlink",
        "event": {"user_id": parameters["user_id"], "referrer_type": parameters.get("referrer_type")},
    }
    try:
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(envelope))
    except (BotoCoreError, ClientError):
        return refuse(503, "unavailable")
    return {"statusCode": 200}


def is_from_kakao(headers):
    value = headers.get("authorization", "")
    key = value.removeprefix("KakaoAK ") if value.startswith("KakaoAK ") else ""
    return hmac.compare_digest(hashlib.sha256(key.encode()).digest(), admin_key_digest)


def refuse(status, code):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps({"error": code})}
