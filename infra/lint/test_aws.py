"""What AWS's own rules ask of the template, and the local cloud does not apply.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import unittest
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
ACKNOWLEDGING = ["Unlink", "AccountStatus", "TalkShare", "TalkChannel", "Skill"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def named(value: Any) -> Any:
    """What an intrinsic function names."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return ".".join(value) if isinstance(value, list) else value


class GradualDeployment(unittest.TestCase):
    def test_codedeploy_may_read_and_move_an_alias_by_both_forms_of_its_arn(self) -> None:
        (policy,) = RESOURCES["DeploymentRole"]["Properties"]["Policies"]
        allowed = {one["Action"]: {named(arn) for arn in one["Resource"]} for one in policy["PolicyDocument"]["Statement"] if "lambda:" in one["Action"]}
        qualified = {f"${{{name}Function.Arn}}:live" for name in ACKNOWLEDGING}
        unqualified = {f"{name}Function.Arn" for name in ACKNOWLEDGING}
        for action in ("lambda:GetAlias", "lambda:UpdateAlias"):
            self.assertEqual(allowed[action], qualified | unqualified, action)


if __name__ == "__main__":
    unittest.main()
