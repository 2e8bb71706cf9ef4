"""What infra/release.py and the template make of a deployment: another version whenever something is different.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import copy
import json
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from typing import Any, cast
from unittest import mock

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "infra"))

import release

APPS = '[{"app_id":"123456","rest_api_keys":["k"],"admin_key_sha256":["' + "a" * 64 + '"]}]'
CONFIG = f"""
version = 0.1
[prod.global.parameters]
stack_name = "kakao-webhooks"
[prod.global.parameters.parameter_overrides]
KakaoApps = '{APPS}'
LogLevel = "info"
"""


class Built(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "samconfig.toml").write_text(CONFIG, encoding="utf-8")
        (self.root / "template.yaml").write_text((ROOT / "template.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        for name in ("UnlinkFunction", "SkillFunction"):
            self.build(name, b"code of " + name.encode())
        (self.root / ".aws-sam/build/template.yaml").write_text("Resources: {}\n", encoding="utf-8")

    def build(self, function: str, code: bytes) -> None:
        folder = self.root / ".aws-sam/build" / function
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bootstrap").write_bytes(code)

    def deployed(self, *arguments: str) -> dict[str, str]:
        return release.deployed(self.root, "prod", list(arguments))

    def refused(self, *arguments: str) -> str:
        with self.assertRaises(release.Unusable) as refused:
            self.deployed(*arguments)
        return str(refused.exception)


class Naming(Built):
    def test_nothing_changed_is_the_same_release_of_twelve_digits(self) -> None:
        first = self.deployed()["Release"]
        self.assertRegex(first, "^[0-9a-f]{12}$")
        self.assertEqual(self.deployed()["Release"], first)

    def test_a_changed_parameter_is_another_release_wherever_it_is_said(self) -> None:
        before = self.deployed()["Release"]
        said = self.deployed("LogLevel=debug")["Release"]
        (self.root / "samconfig.toml").write_text(CONFIG.replace('"info"', '"debug"'), encoding="utf-8")
        self.assertNotEqual(said, before)
        self.assertEqual(self.deployed()["Release"], said)

    def test_changed_code_is_another_release(self) -> None:
        before = self.deployed()["Release"]
        self.build("SkillFunction", b"other code")
        self.assertNotEqual(self.deployed()["Release"], before)

    def test_code_of_two_functions_exchanged_is_another_release(self) -> None:
        before = self.deployed()["Release"]
        self.build("SkillFunction", b"code of UnlinkFunction")
        self.build("UnlinkFunction", b"code of SkillFunction")
        self.assertNotEqual(self.deployed()["Release"], before)

    def test_a_changed_template_is_another_release(self) -> None:
        before = self.deployed()["Release"]
        (self.root / ".aws-sam/build/template.yaml").write_text("Resources: {A: {}}\n", encoding="utf-8")
        self.assertNotEqual(self.deployed()["Release"], before)

    def test_the_order_does_not_matter(self) -> None:
        one = self.deployed("SkillText=안녕하세요", "SilenceDays=3")
        other = self.deployed("SilenceDays=3", "SkillText=안녕하세요")
        self.assertEqual(one["Release"], other["Release"])

    def test_what_is_given_stands_before_what_is_configured(self) -> None:
        parameters = self.deployed("LogLevel=debug", "Deployment=AllAtOnce")
        self.assertEqual((parameters["LogLevel"], parameters["Deployment"]), ("debug", "AllAtOnce"))
        self.assertEqual(parameters["KakaoApps"], APPS)


class Refusing(Built):
    def test_without_a_build_it_says_how_to_make_one(self) -> None:
        for function in ("UnlinkFunction", "SkillFunction"):
            (self.root / ".aws-sam/build" / function / "bootstrap").unlink()
        self.assertIn("Run sam build", self.refused())

    def test_an_unknown_environment_is_told_the_known_ones(self) -> None:
        with self.assertRaisesRegex(release.Unusable, "no environment staging, but: prod"):
            release.deployed(self.root, "staging", [])

    def test_a_misspelt_parameter_is_refused_for_sam_would_drop_it(self) -> None:
        self.assertIn("Deploymnt", self.refused("Deploymnt=AllAtOnce"))

    def test_what_is_no_pair_is_refused(self) -> None:
        self.assertIn("AllAtOnce is no NAME=VALUE", self.refused("AllAtOnce"))

    def test_a_release_of_ones_own_is_refused(self) -> None:
        self.assertIn("Leave it out", self.refused("Release=1"))

    def test_without_an_app_nothing_is_deployed(self) -> None:
        (self.root / "samconfig.toml").write_text("[prod.deploy.parameters]\n", encoding="utf-8")
        self.assertIn("KakaoApps is missing", self.refused())


class Reading(Built):
    """As SAM does: calls SAM's own code."""

    VALUES = (
        APPS,
        '[{"text": "\\"안녕\\" 하세요", "quick_replies": ["a b", "c\'d"]}]',
        "",
        '"in quotes"',
        "'in quotes'",
        '"',
        "back\\slash \\\\ \\' \\  end\\",
        "😀 1.2.3.0/24, 1.2.4.0/24",
        "true",
        "0x10",
    )

    def sam_reads(self, value: Any) -> dict[str, str]:
        return cast(dict[str, str], CfnParameterOverridesType().convert(value, None, None))

    def test_sam_reads_every_value_of_the_file_as_it_was_given(self) -> None:
        for value in self.VALUES:
            with self.subTest(value), mock.patch("sys.stdout") as out, mock.patch.object(release, "ROOT", self.root):
                with mock.patch("sys.argv", ["release.py", "prod", f"SkillText={value}"]):
                    release.main()
                file = self.root / "release.yaml"
                file.write_text("".join(call.args[0] for call in out.write.call_args_list), encoding="utf-8")
                self.assertEqual(self.sam_reads(f"file://{file}"), self.deployed(f"SkillText={value}"))
                self.assertEqual(self.sam_reads(f"file://{file}")["SkillText"], value)

    def test_every_form_that_samconfig_may_have_is_read_as_sam_reads_it(self) -> None:
        json_in_quotes = APPS.replace('"', '\\"')
        forms: list[Any] = [
            f'KakaoApps="{json_in_quotes}" LogLevel=debug SkillText="a b" SkillAuth=""',
            f"KakaoApps='{APPS}' SkillText=a\\ b",
            ["LogLevel=debug", f"KakaoApps='{APPS}'"],
            "ParameterKey=LogLevel,ParameterValue=debug ParameterKey=SkillText,ParameterValue='a b'",
            {"KakaoApps": APPS, "SilenceDays": 3, "QueueSenderArns": ["a", "b"], "SkillText": '"a b"'},
        ]
        for form in forms:
            with self.subTest(form):
                self.assertEqual(release.overrides(form), self.sam_reads(form))

    def test_a_file_of_parameters_is_refused_with_the_mend(self) -> None:
        with self.assertRaisesRegex(release.Unusable, "Put what is in it into samconfig.toml"):
            release.overrides("file://prod.yaml")


