#!/usr/bin/env python3
"""Writes the templates by which another DynamoDB table becomes a stack's Table: docs/runbook.md, "Back from a backup".

    infra/table_import.py TABLE_ARN STREAM_ARN FOLDER < processed-template.json

The input is the stack's own template, as aws cloudformation get-template --template-stage Processed prints it. Written are
detached.json, the stack without a Table, which uses the given one by name; importing.json, the same and the Table, for the
import; and alone.json, nothing but the Table, for the import into a stack that isn't there yet.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

TABLE = "Table"


def literal(node: Any, values: dict[str, str]) -> Any:
    """The node with the table's name and ARNs in the place of every reference to the resource."""
    if isinstance(node, list):
        return [literal(one, values) for one in node]
    if not isinstance(node, dict):
        return node
    if node == {"Ref": TABLE}:
        return values[TABLE]
    if isinstance(target := node.get("Fn::GetAtt"), list | str):
        name = ".".join(target) if isinstance(target, list) else target
        return values.get(name, node)
    if isinstance(text := node.get("Fn::Sub"), str):
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return {"Fn::Sub": text}
    return {key: literal(value, values) for key, value in node.items()}


def templates(stack: dict[str, Any], table_arn: str, stream_arn: str) -> dict[str, dict[str, Any]]:
    """The three templates, by the names of their files."""
    values = {TABLE: table_arn.rsplit("/", 1)[1], f"{TABLE}.Arn": table_arn, f"{TABLE}.StreamArn": stream_arn}
    table = stack["Resources"][TABLE]
    others = {name: one for name, one in stack["Resources"].items() if name != TABLE}
    detached = literal({**stack, "Resources": others}, values)
    importing = {**detached, "Resources": {**detached["Resources"], TABLE: table}}
    return {"detached.json": detached, "importing.json": importing, "alone.json": alone(stack)}


def alone(stack: dict[str, Any]) -> dict[str, Any]:
    """The table with those conditions and parameters that it needs: an import wants a value for each that has no default."""
    table = stack["Resources"][TABLE]
    conditions = {name: one for name, one in stack["Conditions"].items() if f"'{name}'" in str(table)}
    parameters = {name: one for name, one in stack["Parameters"].items() if str({"Ref": name}) in str([table, conditions])}
    return {"Parameters": parameters, "Conditions": conditions, "Resources": {TABLE: table}}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table_arn")
    parser.add_argument("stream_arn")
    parser.add_argument("folder", type=Path, help="where the templates are written")
    arguments = parser.parse_args()
    stack = json.load(sys.stdin)
    # get-template without --query TemplateBody.
    stack = stack.get("TemplateBody", stack)
    if TABLE not in stack.get("Resources", {}):
        sys.exit("error: the template has no resource Table. Pass the stack's processed template on standard input")
    for name, template in templates(stack, arguments.table_arn, arguments.stream_arn).items():
        (arguments.folder / name).write_text(json.dumps(template, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
