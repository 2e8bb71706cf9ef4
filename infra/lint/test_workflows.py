"""What GitHub runs: only what is pinned, with no more rights than it needs, and nothing of a stranger's text in a shell.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import json
import re
import subprocess
import unittest
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")}
WORKFLOWS: dict[str, Any] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = [(f"{name}: {job}", content) for name, workflow in WORKFLOWS.items() for job, content in workflow["jobs"].items()]
STEPS = [(name, step) for name, job in JOBS for step in job["steps"]]


class Workflows(unittest.TestCase):
    def test_there_are_the_four(self) -> None:
        self.assertEqual(set(WORKFLOWS), {"advisories.yml", "deploy.yml", "release.yml", "test.yml"})

    def test_all_build_with_one_toolchain(self) -> None:
        (by_release,) = re.findall(r'^RUST = "(.+)"$', (ROOT / ".ci/dist").read_text(encoding="utf-8"), re.M)
        self.assertEqual({workflow["env"]["RUSTUP_TOOLCHAIN"] for workflow in WORKFLOWS.values()}, {by_release})

    def test_every_action_is_pinned_by_commit_and_says_which_version_that_is(self) -> None:
        for name, text in TEXTS.items():
            used = re.findall(r"uses: (.+)", text)
            self.assertTrue(used, name)
            for action in used:
                self.assertRegex(action, r"^[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", name)

    def test_one_action_has_one_version(self) -> None:
        used = {action for text in TEXTS.values() for action in re.findall(r"uses: (\S+)", text)}
        self.assertEqual(len({action.split("@")[0] for action in used}), len(used))

    def test_nothing_is_allowed_but_by_the_job_that_needs_it(self) -> None:
        for name, workflow in WORKFLOWS.items():
            self.assertEqual(workflow["permissions"], {}, name)
        more = {
            "deploy.yml: change-set": {"contents": "read", "id-token": "write"},
            "deploy.yml: deploy": {"contents": "read", "id-token": "write"},
            "release.yml: publish": {"contents": "write", "id-token": "write", "attestations": "write"},
        }
        for name, job in JOBS:
            self.assertEqual(job["permissions"], more.get(name, {"contents": "read"}), name)

    def test_every_job_ends_sometime(self) -> None:
        for name, job in JOBS:
            self.assertLessEqual(job["timeout-minutes"], 300, name)

    def test_no_shell_line_has_an_expression_in_it(self) -> None:
        for name, step in STEPS:
            self.assertNotIn("${{", step.get("run", ""), name)

    def test_no_checkout_leaves_its_token_behind(self) -> None:
        for name, step in STEPS:
            if step.get("uses", "").startswith("actions/checkout@"):
                self.assertIs(step["with"]["persist-credentials"], False, name)

    def test_every_gate_that_is_called_is_there(self) -> None:
        called = {path for _, step in STEPS for path in re.findall(r"(?:\.ci|infra)/\S+", step.get("run", ""))}
        known = {".ci/run", ".ci/full", ".ci/built", ".ci/tools", ".ci/dist", ".ci/advisories", "infra/release.py"}
        self.assertLessEqual(known, called)
        for path in called:
            self.assertTrue((ROOT / path).is_file(), path)

    def test_credentials_come_after_whatever_builds_and_no_cache_is_deployed(self) -> None:
        for name, job in WORKFLOWS["deploy.yml"]["jobs"].items():
            steps = job["steps"]
            (credentials,) = [place for place, step in enumerate(steps) if "configure-aws-credentials" in step.get("uses", "")]
            builds = [place for place, step in enumerate(steps) if re.search(r"\b(build|install)", step.get("run", ""))]
            self.assertTrue(builds, name)
            self.assertLess(max(builds), credentials, name)
            self.assertFalse([step for step in steps if step.get("uses", "").startswith("actions/cache")], name)

    def test_what_is_released_is_built_without_rights_and_without_a_cache(self) -> None:
        jobs = WORKFLOWS["release.yml"]["jobs"]
        self.assertEqual(set(jobs["publish"]["needs"]), set(jobs) - {"publish"})
        used = [step.get("uses", "").split("@")[0] for step in jobs["publish"]["steps"]]
        self.assertEqual(used, ["actions/download-artifact", "", "actions/attest", ""])
        for name in jobs["publish"]["needs"]:
            self.assertFalse([step for step in jobs[name]["steps"] if step.get("uses", "").startswith("actions/cache")], name)

    def test_the_bot_looks_at_every_file_that_pins_something(self) -> None:
        bot = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
        looked_at = {update["package-ecosystem"]: set(update.get("directories", [update.get("directory")])) for update in bot["updates"]}
        files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
        pins = {"cargo": "Cargo.lock", "pip": "requirements.txt", "npm": "package-lock.json"}
        there = {kind: {f"/{Path(file).parent}".removesuffix("/.") or "/" for file in files if Path(file).name == pin} for kind, pin in pins.items()}
        self.assertEqual(looked_at, there | {"github-actions": {"/"}})

    def test_a_change_set_is_shown_first_and_executed_only_in_the_environment_that_asks_for_approval(self) -> None:
        jobs = WORKFLOWS["deploy.yml"]["jobs"]
        create, execute = ("\n".join(step.get("run", "") for step in jobs[name]["steps"]) for name in ("change-set", "deploy"))
        self.assertEqual(set(jobs), {"change-set", "deploy"})
        self.assertEqual(create.count("sam deploy"), create.count("--no-execute-changeset"))
        self.assertRegex(create, r"describe-change-set[\s\S]*GITHUB_STEP_SUMMARY")
        self.assertNotIn("execute-change-set", create)
        self.assertNotIn("sam deploy", execute)
        self.assertIn('execute-change-set --change-set-name "$CHANGE_SET"', execute)
        self.assertEqual(jobs["deploy"]["needs"], "change-set")
        self.assertEqual(jobs["change-set"]["environment"], jobs["deploy"]["environment"] + "-change-set")

    def test_what_may_be_chosen_is_what_the_template_takes(self) -> None:
        chosen = WORKFLOWS["deploy.yml"][True]["workflow_dispatch"]["inputs"]["deployment"]["options"]
        template = (ROOT / "infra/template/parameters.yaml").read_text(encoding="utf-8")
        deployment = template.split("  Deployment:\n")[1].split("  Release:\n")[0]
        self.assertLessEqual(set(chosen), {"none"} | set(re.findall(r"- (\w+)", deployment)))


class DeployRole(unittest.TestCase):
    """infra/deploy-role.json: what the role may do that executes a change set."""

    TEXT = (ROOT / "infra/deploy-role.json").read_text(encoding="utf-8")
    STATEMENTS = json.loads(TEXT)["Statement"]
    # By the second word of a resource's type; SAM's functions and APIs become Lambda's and API Gateway's.
    SERVICES = {
        "ApiGatewayV2": {"apigateway"},
        "CloudWatch": {"cloudwatch"},
        "CodeDeploy": {"codedeploy"},
        "DynamoDB": {"dynamodb"},
        "Events": {"events"},
        "IAM": {"iam"},
        "Lambda": {"lambda"},
        "Logs": {"logs"},
        "Route53": {"route53"},
        "SQS": {"sqs"},
        "Serverless": {"lambda", "apigateway", "events"},
    }

    def test_it_may_make_what_each_type_of_the_template_is_made_of_and_nothing_of_another_service(self) -> None:
        template = (ROOT / "template.yaml").read_text(encoding="utf-8")
        types = set(re.findall(r"^    Type: AWS::(\w+)::\w+$", template, re.M))
        needed = set().union(*(self.SERVICES[service] for service in types))
        actions = [action for statement in self.STATEMENTS for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])]
        self.assertEqual({action.split(":")[0] for action in actions} - {"cloudformation", "s3"}, needed)

    def test_it_fits_a_managed_policy_and_names_the_workflows_stack_and_region(self) -> None:
        self.assertLess(len(re.sub(r"\s", "", self.TEXT)), 6144)
        self.assertIn("stack/kakao-webhooks/*", self.TEXT)
        regions = set(re.findall(r"arn:aws:(?!iam|route53|s3)\w+:([a-z0-9-]+):", self.TEXT))
        self.assertEqual(regions, {"ap-northeast-2"})


if __name__ == "__main__":
    unittest.main()
