"""Deploys the project's own template.yaml to the local cloud, and prints where everything is.

Does what `sam package` and `sam deploy` do on AWS, in about a second and without their tools: it
zips the built binaries, puts their places into the template, creates or updates the stack and waits
for it. Then it makes the API's routes, which the local cloud doesn't read from the template itself.

Progress goes to standard error; standard output is one JSON document.
"""

import argparse
import hashlib
import io
import json
import os
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

Json = dict[str, Any]

# Whatever account, profile or endpoint the developer's shell names: nothing here may reach it.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

REGION = "ap-northeast-2"
BUCKET = "artifacts"
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    sys.exit(f"error: {text}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="the local cloud, as in http://127.0.0.1:4566")
    parser.add_argument("--template", required=True, type=Path)
    parser.add_argument("--binaries", required=True, type=Path, help="a folder, one binary per function")
    parser.add_argument("--stack", default="kakao-webhooks")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--timeout", default=60.0, type=float, metavar="SECONDS", help="for the stack")
    arguments = parser.parse_args()
    if urlsplit(arguments.endpoint).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("--endpoint: only a local cloud on loopback")
    if wrong := [pair for pair in arguments.parameter if "=" not in pair]:
        parser.error(f"--parameter: {wrong[0]!r} is not NAME=VALUE")
    return arguments


class Cloud:
    """The local cloud's services."""

    def __init__(self, endpoint: str) -> None:
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
        config = Config(
            proxies={},
            retries={"total_max_attempts": 2},
            read_timeout=30,
            request_checksum_calculation="when_required",
            s3={"addressing_style": "path"},
        )

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=endpoint, config=config)

        self.endpoint = endpoint.rstrip("/")
        self.s3 = client("s3")
        self.stacks = client("cloudformation")
        self.functions = client("lambda")
        self.api = client("apigatewayv2")
        self.table = client("dynamodb")