class Configuration(unittest.TestCase):
    TEXT = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    CONFIG = tomllib.loads(TEXT)

    def test_every_parameter_of_samconfig_is_one_of_the_template(self) -> None:
        known = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))["Parameters"]
        for environment in ("dev", "prod"):
            self.assertLessEqual(set(release.configured(self.CONFIG, environment)), set(known))

    def test_build_and_deployment_are_told_the_same_parameters(self) -> None:
        for environment in ("dev", "prod"):
            of_build, of_deploy = (
                SamConfig(str(ROOT)).get_all([command], "parameters", environment)["parameter_overrides"]
                for command in ("build", "deploy")
            )
            self.assertEqual(of_build, of_deploy)
            self.assertEqual(release.configured(self.CONFIG, environment), dict(of_deploy))

    def test_what_is_kept_in_prod_is_protected_and_looked_at_before_it_is_changed(self) -> None:
        self.assertEqual(release.configured(self.CONFIG, "prod")["DeletionProtection"], "true")
        self.assertTrue(self.CONFIG["prod"]["deploy"]["parameters"]["confirm_changeset"])

    def test_the_two_environments_have_stacks_of_their_own(self) -> None:
        stacks = [self.CONFIG[environment]["global"]["parameters"]["stack_name"] for environment in ("dev", "prod")]
        self.assertEqual(stacks, ["kakao-webhooks-dev", "kakao-webhooks"])


