"""What AWS's own rules ask of the template, and the local cloud does not apply.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import json
import re
import tomllib
import unittest
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]

# The namespace of our own metrics, which Lambda's logs carry.
OURS = "KakaoWebhooks/${AWS::StackName}"
ACKNOWLEDGING = ["Unlink", "AccountStatus", "TalkShare", "TalkChannel", "Skill"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


def named(value: Any) -> Any:
    """What an intrinsic function names."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return ".".join(value) if isinstance(value, list) else value


def shifting_minutes(kind: str) -> int:
    """How long CodeDeploy shifts traffic, by the name of its configuration."""
    if kind == "AllAtOnce":
        return 0
    if canary := re.fullmatch(r"Canary\d+Percent(\d+)Minutes", kind):
        return int(canary[1])
    percent, every = map(int, re.fullmatch(r"Linear(\d+)PercentEvery(\d+)Minutes?", kind).groups())  # type: ignore[union-attr]
    return 100 // percent * every


class GradualDeployment(unittest.TestCase):
    def test_codedeploy_may_read_and_move_an_alias_by_both_forms_of_its_arn(self) -> None:
        (policy,) = RESOURCES["DeploymentRole"]["Properties"]["Policies"]
        allowed = {one["Action"]: {named(arn) for arn in one["Resource"]} for one in policy["PolicyDocument"]["Statement"] if "lambda:" in one["Action"]}
        qualified = {f"${{{name}Function.Arn}}:live" for name in ACKNOWLEDGING}
        unqualified = {f"{name}Function.Arn" for name in ACKNOWLEDGING}
        for action in ("lambda:GetAlias", "lambda:UpdateAlias"):
            self.assertEqual(allowed[action], qualified | unqualified, action)

    def test_the_slowest_type_ends_before_the_waiting_and_the_session_do(self) -> None:
        slowest = max(shifting_minutes(kind) for kind in PARAMETERS["Deployment"]["AllowedValues"] if kind)
        # The rest of the update: roles, versions, the API, alarms.
        needed = slowest + 20
        for name, environment in tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8")).items():
            if name != "version":
                self.assertGreaterEqual(environment["deploy"]["parameters"]["max_wait_duration"], needed, name)
        workflow = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8"))
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                if "configure-aws-credentials" in step.get("uses", ""):
                    self.assertGreaterEqual(step["with"]["role-duration-seconds"], needed * 60)
                    self.assertGreaterEqual(job["timeout-minutes"], needed)