def functions_of(template: Json) -> dict[str, str]:
    """The binary of each function, by the function's logical id."""
    return {
        name: resource["Metadata"]["BuildProperties"]["Binary"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def zipped(binary: Path) -> bytes:
    """A Lambda package: the same bytes for the same binary, whenever it was built."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix, whose modes the next line means
    entry.external_attr = 0o100755 << 16
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, binary.read_bytes())
    return package.getvalue()


def package(cloud: Cloud, template: Json, binaries: Path) -> None:
    """Uploads the binaries and puts their places where the template has its CodeUri."""
    wanted = functions_of(template)
    if missing := sorted(name for name in wanted.values() if not (binaries / name).is_file()):
        fail(f"{binaries}: no binary for {', '.join(missing)}. Build the functions first")
    try:
        cloud.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    except cloud.s3.exceptions.BucketAlreadyOwnedByYou:
        pass
    for logical_id, name in wanted.items():
        content = zipped(binaries / name)
        key = f"{name}-{hashlib.sha256(content).hexdigest()[:32]}.zip"
        cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        template["Resources"][logical_id]["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": key}
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    say(f"uploaded the binaries of {len(wanted)} functions")


def resolve_splits(template: Json, parameters: dict[str, str]) -> None:
    """The local cloud's conditions do not know Fn::Split."""

    def value(name: str) -> str:
        return str(parameters.get(name, template["Parameters"][name].get("Default", "")))

    def resolved(expression: Any) -> Any:
        match expression:
            case {"Fn::Split": [delimiter, {"Ref": name}]}:
                return value(name).split(delimiter)
            case dict():
                return {key: resolved(inner) for key, inner in expression.items()}
            case list():
                return [resolved(inner) for inner in expression]
        return expression

    template["Conditions"] = resolved(template.get("Conditions", {}))


def resolve_numbers(template: Json, parameters: dict[str, str]) -> None:
    """A number from a parameter reaches the local cloud as text, and then its poller receives no message."""
    for resource in template["Resources"].values():
        scaling = resource.get("Properties", {}).get("ScalingConfig") or {}
        name = scaling.get("MaximumConcurrency")
        if isinstance(name, dict):
            default = template["Parameters"][name["Ref"]]["Default"]
            scaling["MaximumConcurrency"] = int(parameters.get(name["Ref"], default))


def status_of(cloud: Cloud, stack: str) -> str | None:
    try:
        return str(cloud.stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def settled(cloud: Cloud, stack: str, deadline: float) -> str:
    while (status := status_of(cloud, stack) or "DELETE_COMPLETE").endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            fail(f"stack {stack} is still {status}")
        time.sleep(0.1)
    return status


def deploy(cloud: Cloud, stack: str, template: Json, parameters: dict[str, str], timeout: float) -> None:
    """Creates the stack, or brings it up to date, and waits until it is complete."""
    deadline = time.monotonic() + timeout
    # A request may contain 51,200 bytes of template; a file in a bucket may be longer.
    key = f"{stack}.template.json"
    cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(template).encode())
    settings = {
        "StackName": stack,
        "TemplateURL": f"{cloud.endpoint}/{BUCKET}/{key}",
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    status = settled(cloud, stack, deadline)
    if status == "ROLLBACK_COMPLETE":  # its creation failed, and there is no way on from there
        cloud.stacks.delete_stack(StackName=stack)
        status = settled(cloud, stack, deadline)
    try:
        start = cloud.stacks.create_stack if status == "DELETE_COMPLETE" else cloud.stacks.update_stack
        stack_id = start(**settings)["StackId"]
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        say(f"stack {stack} is up to date")
        return
    status = settled(cloud, stack_id, deadline)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        fail(f"stack {stack} is {status}: {reasons(cloud, stack_id)}")
    say(f"stack {stack} is {status}")


def reasons(cloud: Cloud, stack: str) -> str:
    events = cloud.stacks.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    return "; ".join(dict.fromkeys(failed)) or "it gives no reason"


def physical_ids(cloud: Cloud, stack: str) -> dict[str, str]:
    resources = cloud.stacks.describe_stack_resources(StackName=stack)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


def routes_of(processed: Json, api: str) -> dict[str, str]:
    """The logical id of the function behind each route, from the OpenAPI text that SAM has written."""
    routes = {}
    for path, methods in processed["Resources"][api]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            uri = json.dumps(operation[INTEGRATION]["uri"])
            function = re.search(r"\$\{(\w+)\.Arn\}", uri)
            if not function:
                fail(f"{path}: no function in the integration {uri}")
            verb = "ANY" if method == ANY_METHOD else method.upper()
            routes[f"{verb} {path}"] = function[1]
            # On AWS a greedy route catches the bare trailing slash; here it wants at least a letter.
            if path.endswith("/{proxy+}"):
                routes[f"{verb} {path.removesuffix('{proxy+}')}"] = function[1]
    return routes


def make_routes(cloud: Cloud, api_id: str, routes: dict[str, str], arns: dict[str, str]) -> None:
    """Replaces the API's routes: after an update they may be other ones."""
    for route in cloud.api.get_routes(ApiId=api_id)["Items"]:
        cloud.api.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in cloud.api.get_integrations(ApiId=api_id)["Items"]:
        cloud.api.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    targets = {
        function: cloud.api.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationMethod="POST",
            IntegrationUri=arns[function],
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for function in dict.fromkeys(routes.values())
    }
    for key, function in routes.items():
        cloud.api.create_route(ApiId=api_id, RouteKey=key, Target=f"integrations/{targets[function]}")
    say(f"made {len(routes)} routes")


def run(arguments: argparse.Namespace) -> Json:
    cloud = Cloud(arguments.endpoint)
    template = yaml_parse(arguments.template.read_text(encoding="utf-8"))
    binaries = functions_of(template)
    resources = template["Resources"].items()
    api = next(name for name, resource in resources if resource["Type"] == "AWS::Serverless::HttpApi")
    parameters = dict(pair.split("=", 1) for pair in arguments.parameter)
    # AWS refuses such a parameter; the local cloud would pass over it.
    if unknown := sorted(parameters.keys() - template["Parameters"].keys()):
        fail(f"{arguments.template} has no parameter {', '.join(unknown)}")

    if "LocalCloud" in template.get("Parameters", {}):
        parameters["LocalCloud"] = "true"
    package(cloud, template, arguments.binaries)
    resolve_numbers(template, parameters)
    resolve_splits(template, parameters)
    deploy(cloud, arguments.stack, template, parameters, arguments.timeout)

    ids = physical_ids(cloud, arguments.stack)
    # The SDK returns a JSON template as an object.
    processed = cloud.stacks.get_template(StackName=arguments.stack, TemplateStage="Processed")
    # Some functions exist only by a parameter.
    functions = {
        name: cloud.functions.get_function_configuration(FunctionName=ids[name])
        for name in binaries
        if name in ids
    }
    arns = {name: function["FunctionArn"] for name, function in functions.items()}
    make_routes(cloud, ids[api], routes_of(processed["TemplateBody"], api), arns)

    stack = cloud.stacks.describe_stacks(StackName=arguments.stack)["Stacks"][0]
    endpoint = arguments.endpoint.rstrip("/")
    return {
        "region": REGION,
        "api_id": ids[api],
        "host": f"{ids[api]}.execute-api.localhost:{urlsplit(endpoint).port}",
        "base_url": f"{endpoint}/_aws/execute-api/{ids[api]}",
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        "functions": {
            binaries[name]: {"name": item["FunctionName"], "log_group": item["LoggingConfig"]["LogGroup"]}
            for name, item in functions.items()
        },
    }


def main() -> None:
    arguments = parse_arguments()
    try:
        result = run(arguments)
    except OSError as error:
        fail(str(error))
    except (BotoCoreError, ClientError) as error:
        fail(f"the local cloud at {arguments.endpoint}: {error}")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
