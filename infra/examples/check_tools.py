"""What check-tools.sh asks for: the examples for Terraform and the CDK say the same as the project's template.

    check_tools.py package FILE              the template as sam package writes it
    check_tools.py cdk FILE                  whether the CDK's template has all of it, unchanged
    check_tools.py terraform                 whether the files for Terraform fit it (needs python-hcl2)
    check_tools.py names                     the template's parameters and outputs, for the line above
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[1] / "template.yaml"
SECTIONS = ("Transform", "Description", "Globals", "Rules", "Conditions", "Resources", "Outputs")


def package(target: Path) -> None:
    """`sam package --use-json` also writes intrinsic functions in their long form."""
    template = load(TEMPLATE)
    functions = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Serverless::Function"]
    for function in functions:
        function["CodeUri"] = f"s3://artifacts/{hashlib.sha256(function['CodeUri'].encode()).hexdigest()[:32]}"
    target.write_text(json.dumps(template, default=str), encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    from samtranslator.yaml_helper import yaml_parse

    return dict(yaml_parse(path.read_text(encoding="utf-8")))


def cdk(folder: Path) -> None:
    """Compares what was synthesized with what was packaged, but for what the CDK adds."""
    ours = load(folder / "packaged.json")
    theirs = json.loads((folder / "cdk.out/kakao-webhooks.template.json").read_text(encoding="utf-8"))
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    for name, value in settings.items():
        ours["Parameters"][name]["Default"] = value
    theirs["Parameters"].pop("BootstrapVersion")
    theirs["Rules"].pop("CheckBootstrapVersion")
    wrong = [line for name in (*SECTIONS, "Parameters") for line in differences(plain(ours.get(name)), plain(theirs.get(name)), name)]
    if wrong:
        sys.exit("error: the CDK's template differs from the packaged one:\n" + "\n".join(wrong[:20]))
    print(f"the CDK's template has all {len(ours['Resources'])} resources, unchanged")


def plain(value: Any) -> Any:
    """Without the CDK's own metadata, and with one way to write what CloudFormation reads alike."""
    if isinstance(value, dict):
        if set(value) == {"Fn::GetAtt"} and isinstance(value["Fn::GetAtt"], str):
            return {"Fn::GetAtt": value["Fn::GetAtt"].split(".", 1)}
        inner = {name: plain(one) for name, one in value.items() if name != "aws:cdk:path"}
        return {name: one for name, one in inner.items() if (name, one) != ("Metadata", {})}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def differences(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted({*ours, *theirs}):
            yield from differences(ours.get(name), theirs.get(name), f"{place}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif ours != theirs:
        yield f"{place}: {json.dumps(ours)[:80]} became {json.dumps(theirs)[:80]}"


def terraform() -> None:
    import hcl2

    template = json.load(sys.stdin)
    folder = HERE / "terraform"
    texts = {path.name: path.read_text(encoding="utf-8") for path in (*folder.glob("*.tf"), folder / "terraform.tfvars.example")}
    parsed = {name: hcl2.loads(text) for name, text in texts.items()}
    example = parsed.pop("terraform.tfvars.example")
    blocks = [(kind, block) for file in parsed.values() for kind, found in file.items() if isinstance(found, list) for block in found]
    variables = {unquoted(name): body for kind, block in blocks if kind == "variable" for name, body in block.items()}
    resources = {f"{unquoted(kind)}.{unquoted(name)}" for of, block in blocks if of == "resource" for kind, one in block.items() for name in one}
    code = "".join(text for name, text in texts.items() if name.endswith(".tf"))

    used = set(re.findall(r"\bvar\.(\w+)", code))
    expect("every variable is used, and every one that is used is declared", used, set(variables))
    references = set(re.findall(r"(?<!data\.)\b(aws_\w+\.\w+)\.", code))
    expect("every reference leads to a resource", references - resources, set())
    outputs = set(re.findall(r'local\.outputs(?:\["|, ")(\w+)"', code))
    expect("every output is one of the stack's", outputs - set(template["Outputs"]), set())
    expect("the output urls has all that Kakao calls", {name for name in template["Outputs"] if re.fullmatch(r"(?!Base)(?!.*Queue)\w+Url", name)} - outputs, set())
    settings = {unquoted(name) for name in first(example["settings"])}
    expect("every setting of the example is a parameter", settings - set(template["Parameters"]), set())
    required = {name for name, body in variables.items() if "default" not in body}
    expect("the example has each variable without a default", required - {unquoted(name) for name in example}, set())
    expect("of the parameters, Terraform requires what the template requires", {"KakaoApps"}, {n for n, p in template["Parameters"].items() if "Default" not in p})
    print(f"Terraform's files parse, and fit the template ({len(variables)} variables). terraform validate has not run")


def unquoted(name: str) -> str:
    return name.strip('"')


def first(value: Any) -> Any:
    """Some versions of python-hcl2 put each value of a file of variables into a list."""
    return value[0] if isinstance(value, list) else value


def expect(rule: str, found: set[str], wanted: set[str]) -> None:
    if found != wanted:
        sys.exit(f"error: {rule}. Wrong: {', '.join(sorted(found ^ wanted))}")


def main() -> None:
    match sys.argv[1:]:
        case ["package", target]:
            package(Path(target))
        case ["cdk", folder]:
            cdk(Path(folder))
        case ["terraform"]:
            terraform()
        case ["names"]:
            print(json.dumps({name: load(TEMPLATE)[name] for name in ("Parameters", "Outputs")}, default=str))
        case _:
            sys.exit((__doc__ or "").strip())


if __name__ == "__main__":
    main()