class Replacing(unittest.TestCase):
    POLICY = json.loads((ROOT / "infra/stack-policy.json").read_text(encoding="utf-8"))["Statement"]

    def test_what_holds_events_or_states_outlives_its_deletion_and_its_replacement(self) -> None:
        for name, resource in RESOURCES.items():
            # Questions are worth nothing after five minutes.
            if resource["Type"] in ("AWS::SQS::Queue", "AWS::DynamoDB::Table") and name != "AnswerQueue":
                self.assertEqual((resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")), ("Retain", "Retain"), name)

    def test_the_stack_policy_denies_replacing_or_deleting_what_must_stay_and_allows_the_rest(self) -> None:
        allow, deny = self.POLICY
        self.assertEqual(allow, {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"})
        self.assertEqual((deny["Effect"], deny["Principal"]), ("Deny", "*"))
        self.assertEqual(set(deny["Action"]), {"Update:Replace", "Update:Delete"})
        self.assertEqual(set(deny["Resource"]), {f"LogicalResourceId/{name}" for name in ("Table", "EventQueue", "Domain")})
        for resource in deny["Resource"]:
            self.assertIn(resource.removeprefix("LogicalResourceId/"), RESOURCES)

    def test_by_hand_and_from_github_the_stack_gets_its_policy_and_its_protection(self) -> None:
        for page in ("docs/deploy.md", "docs/deploy.ko.md", ".github/workflows/deploy.yml"):
            text = (ROOT / page).read_text(encoding="utf-8")
            self.assertRegex(text, r"set-stack-policy [^#]*--stack-policy-body file://infra/stack-policy\.json", page)
            self.assertIn("update-termination-protection --enable-termination-protection", text, page)


class OwnKey(unittest.TestCase):
    def test_nothing_is_read_before_the_functions_may_use_the_key(self) -> None:
        self.assertEqual(RESOURCES["UseKey"]["Condition"], "HasKmsKey")
        for name in of_type("AWS::Lambda::EventSourceMapping"):
            waits = RESOURCES[name].get("Metadata", {}).get("DependsOn")
            waits = waits if isinstance(waits, list) else [waits]
            policies = ["UseKey", "UseKeyToSend"] if "DestinationConfig" in RESOURCES[name]["Properties"] else ["UseKey"]
            # The deliverer's has a condition of its own.
            policies = ["UseKeyToDeliver"] if name == "DelivererSource" else policies
            self.assertEqual(waits, [{"Fn::If": [RESOURCES[policy]["Condition"], {"Ref": policy}, ""]} for policy in policies], name)

    def test_the_pages_list_what_who_deploys_needs_of_the_key(self) -> None:
        # DynamoDB developer guide, "Authorizing use of a customer managed key": the caller needs these by DynamoDB.
        needed = {"Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "DescribeKey", "CreateGrant"}
        for page in ("docs/deploy.md", "docs/deploy.ko.md"):
            (paragraph,) = [one for one in (ROOT / page).read_text(encoding="utf-8").split("\n\n") if "kms:CreateGrant" in one]
            self.assertLessEqual({f"`kms:{action}`" for action in needed}, set(re.findall(r"`kms:[^`]+`", paragraph)), page)


class WhatAnOperatorAsksFor(unittest.TestCase):
    def test_an_alarm_watches_the_account_s_concurrency_against_its_own_limit(self) -> None:
        share, used = RESOURCES["AccountConcurrencyAlarm"]["Properties"]["Metrics"]
        self.assertEqual(share["Expression"], "used/SERVICE_QUOTA(used)*100")
        self.assertEqual(RESOURCES["AccountConcurrencyAlarm"]["Properties"]["Threshold"], 80)
        metric = used["MetricStat"]["Metric"]
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        self.assertEqual((metric["Namespace"], metric["MetricName"]), ("AWS/Usage", "ResourceCount"))
        self.assertEqual(dimensions, {"Service": "Lambda", "Type": "Resource", "Resource": "ConcurrentExecutions", "Class": "None"})

    def test_alarms_watch_the_throttles_of_every_function_that_answers_no_request_and_of_no_other(self) -> None:
        background = RESOURCES["BackgroundThrottledAlarm"]["Properties"]["Metrics"]
        metrics = [one["MetricStat"]["Metric"] for one in background if "MetricStat" in one]
        metrics += [RESOURCES[f"{name}ThrottledAlarm"]["Properties"] for name in ("Deliverer", "Answerer")]
        self.assertEqual({(one["Namespace"], one["MetricName"]) for one in metrics}, {("AWS/Lambda", "Throttles")})
        watched = [named(dimension["Value"]) for one in metrics for dimension in one["Dimensions"]]
        others = set(of_type("AWS::Serverless::Function")) - {f"{name}Function" for name in ACKNOWLEDGING}
        # Their next minute does what a throttled one did not; these see it if none does.
        for name in ("ReconcileLate", "JanitorStill"):
            self.assertEqual(RESOURCES[f"{name}Alarm"]["Properties"]["TreatMissingData"], "breaching")
        # The recorder's stream brings a throttled batch again. RecorderBehind sees it if it waits.
        self.assertEqual(sorted(watched), sorted(others - {"ReconcilerFunction", "JanitorFunction", "RecorderFunction"}))
        added = {part for one in background if "Expression" in one for part in re.findall(r"FILL\((\w+), 0\)", one["Expression"])}
        self.assertEqual(added, {one["Id"] for one in background if "MetricStat" in one})

    def test_kakao_s_deadline_of_three_hours_is_seen_whatever_the_reason(self) -> None:
        alarm = RESOURCES["AccountStatusFailingAlarm"]["Properties"]
        self.assertEqual((alarm["MetricName"], alarm["Statistic"], alarm["Period"]), ("account_status_taken", "Maximum", 3_600))
        # A function that cannot run writes no metric; the gateway's log has its 5xx and its 429.
        written = RESOURCES["AccountStatusNotTaken"]["Properties"]
        self.assertEqual(named(written["LogGroupName"]), "ApiLogs")
        (metric,) = written["MetricTransformations"]
        self.assertEqual((metric["MetricName"], metric["MetricValue"]), (alarm["MetricName"], "0"))
        self.assertEqual(RESOURCES["AccountStatusNotTaken"]["Condition"], RESOURCES["AccountStatusFailingAlarm"]["Condition"])
        failed = RESOURCES["FunctionsFailed"]["Properties"]["FilterPattern"].strip("{ }")
        expected = f'{{ ($.route = "*/webhooks/account-status*") && (($.status = "429") || ({failed})) }}'
        self.assertEqual(written["FilterPattern"], expected)

    def test_an_alarm_on_calls_says_that_a_function_was_not_called_and_nothing_of_its_work(self) -> None:
        on_calls = {name: alarm for name, alarm in of_type("AWS::CloudWatch::Alarm").items() if "'MetricName': 'Invocations'" in str(alarm)}
        self.assertEqual(set(on_calls), {"JanitorStillAlarm", "PublisherStillAlarm"})
        for name, alarm in on_calls.items():
            self.assertIn("was not called", alarm["AlarmDescription"], name)
            self.assertNotIn("finished", alarm["AlarmDescription"], name)

    def test_an_unlisted_address_is_an_alarm_where_it_is_looked_at_and_costs_nothing_elsewhere(self) -> None:
        self.assertEqual(RESOURCES["SourceUnlistedAlarm"]["Condition"], "ChecksSource")
        self.assertEqual(RESOURCES["SourceUnlistedAlarm"]["Properties"]["MetricName"], "source_unlisted")
        self.assertEqual(TEMPLATE["Conditions"]["ChecksSource"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "SourceCheck"}, "off"]}]})
        self.assertEqual(PARAMETERS["SourceCheck"]["Default"], "off")

    def test_alarms_watch_whether_the_reconciler_works_whatever_else_is_monitored(self) -> None:
        alarms = {name: one for name, one in of_type("AWS::CloudWatch::Alarm").items() if "reconcile_" in str(one.get("MetricName"))}
        self.assertEqual({RESOURCES[name]["Condition"] for name in alarms}, {"Reconciles"})
        hours = {
            name.removesuffix("Alarm"): (one["MetricName"], one["Period"] * one["DatapointsToAlarm"] / 3_600, one["ComparisonOperator"], one["TreatMissingData"])
            for name, one in alarms.items()
        }
        self.assertEqual(
            hours,
            {
                "ReconcileHeld": ("reconcile_held", 1 / 12, "GreaterThanThreshold", "notBreaching"),
                "ReconcileFailing": ("reconcile_failing", 24, "GreaterThanThreshold", "notBreaching"),
                # It must end once a day: a run that takes half a day is not late.
                "ReconcileLate": ("reconcile_finished", 36, "LessThanThreshold", "breaching"),
                "ReconcileRising": ("reconcile_rising", 1, "GreaterThanThreshold", "notBreaching"),
            },
        )
        # What is measured once, at a run's end, is shown until the next one.
        rising = alarms["ReconcileRisingAlarm"]
        self.assertEqual((rising["Period"] * rising["EvaluationPeriods"], rising["Statistic"]), (24 * 3_600, "Maximum"))

    def test_lean_monitoring_has_an_alarm_for_whatever_is_lost_stuck_or_failed(self) -> None:
        alarms = {name for name in of_type("AWS::CloudWatch::Alarm") if "Condition" not in RESOURCES[name]}
        expected = {"ApiErrors", "Throttled", "DeadLetters", "Quarantined", "QueueBehind", "LoggedErrors"}
        self.assertEqual(alarms, {f"{name}Alarm" for name in expected})
        page = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
        (sentence,) = re.findall(r"With `Monitoring` = `lean` only ([^.]+?)\s+exist", page)
        self.assertEqual(set(re.findall(r"`(\w+)`", sentence)), expected)
        # What the publisher can't publish has none of its own: LoggedErrors fires, if it is logged as an error.
        source = (ROOT / "functions/runtime/src/publish/publisher.rs").read_text(encoding="utf-8")
        for event in ("unpublishable", "unpublishable_not_kept", "not_published"):
            self.assertIn(f'tracing::error!(event = "{event}"', source)

    def test_a_gradual_deployment_rolls_back_a_release_that_stores_nothing_however_it_is_monitored(self) -> None:
        condition = RESOURCES["UnavailableAlarm"]["Condition"]
        expected = {"Fn::Or": [{"Condition": "FullMonitoring"}, {"Condition": "IsGradual"}]}
        self.assertEqual(TEMPLATE["Conditions"][condition], expected)
        for name, group in of_type("AWS::CodeDeploy::DeploymentGroup").items():
            self.assertIn({"Name": {"Ref": "UnavailableAlarm"}}, group["AlarmConfiguration"]["Alarms"], name)

    def test_an_alarm_watches_that_what_is_written_to_the_stream_calls_the_publisher(self) -> None:
        alarm = RESOURCES["PublisherStillAlarm"]["Properties"]
        metrics = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
        self.assertEqual((metrics["written"]["Metric"]["MetricName"], metrics["called"]["Metric"]["MetricName"]), ("applied_stream", "Invocations"))
        (dimension,) = metrics["called"]["Metric"]["Dimensions"]
        self.assertEqual(dimension, {"Name": "FunctionName", "Value": {"Ref": "PublisherFunction"}})
        # An hour without writes proves nothing.
        self.assertIn("FILL(written, 0) > 0 AND FILL(called, 0) == 0", alarm["Metrics"][0]["Expression"])
        self.assertEqual(alarm["TreatMissingData"], "notBreaching")
        # A write in the last second of a period is published in the next: once proves nothing.
        self.assertGreaterEqual(alarm["DatapointsToAlarm"], 2)
        self.assertGreaterEqual(metrics["written"]["Period"], 3_600)
        # A service that writes twice a day shows it; a busy one long before its records are lost.
        self.assertEqual(alarm["EvaluationPeriods"] * metrics["written"]["Period"], 24 * 3_600)
        self.assertLessEqual(alarm["DatapointsToAlarm"] * metrics["written"]["Period"], 6 * 3_600)

    def test_an_alarm_watches_that_who_leaves_is_recorded_before_a_record_is_given_up(self) -> None:
        alarm, source = (RESOURCES[name]["Properties"] for name in ("RecorderBehindAlarm", "RecorderSource"))
        metrics = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
        watched = {name: (one["Metric"]["MetricName"], one["Stat"]) for name, one in metrics.items()}
        self.assertEqual(watched, {"age": ("IteratorAge", "Maximum"), "left": ("published_gone", "Sum")})
        (dimension,) = metrics["age"]["Metric"]["Dimensions"]
        self.assertEqual(dimension, {"Name": "FunctionName", "Value": {"Ref": "RecorderFunction"}})
        (expression,) = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]
        (milliseconds,) = re.findall(r"FILL\(age, 0\) > (\d+) OR", expression)
        window = source["MaximumBatchingWindowInSeconds"]
        # A batch that is collected, and one that is repeated once, are not late.
        self.assertGreater(int(milliseconds) / 1_000, 2 * window)
        # Without a departure, a recorder that is not called is right. Without a call, there is no age.
        self.assertIn(f"OR (FILL(left, 0) > 0 AND FILL(age, 86400000) > {milliseconds})", expression)
        # A departure at the end of a period is recorded in the next one: once proves nothing, and is rare in a long period.
        period = metrics["left"]["Period"]
        self.assertEqual((metrics["age"]["Period"], alarm["DatapointsToAlarm"], alarm["TreatMissingData"]), (period, 2, "notBreaching"))
        self.assertLess(window / period, 0.02)
        self.assertLess(alarm["DatapointsToAlarm"] * period, source["MaximumRecordAgeInSeconds"])
        self.assertEqual(alarm["EvaluationPeriods"] * period, 24 * 3_600)
        # What is given up waits in a queue that is watched.
        self.assertEqual(named(source["DestinationConfig"]["OnFailure"]["Destination"]), "UnpublishedQueue.Arn")
        (dimension,) = RESOURCES["UnpublishedAlarm"]["Properties"]["Dimensions"]
        self.assertEqual(named(dimension["Value"]), "UnpublishedQueue.QueueName")

    def test_only_the_four_webhooks_reserve_concurrency_and_only_by_parameter(self) -> None:
        functions = of_type("AWS::Serverless::Function")
        reserving = {name for name, function in functions.items() if "ReservedConcurrentExecutions" in function}
        self.assertEqual(reserving, {f"{name}Function" for name in ACKNOWLEDGING if name != "Skill"})
        self.assertEqual(PARAMETERS["WebhookConcurrency"]["Default"], 0)

    def test_the_probe_from_outside_asks_where_kakao_does_and_only_by_parameter(self) -> None:
        self.assertEqual((RESOURCES["HealthProbe"]["Condition"], PARAMETERS["OutsideProbe"]["Default"]), ("ProbesHealth", "false"))
        asked = RESOURCES["HealthProbe"]["Properties"]["HealthCheckConfig"]
        self.assertEqual(asked["Type"], "HTTPS")
        self.assertEqual(asked["FullyQualifiedDomainName"]["Fn::If"][:2], ["HasDomain", {"Ref": "DomainName"}])
        self.assertEqual([named(path) for path in asked["ResourcePath"]["Fn::If"]], ["HasPathPrefix", "/${PathPrefix}/health", "/health"])


