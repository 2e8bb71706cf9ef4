"""What the pages about deployment say of the template: every parameter, and nothing that isn't there.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import re
import unittest
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("deploy.md", "deploy.ko.md")}
ROW = re.compile(r"^\| `(\w+)` \| (`[^`]+`|–|required|필수) \| (.+) \|$", re.M)
ALARMS = {name.removesuffix("Alarm") for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
# What looks like a parameter or an output and is a word of AWS's.
OTHERS = {"Retain", "Table", "Issued", "CachingDisabled", "AllViewerExceptHostHeader", "EventQueue", "Domain", "Authorization"}
OTHERS |= {"DescribeStacks", "DescribeChangeSet", "SetStackPolicy", "UpdateTerminationProtection"}


class Parameters(unittest.TestCase):
    def test_every_parameter_is_in_the_table_with_its_default_and_no_other(self) -> None:
        expected = {}
        for name, parameter in TEMPLATE["Parameters"].items():
            default = str(parameter.get("Default", "required"))
            expected[name] = default if default == "required" else f"`{default}`" if default else "–"
        for page, text in PAGES.items():
            rows = {name: default.replace("필수", "required") for name, default, _ in ROW.findall(text)}
            self.assertEqual(rows, expected, page)

    def test_the_table_has_the_template_s_order(self) -> None:
        for page, text in PAGES.items():
            self.assertEqual([name for name, _, _ in ROW.findall(text)], list(TEMPLATE["Parameters"]), page)


class Words(unittest.TestCase):
    def test_whatever_is_named_like_a_parameter_or_an_output_is_one(self) -> None:
        known = {*TEMPLATE["Parameters"], *TEMPLATE["Outputs"], *ALARMS, *OTHERS}
        for page, text in PAGES.items():
            named = set(re.findall(r"`((?:[A-Z][a-z0-9]+)+)`", text)) | set(re.findall(r"\b([A-Z]\w+)='?\w*'?`", text))
            self.assertLessEqual(named, known | set(TEMPLATE["Parameters"]["Deployment"]["AllowedValues"]), page)

    def test_every_url_for_kakao_is_told(self) -> None:
        urls = {name for name in TEMPLATE["Outputs"] if name.endswith("Url") and "Queue" not in name} - {"BaseUrl"}
        for page, text in PAGES.items():
            self.assertEqual(set(re.findall(r"^\| `(\w+Url)` \|", text, re.M)) - {"KakaoJwksUrl"}, urls, page)

    def test_both_languages_show_the_same_commands_and_point_to_the_same_pages(self) -> None:
        english, korean = PAGES.values()
        commands = [re.findall(r"^```\w+\n(.*?)^```", page, re.M | re.S) for page in (english, korean)]
        without_comments = [[re.sub(r" *#.*", "", block) for block in blocks] for blocks in commands]
        self.assertEqual(*[[re.sub(r"<[^>]+>", "<>", block) for block in blocks] for blocks in without_comments])

    def test_every_page_that_is_pointed_to_is_there(self) -> None:
        for page, text in PAGES.items():
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                self.assertTrue((ROOT / "docs" / target).exists(), f"{page}: {target}")

    def test_every_section_that_is_pointed_to_is_there(self) -> None:
        for page, text in PAGES.items():
            headings = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)]
            for anchor in re.findall(r"\]\(#([^)]+)\)", text):
                self.assertIn(anchor, headings, page)


if __name__ == "__main__":
    unittest.main()
