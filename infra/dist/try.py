#!/usr/bin/env python3
"""Deploys a release archive with the SAM CLI and nothing else of this project's tools, to the local cloud, and sends an
unlink: it must reach a sample service, signed.

    .local/venv/bin/python infra/dist/try.py dist/kakao-webhooks-<version>-x86_64.tar.gz --sam .local/lint/bin/sam
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import queue
import secrets
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "infra/local"))

import deploy as local
from samtranslator.yaml_helper import yaml_parse

APP_ID = "123456"
USER = "1234567890"
WITHIN = 60.0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--sam", required=True, type=Path, help="the SAM CLI")
    return parser.parse_args()


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (made,) = folder.iterdir()
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=made, check=True)
    return made


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def local_cloud(folder: Path) -> Iterator[str]:
    """ministack, as `khook dev` starts it; ends with the block."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    variables = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0", "AWS_ENDPOINT_URL": endpoint,
    }  # fmt: skip
    keeper = [sys.executable, ROOT / "cli/src/local/keeper.py"]
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            keeper, env=variables, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        until(lambda: answers(f"{endpoint}/_ministack/ready"), "the local cloud isn't ready")
        yield endpoint
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def until(is_so: Any, otherwise: str) -> None:
    deadline = time.monotonic() + WITHIN
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"error: {otherwise} after {WITHIN:.0f} s")
        time.sleep(0.1)


@contextmanager
def sample_service(secret: bytes) -> Iterator[tuple[str, "queue.Queue[Any]"]]:
    """A service that takes changes with a right signature (Standard Webhooks), and nothing else."""
    changes: queue.Queue[Any] = queue.Queue()

    class Service(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
            wanted = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
            is_genuine = wanted in self.headers["webhook-signature"].split(" ")
            if is_genuine:
                changes.put(json.loads(body))
            self.send_response(204 if is_genuine else 401)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/kakao", changes
        server.shutdown()


def parameters_of(cloud: local.Cloud, admin_key: str, secret: bytes, service: str) -> dict[str, str]:
    session = local.boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=local.REGION)
    text = "whsec_" + base64.b64encode(secret).decode()
    stored = session.client("secretsmanager", endpoint_url=cloud.endpoint).create_secret(Name="delivery", SecretString=text)
    digest = hashlib.sha256(admin_key.encode()).hexdigest()
    apps = [{"app_id": APP_ID, "rest_api_keys": ["a" * 32], "admin_key_sha256": [digest]}]
    # The local cloud has no composite alarms, saved queries and CodeDeploy.
    return {
        "KakaoApps": json.dumps(apps, separators=(",", ":")), "DeliveryUrl": service, "DeliverySecret": stored["ARN"],
        "LocalCloud": "true", "DeletionProtection": "false",
    }  # fmt: skip


def sam_deploy(sam: Path, release: Path, endpoint: str, parameters: dict[str, str]) -> None:
    template = yaml_parse((release / "template.yaml").read_text(encoding="utf-8"))
    # Where the local cloud isn't AWS: infra/local/README.md.
    local.resolve_numbers(template, parameters)
    local.resolve_splits(template, parameters)
    (release / "template.json").write_text(json.dumps(template), encoding="utf-8")
    (release / "home").mkdir()
    variables = {
        "PATH": os.environ["PATH"], "HOME": str(release / "home"), "SAM_CLI_TELEMETRY": "0", "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    overrides = [f"{name}={json.dumps(value)}" for name, value in parameters.items()]
    subprocess.run(
        [sam, "deploy", "--template-file", "template.json", "--stack-name", "kakao-webhooks", "--region", local.REGION,
         "--capabilities", "CAPABILITY_IAM", "--s3-bucket", local.BUCKET, "--no-confirm-changeset",
         "--parameter-overrides", *overrides],
        cwd=release, env=variables, check=True,
    )  # fmt: skip


def make_routes(cloud: local.Cloud) -> str:
    """The local cloud doesn't read the API's routes. Returns its address."""
    ids = local.physical_ids(cloud, "kakao-webhooks")
    processed = cloud.stacks.get_template(StackName="kakao-webhooks", TemplateStage="Processed")["TemplateBody"]
    api = next(name for name, resource in processed["Resources"].items() if resource["Type"] == "AWS::ApiGatewayV2::Api")
    routes = local.routes_of(processed, api)
    arns = {
        function: cloud.functions.get_function_configuration(FunctionName=ids[function])["FunctionArn"]
        for function in dict.fromkeys(routes.values())
    }
    local.make_routes(cloud, ids[api], routes, arns)
    return f"{cloud.endpoint}/_aws/execute-api/{ids[api]}"


def main() -> None:
    arguments = parse_arguments()
    admin_key, secret = secrets.token_hex(16), secrets.token_bytes(32)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "cloud").mkdir()
        (Path(scratch) / "release").mkdir()
        release = unpacked(arguments.archive, Path(scratch) / "release")
        with local_cloud(Path(scratch) / "cloud") as endpoint, sample_service(secret) as (service, changes):
            cloud = local.Cloud(endpoint)
            cloud.s3.create_bucket(Bucket=local.BUCKET, CreateBucketConfiguration={"LocationConstraint": local.REGION})
            parameters = parameters_of(cloud, admin_key, secret, service)
            sam_deploy(arguments.sam.absolute(), release, endpoint, parameters)
            url = make_routes(cloud)
            (release / "admin-key.txt").write_text(admin_key, encoding="utf-8")
            send = ["send", "unlink", "--user", USER, "--app-id", APP_ID, "--url", url, "--admin-key-file", "admin-key.txt"]
            # In a folder that isn't a clone.
            subprocess.run([release / "bin/linux-x86_64/khook", *send], cwd=release, check=True)
            try:
                change = changes.get(timeout=WITHIN)
            except queue.Empty:
                sys.exit(f"error: no change reached the service within {WITHIN:.0f} s")
    text = json.dumps(change)
    if USER not in text or "unlinked" not in text:
        sys.exit(f"error: the service got another change: {text}")
    print("the archive was deployed, and the unlink reached the service, signed")


if __name__ == "__main__":
    main()