class TheApi(unittest.TestCase):
    API = RESOURCES["Api"]["Properties"]

    def test_a_greedy_path_declares_its_parameter_as_sam_does(self) -> None:
        for path, methods in self.API["DefinitionBody"]["paths"].items():
            declared = methods["x-amazon-apigateway-any-method"].get("parameters", [])
            greedy = [{"name": "proxy+", "in": "path", "required": True}]
            self.assertEqual(declared, greedy if path.endswith("/{proxy+}") else [], path)

    def test_its_description_fits_with_the_longest_name_of_a_stack(self) -> None:
        for description in self.API["Description"]["Fn::If"][1:]:
            separator, parts = description["Fn::Join"] if isinstance(description, dict) else ("", [description])
            # CloudFormation names a resource <stack>-<logical id>-<12 characters>; a stack's name has 128.
            longest = [part if isinstance(part, str) else f"{'s' * 128}-{part['Ref']}-{'x' * 12}" for part in parts]
            self.assertLess(len(separator.join(longest)), 1_024)


class Pages(unittest.TestCase):
    def test_what_a_failed_first_deployment_leaves_behind_is_named_and_how_to_remove_it(self) -> None:
        for page in ("docs/deploy.md", "docs/deploy.ko.md"):
            text = (ROOT / page).read_text(encoding="utf-8")
            self.assertIn("ROLLBACK_COMPLETE", text, page)
            for command in ("describe-stack-resources", "--no-deletion-protection-enabled", "delete-table", "delete-queue"):
                self.assertIn(command, text.split("ROLLBACK_COMPLETE")[1].split("\n## ")[0], page)

    def test_a_role_for_github_trusts_one_environment_by_both_forms_of_the_subject(self) -> None:
        prod = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["prod"]
        prefix = prod["deploy"]["parameters"]["s3_prefix"]
        for page in ("docs/deploy.md", "docs/deploy.ko.md"):
            text = (ROOT / page).read_text(encoding="utf-8")
            policies = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", text, re.M | re.S) if "Statement" in block]
            (trust,) = [one["Statement"][0] for one in policies if "AssumeRoleWithWebIdentity" in str(one)]
            claims = {claim.split(":")[-1]: value for claim, value in trust["Condition"]["StringEquals"].items()}
            self.assertEqual(claims["aud"], "sts.amazonaws.com", page)
            by_name, by_id = claims["sub"]
            self.assertRegex(by_name, r"^repo:<[^>]+>/<[^>]+>:environment:prod$", page)
            self.assertRegex(by_id, r"^repo:<[^>]+>@<[^>]+>/<[^>]+>@<[^>]+>:environment:prod$", page)
            (create,) = [one["Statement"] for one in policies if "CreateChangeSet" in str(one)]
            self.assertNotIn("ExecuteChangeSet", str(create), page)
            # What resolve_s3 asks for. Both environments' code lies in one bucket: dev must not replace prod's.
            (objects,) = [statement["Resource"] for statement in create if "s3:PutObject" in statement["Action"]]
            self.assertEqual(objects, f"arn:aws:s3:::aws-sam-cli-managed-default-*/{prefix}/*", page)
            self.assertIn("stack/aws-sam-cli-managed-default/", str(create), page)

    def test_the_page_of_deployment_lists_what_was_never_seen_on_real_aws(self) -> None:
        for page, heading in (("docs/deploy.md", "Not yet verified on real AWS"), ("docs/deploy.ko.md", "실제 AWS에서 확인하지 않은 것")):
            section = (ROOT / page).read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
            for name in ("IAM", "CodeDeploy", "SERVICE_QUOTA", "/aws/vendedlogs/", "WebhookConcurrency", "OutsideProbe"):
                self.assertIn(name, section, page)


