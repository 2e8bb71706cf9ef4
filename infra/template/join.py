#!/usr/bin/env python3
"""Joins the parts in this folder to template.yaml: SAM, the linters and the local cloud need a single file.

    infra/template/join.py           writes ../../template.yaml
    infra/template/join.py --check   checks that it matches the parts; exit status 1 if not

A part is YAML of some of the template's sections. One that begins with "# for each: Unlink=unlink Skill=skill" is
repeated for each pair: `Each` becomes Unlink and `each-kind` becomes unlink.
"""

import argparse
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[1] / "template.yaml"
PARTS = [
    "parameters.yaml",
    "api.yaml",
    "acknowledging.yaml",
    "processing.yaml",
    "delivery.yaml",
    "reconcile.yaml",
    "answers.yaml",
    "storage.yaml",
    "deployments.yaml",
    "gradual.yaml",
    "alarms.yaml",
    "concurrency.yaml",
    "errors.yaml",
    "dashboard.yaml",
    "queries.yaml",
    "outputs.yaml",
]
SECTIONS = ["Metadata", "Parameters", "Rules", "Conditions", "Globals", "Resources", "Outputs"]
HEAD = """\
# Joined from infra/template/*.yaml by infra/template/join.py: edit those.
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: >-
  kakao-webhooks: receives Kakao's webhooks and chatbot requests, and keeps one state per user.
"""
FOR_EACH = re.compile(r"# for each: (.+)\n")


def copies(text: str) -> list[str]:
    """The part, once for each pair of its first line."""
    found = FOR_EACH.match(text)
    if not found:
        return [text]
    pairs = [pair.split("=") for pair in found[1].split()]
    return [text[found.end() :].replace("Each", name).replace("each-kind", kind) for name, kind in pairs]


def sections(text: str) -> dict[str, str]:
    """The text of each section, without its name."""
    _, *parts = re.split(r"^(\w+):\n", text, flags=re.M)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def joined() -> str:
    texts = [copy for part in PARTS for copy in copies((HERE / part).read_text(encoding="utf-8"))]
    of_parts = [sections(text) for text in texts]
    if unknown := {name for part in of_parts for name in part} - set(SECTIONS):
        sys.exit(f"error: not a section of a template: {', '.join(sorted(unknown))}")
    whole = [
        f"{name}:\n" + "\n".join(part[name].strip("\n") for part in of_parts if name in part)
        for name in SECTIONS
        if any(name in part for part in of_parts)
    ]
    return "\n\n".join([HEAD.rstrip(), *whole]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only check that template.yaml is up to date")
    text = joined()
    if not parser.parse_args().check:
        TEMPLATE.write_text(text, encoding="utf-8")
    elif text != TEMPLATE.read_text(encoding="utf-8"):
        sys.exit("error: template.yaml differs from infra/template/. Run infra/template/join.py")


if __name__ == "__main__":
    main()