def transformed() -> dict[str, Any]:
    """The template as CloudFormation gets it of SAM's transform."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    with mock.patch.dict("os.environ", {"AWS_DEFAULT_REGION": "ap-northeast-2"}):
        return cast(dict[str, Any], transform(template, {}, mock.Mock(load=dict)))


class Versions(unittest.TestCase):
    RESOURCES = cast(dict[str, Any], transformed()["Resources"])
    ACKNOWLEDGING = ("Unlink", "AccountStatus", "TalkShare", "TalkChannel", "Skill")

    def of_type(self, *kinds: str) -> dict[str, Any]:
        return {name: one for name, one in self.RESOURCES.items() if one["Type"] in kinds}

    def test_another_release_is_another_description_of_every_version(self) -> None:
        versions = self.of_type("AWS::Lambda::Version")
        self.assertEqual(set(versions), {f"{name}Version" for name in self.ACKNOWLEDGING})
        for name, version in versions.items():
            self.assertEqual(version["Properties"]["Description"], {"Ref": "Release"}, name)

    def test_another_description_replaces_a_version(self) -> None:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("ap-northeast-2", "AWS::Lambda::Version").schema
        self.assertIn("/properties/Description", schema["createOnlyProperties"])

    def test_a_replaced_version_stays_for_a_way_back(self) -> None:
        for name, version in self.of_type("AWS::Lambda::Version").items():
            self.assertEqual((version["DeletionPolicy"], version["UpdateReplacePolicy"]), ("RetainExceptOnCreate", "Retain"), name)

    def test_lambda_publishes_a_version_for_the_function_is_different_too(self) -> None:
        for name in self.ACKNOWLEDGING:
            description = self.RESOURCES[f"{name}Function"]["Properties"]["Description"]["Fn::If"]
            self.assertEqual(description[0], "IsGradual")
            self.assertIn("${Release}", description[1]["Fn::Sub"])

    def test_without_a_deployment_there_is_no_alias_no_version_and_nothing_of_codedeploy(self) -> None:
        gradual = self.of_type(
            "AWS::Lambda::Alias",
            "AWS::Lambda::Version",
            "AWS::CodeDeploy::Application",
            "AWS::CodeDeploy::DeploymentGroup",
            "AWS::CodeDeploy::DeploymentConfig",
        )
        self.assertEqual(len(gradual), 3 * len(self.ACKNOWLEDGING) + 1)
        for name, resource in gradual.items():
            self.assertEqual(resource.get("Condition"), "IsGradual", name)

    def test_whatever_names_what_is_there_only_sometimes_is_so_itself(self) -> None:
        sometimes = {name for name, one in self.RESOURCES.items() if one.get("Condition") == "IsGradual"}
        for name, resource in self.RESOURCES.items():
            rest = copy.deepcopy(resource)
            if rest.get("Condition") == "IsGradual":
                continue
            text = json.dumps(without_gradual(rest))
            for other in sometimes:
                self.assertNotIn(f'"{other}"', text, f"{name} names {other}")
                self.assertNotIn("${" + other, text, f"{name} names {other}")


def without_gradual(value: Any) -> Any:
    """The value as it is where IsGradual is false."""
    if isinstance(value, dict):
        if value.get("Fn::If", [None])[0] == "IsGradual":
            return without_gradual(value["Fn::If"][2])
        return {name: without_gradual(one) for name, one in value.items()}
    return [without_gradual(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    unittest.main()