class LateMetrics(unittest.TestCase):
    def test_an_alarm_on_a_metric_that_may_be_late_looks_back_over_more_periods_than_it_needs(self) -> None:
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            # Missing data that counts as breaching errs the other way.
            if OURS not in str(alarm) or alarm["TreatMissingData"] == "breaching":
                continue
            periods = {metric["MetricStat"]["Period"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric}
            (period,) = periods or {alarm["Period"]}
            needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
            spare = (alarm["EvaluationPeriods"] - needed) * period
            self.assertGreaterEqual(spare, 120, f"{name}: a data point that is late by two minutes would be missed")


class Limits(unittest.TestCase):
    def test_no_event_source_is_deployed_disabled(self) -> None:
        for name in of_type("AWS::Lambda::EventSourceMapping"):
            self.assertIs(RESOURCES[name]["Properties"].get("Enabled", True), True, name)

    def test_the_outside_probe_asks_from_as_many_regions_as_route_53_demands(self) -> None:
        regions = RESOURCES["HealthProbe"]["Properties"]["HealthCheckConfig"]["Regions"]
        self.assertGreaterEqual(len(set(regions)), 3)

    def test_a_record_that_crashes_the_publisher_is_set_aside_before_those_behind_it_expire(self) -> None:
        source = RESOURCES["PublisherSource"]["Properties"]
        lives = 24 * 3_600
        # Without the setting Lambda tries until the record is gone, and so are those behind it.
        age = source.get("MaximumRecordAgeInSeconds", lives)
        # -1 is without end.
        self.assertTrue(60 <= age <= lives - 2 * 3_600, age)
        self.assertEqual(named(source["DestinationConfig"]["OnFailure"]["Destination"]), "UnpublishedQueue.Arn")

    def test_departures_are_collected_for_minutes_and_take_no_concurrency_from_the_webhooks(self) -> None:
        source, publisher = (RESOURCES[f"{name}Source"]["Properties"] for name in ("Recorder", "Publisher"))
        self.assertEqual(source["MaximumBatchingWindowInSeconds"], 300)
        self.assertNotIn("ParallelizationFactor", source)
        # A change must not wait.
        self.assertNotIn("MaximumBatchingWindowInSeconds", publisher)
        self.assertEqual(source["MaximumRecordAgeInSeconds"], publisher["MaximumRecordAgeInSeconds"])

    def test_the_recorder_gets_the_events_that_unlink_or_link_a_member_and_no_others(self) -> None:
        patterns = [json.loads(one["Pattern"]) for one in RESOURCES["RecorderSource"]["Properties"]["FilterCriteria"]["Filters"]]
        source = (ROOT / "shared/src/erasure/read.rs").read_text(encoding="utf-8")
        lists = re.findall(r"(?:DEPARTING|LINKING)_EVENTS: \[&str; \d+\] =([^;]+);", source)
        self.assertEqual(len(lists), 2)
        (erased,) = re.findall(r'SERVICE_ERASED: &str = "([a-z-]+)"', source)
        self.assertEqual(sorted(patterns[0]["dynamodb"]["NewImage"]["event"]["S"]), sorted([*re.findall(r'"([a-z-]+)"', "".join(lists)), erased]))
        for pattern in patterns:
            self.assertEqual(pattern["dynamodb"]["Keys"]["pk"], {"S": [{"prefix": "USER#"}]})

    def test_the_access_log_takes_no_room_in_the_account_s_log_resource_policy(self) -> None:
        group = RESOURCES[named(RESOURCES["Api"]["Properties"]["AccessLogSettings"]["DestinationArn"]).removesuffix(".Arn")]
        self.assertRegex(group["Properties"]["LogGroupName"]["Fn::Sub"], r"^/aws/vendedlogs/")

    def test_who_writes_the_session_that_get_caller_identity_prints_reads_how_to_fix_it(self) -> None:
        description = PARAMETERS["QueueSenderArns"]["ConstraintDescription"]
        self.assertIn("get-caller-identity", description)
        self.assertIn("aws iam get-role", description)

    def test_the_processor_leaves_a_new_account_s_concurrency_to_who_answers_kakao(self) -> None:
        new_account = 10
        publisher = RESOURCES["PublisherSource"]["Properties"]["ParallelizationFactor"]
        self.assertEqual(named(RESOURCES["ProcessorSource"]["Properties"]["ScalingConfig"]["MaximumConcurrency"]), "ProcessorConcurrency")
        # One more for the janitor. The rest is the five acknowledging functions'.
        self.assertGreaterEqual(new_account - PARAMETERS["ProcessorConcurrency"]["Default"] - publisher - 1, len(ACKNOWLEDGING))

    def test_an_endpoint_that_hangs_takes_the_least_of_the_account_s_concurrency_that_lambda_allows(self) -> None:
        self.assertEqual(named(RESOURCES["DelivererSource"]["Properties"]["ScalingConfig"]["MaximumConcurrency"]), "DeliveryConcurrency")
        concurrency = PARAMETERS["DeliveryConcurrency"]
        self.assertEqual((concurrency["Default"], concurrency["MinValue"]), (2, 2))


if __name__ == "__main__":
    unittest.main()
