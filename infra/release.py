#!/usr/bin/env python3
"""Names a release: prints samconfig.toml's parameters of an environment, those of the command line, and a Release.

    infra/release.py prod Deployment=Canary10Percent5Minutes > .aws-sam/release.yaml
    sam deploy --config-env prod --parameter-overrides file://.aws-sam/release.yaml

Release is a digest of the parameters, the template and the code as they were built: another one is another version of
each function, the same one is none. What is given stands as it is, JSON and spaces included.
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

# As SAM reads "Name=value Other='a value'" and "ParameterKey=Name,ParameterValue=value".
VALUE = r"""("(?:\\.|[^"\\]+)*"|'(?:\\.|[^'\\]+)*'|(?:\\.|[^ "\\]+)+)"""
FORMS = [rf"""ParameterKey=([A-Za-z0-9"']+),ParameterValue={VALUE}""", rf"""(?: )([A-Za-z0-9"']+)={VALUE}"""]


class Unusable(Exception):
    """What is wrong, and how to fix it."""


def unquoted(text: str) -> str:
    """The value as SAM reads it from its configuration."""
    if text and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return text.replace("\\ ", " ").replace('\\"', '"').replace("\\'", "'")


def quoted(text: str) -> str:
    """A text that SAM reads as exactly this value."""
    escaped = re.sub(r"""\\(?=[ "'])""", r"\\\\", text)
    return f'"{escaped}"' if unquoted(escaped) != text else escaped


def overrides(value: Any) -> dict[str, str]:
    """The parameters that samconfig.toml has, in any form that SAM accepts, except a file."""
    if isinstance(value, dict):
        values = {name: ",".join(map(str, one)) if isinstance(one, list) else str(one) for name, one in value.items()}
        return {name: unquoted(one) for name, one in values.items()}
    if isinstance(value, list):
        return {name: one for part in value for name, one in overrides(part).items()}
    if value.startswith("file://"):
        raise Unusable("parameter_overrides names a file. Put what is in it into samconfig.toml, as a table")
    found = next((pairs for form in FORMS if (pairs := re.findall(form, f" {value.strip()}"))), [])
    return {unquoted(name): unquoted(one) for name, one in found}


def configured(config: dict[str, Any], environment: str) -> dict[str, str]:
    """The environment's parameters, those of the command before those of all commands, as SAM has it."""
    known = [name for name in config if isinstance(config[name], dict)]
    if environment not in known:
        raise Unusable(f"samconfig.toml has no environment {environment}, but: {', '.join(known)}")
    for command in ("deploy", "global"):
        section = config[environment].get(command, {}).get("parameters", {})
        if "parameter_overrides" in section:
            return overrides(section["parameter_overrides"])
    return {}


def given(arguments: list[str]) -> dict[str, str]:
    for argument in arguments:
        if "=" not in argument:
            raise Unusable(f"{argument} is no NAME=VALUE")
    return dict(argument.split("=", 1) for argument in arguments)


def declared(template: str) -> set[str]:
    """The template's parameters. SAM ignores unknown ones without a warning."""
    (section,) = re.findall(r"^Parameters:\n((?:  .*\n|\n)+)", template, re.M)
    return set(re.findall(r"^  (\w+):", section, re.M))


def release(parameters: dict[str, str], build: Path) -> str:
    """Twelve hexadecimal digits of what is deployed."""
    template = build / "template.yaml"
    built = sorted(build.glob("*/bootstrap"))
    if not built or not template.is_file():
        raise Unusable(f"nothing is built in {build.parent.name}/{build.name}. Run sam build first")
    whole = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    for file in [template, *built]:
        whole.update(file.parent.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:12]


def deployed(root: Path, environment: str, arguments: list[str]) -> dict[str, str]:
    """All parameters of this deployment, Release among them."""
    config = tomllib.loads((root / "samconfig.toml").read_text(encoding="utf-8"))
    parameters = {**configured(config, environment), **given(arguments)}
    if unknown := parameters.keys() - declared((root / "template.yaml").read_text(encoding="utf-8")):
        raise Unusable(f"the template has no parameter {', '.join(sorted(unknown))}. docs/settings.md lists them")
    if "KakaoApps" not in parameters:
        raise Unusable("KakaoApps is missing. Put it into samconfig.toml, or say KakaoApps='[…]' behind the environment")
    if parameters.pop("Release", None):
        raise Unusable("Release is given, which is for this program to say. Leave it out")
    return {**parameters, "Release": release(parameters, root / ".aws-sam/build")}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], epilog="The output is YAML that sam deploy takes as a file."
    )
    parser.add_argument("environment", help="of samconfig.toml, such as prod")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="stands before samconfig.toml's")
    arguments = parser.parse_args()
    try:
        parameters = deployed(ROOT, arguments.environment, arguments.parameters)
    except (Unusable, OSError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"error: {error}")
    # SAM takes quotes off what is in a file, and again off what it read. JSON is YAML, but for its way of writing
    # characters beyond 16 bits.
    values = {name: quoted(quoted(value)) for name, value in parameters.items()}
    json.dump(values, sys.stdout, indent=2, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
