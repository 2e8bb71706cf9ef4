"""docs/settings.md and its Korean twin list every parameter of the template: its default, variable and limits.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import re
import unittest
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("settings.md", "settings.ko.md")}
ROW = re.compile(r"^\| `(\w+)` \| (`[^`]+`|–|required|필수) \| (`[A-Z_]+`|–) \| (.+) \|$", re.M)
# A variable that holds a parameter's value only in part: through a condition.
DERIVED = {"WATCH_SILENCE": "SilenceDays"}


def default_of(parameter: dict[str, Any]) -> str:
    default = str(parameter.get("Default", "required"))
    return default if default == "required" else f"`{default}`" if default else "–"


def limits_of(parameter: dict[str, Any]) -> list[str]:
    """The limits that a reader has to know. A pattern is described in words, which no test can read."""
    limits = [parameter[name] for name in ("MinValue", "MaxValue", "MaxLength") if name in parameter]
    return [str(limit) for limit in [*limits, *parameter.get("AllowedValues", [])] if limit != ""]


def parameter_in(value: Any) -> str | None:
    """The parameter that a variable's value refers to, also behind a condition."""
    if isinstance(value, dict) and value.get("Ref") in PARAMETERS:
        return str(value["Ref"])
    branches = value.get("Fn::If", []) if isinstance(value, dict) else []
    return next((found for branch in branches if (found := parameter_in(branch))), None)


def variables() -> dict[str, str]:
    """The variable of each parameter that a function reads."""
    owners = [TEMPLATE["Globals"]["Function"]]
    owners += [each["Properties"] for each in TEMPLATE["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
    found = {parameter: variable for variable, parameter in DERIVED.items()}
    for owner in owners:
        for variable, value in owner.get("Environment", {}).get("Variables", {}).items():
            if parameter := parameter_in(value):
                found[parameter] = variable
    return found


class Settings(unittest.TestCase):
    def test_every_parameter_has_one_row_with_its_default_and_there_is_no_other(self) -> None:
        expected = sorted((name, default_of(parameter)) for name, parameter in PARAMETERS.items())
        for page, text in PAGES.items():
            rows = sorted((name, default.replace("필수", "required")) for name, default, _, _ in ROW.findall(text))
            self.assertEqual(rows, expected, page)

    def test_every_row_names_the_variable_that_the_functions_read(self) -> None:
        expected = {name: f"`{variables()[name]}`" if name in variables() else "–" for name in PARAMETERS}
        for page, text in PAGES.items():
            self.assertEqual({name: variable for name, _, variable, _ in ROW.findall(text)}, expected, page)

    def test_every_row_states_the_limits(self) -> None:
        for page, text in PAGES.items():
            for name, default, _, meaning in ROW.findall(text):
                # A length of four digits is written with a comma.
                words = set(re.findall(r"\w+", f"{default} {re.sub(r'(?<=[0-9]),(?=[0-9]{3})', '', meaning)}", re.ASCII))
                self.assertLessEqual(set(limits_of(PARAMETERS[name])), words, f"{page}: {name}")

    def test_the_pages_name_the_variables_that_the_template_sets_by_itself(self) -> None:
        owners = [TEMPLATE["Globals"]["Function"]]
        owners += [each["Properties"] for each in TEMPLATE["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
        every = {variable for owner in owners for variable in owner.get("Environment", {}).get("Variables", {})}
        expected = every - set(variables().values())
        for page, text in PAGES.items():
            (listed,) = re.findall(r"^(?:The template sets|템플릿은 자신의)[^:]+: ((?:`[A-Z_]+`(?:,|과| and)?\s*)+)", text, re.M)
            self.assertEqual(set(re.findall(r"`([A-Z_]+)`", listed)), expected, page)

    def test_the_pages_name_the_target_of_every_function_s_log_lines(self) -> None:
        crates = {folder.parent.name.replace("-", "_") for folder in (ROOT / "functions").glob("*/Cargo.toml")} - {"runtime"}
        for page, text in PAGES.items():
            (paragraph,) = [one for one in text.split("\n\n") if "`warn,runtime=info`" in one]
            self.assertLessEqual(crates, set(re.findall(r"`([a-z_]+)`", paragraph)), page)


if __name__ == "__main__":
    unittest.main()
