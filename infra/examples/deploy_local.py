"""Deploys an example's template.yaml with its Python code to the local cloud, and prints its outputs."""

import argparse
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "local"))

import deploy as local
from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="the local cloud, as in http://127.0.0.1:4566")
    parser.add_argument("--example", required=True, type=Path, help="its folder")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--timeout", default=60.0, type=float, metavar="SECONDS", help="for the stack")
    return parser.parse_args()


def zipped(folder: Path) -> bytes:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        for source in sorted(folder.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(source.name, date_time=(1980, 1, 1, 0, 0, 0)), source.read_bytes())
    return package.getvalue()


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    cloud = local.Cloud(arguments.endpoint)
    example: Path = arguments.example
    template = yaml_parse((example / "template.yaml").read_text(encoding="utf-8"))
    content = zipped(example)
    key = f"{example.name}-{hashlib.sha256(content).hexdigest()[:32]}.zip"
    cloud.s3.put_object(Bucket=local.BUCKET, Key=key, Body=content)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": local.BUCKET, "Key": key}
    parameters = dict(pair.split("=", 1) for pair in arguments.parameter)
    local.deploy(cloud, example.name, template, parameters, arguments.timeout)
    stack = cloud.stacks.describe_stacks(StackName=example.name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def main() -> None:
    arguments = parse_arguments()
    try:
        outputs = run(arguments)
    except (OSError, BotoCoreError, ClientError) as error:
        local.fail(f"the local cloud at {arguments.endpoint}: {error}")
    print(json.dumps(outputs, indent=2))


if __name__ == "__main__":
    main()
