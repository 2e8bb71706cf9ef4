"""The templates by which a restored table becomes the stack's.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import importlib.util
import re
import unittest
from pathlib import Path
from types import ModuleType

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
ARN = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/restored"


def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("table_import", ROOT / "infra/table_import.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITTEN = program().templates(TEMPLATE, ARN, f"{ARN}/stream/now")


class TableImport(unittest.TestCase):
    def test_the_detached_stack_names_the_restored_table_wherever_it_named_its_own(self) -> None:
        text = str(WRITTEN["detached.json"])
        self.assertNotIn("Table", WRITTEN["detached.json"]["Resources"])
        self.assertNotRegex(text, r"'Ref': 'Table'|'Table(\.Arn|\.StreamArn)?'[,\]}]|\$\{Table[.}]|'Fn::GetAtt': \['Table'")
        resources = WRITTEN["detached.json"]["Resources"]
        self.assertEqual(resources["PublisherSource"]["Properties"]["EventSourceArn"], f"{ARN}/stream/now")
        self.assertEqual(WRITTEN["detached.json"]["Outputs"]["TableName"]["Value"], "restored")

    def test_the_import_changes_nothing_but_the_table_that_it_adds(self) -> None:
        detached, importing = WRITTEN["detached.json"], WRITTEN["importing.json"]
        table = importing["Resources"]["Table"]
        self.assertEqual(table, TEMPLATE["Resources"]["Table"])
        self.assertEqual({**importing, "Resources": {k: v for k, v in importing["Resources"].items() if k != "Table"}}, detached)
        # CloudFormation imports no resource without one.
        self.assertEqual(table["DeletionPolicy"], "Retain")

    def test_alone_the_table_refers_to_nothing_that_is_missing(self) -> None:
        alone = WRITTEN["alone.json"]
        self.assertEqual(set(alone["Resources"]), {"Table"})
        refs = set(re.findall(r"'Ref': '(\w+)'", str(alone)))
        self.assertLessEqual(refs, set(alone["Parameters"]) | {"AWS::NoValue"})
        self.assertLessEqual(set(re.findall(r"'Fn::If': \['(\w+)'", str(alone))), set(alone["Conditions"]))
        self.assertFalse([name for name, one in alone["Parameters"].items() if "Default" not in one])

    def test_the_runbook_and_the_page_of_deployment_show_the_commands(self) -> None:
        section = (ROOT / "docs/runbook.md").read_text(encoding="utf-8").split("\n## Back from a backup\n")[1].split("\n## ")[0]
        commands = ["restore-table-to-point-in-time", "update-time-to-live", "update-continuous-backups", "StreamViewType=NEW_AND_OLD_IMAGES"]
        commands += ["infra/table_import.py", "--change-set-type IMPORT", "infra/stack-policy.json"]
        for command in commands:
            self.assertIn(command, section)
        for page in ("docs/deploy.md", "docs/deploy.ko.md"):
            self.assertIn("--change-set-type IMPORT", (ROOT / page).read_text(encoding="utf-8"), page)


if __name__ == "__main__":
    unittest.main()
