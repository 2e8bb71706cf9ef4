"""What someone without a key can do to the alarms: each metric is explained, and the runbook agrees.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import re
import unittest
from enum import IntEnum
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
QUESTION = "Can someone without a key cause it?"

# The namespace of our own metrics.
OURS = "KakaoWebhooks/${AWS::StackName}"
ACKNOWLEDGING = ["UnlinkFunction", "AccountStatusFunction", "TalkShareFunction", "TalkChannelFunction", "SkillFunction"]


class Moves(IntEnum):
    """Whether a stranger moves a metric, and with what effort."""

    NO = 0
    # By as many requests as use up the account's concurrent executions or the route's throttle.
    BY_A_FLOOD = 1
    YES = 2


ANSWERS = {Moves.NO: "No: ", Moves.BY_A_FLOOD: "Only by a flood: ", Moves.YES: "Yes: "}

# By namespace and name; of Lambda's, also by whether Kakao waits for the function.
STRANGER = {
    # The gateway counts the requests of every sender.
    ("AWS/ApiGateway", "4xx"): Moves.YES,
    ("AWS/ApiGateway", "5xx"): Moves.YES,
    ("AWS/ApiGateway", "Count"): Moves.YES,
    ("AWS/ApiGateway", "Latency"): Moves.YES,
    ("AWS/Lambda", "Invocations", "acknowledging"): Moves.YES,
    # No request ends an invocation with an error: tests/pipeline/abuse.
    ("AWS/Lambda", "Errors", "acknowledging"): Moves.NO,
    ("AWS/Lambda", "Throttles", "acknowledging"): Moves.BY_A_FLOOD,
    # What they are given is authentic, but they share the account's concurrency.
    ("AWS/Lambda", "Invocations", "background"): Moves.BY_A_FLOOD,
    ("AWS/Lambda", "Errors", "background"): Moves.NO,
    ("AWS/Lambda", "Throttles", "background"): Moves.BY_A_FLOOD,
    ("AWS/Lambda", "IteratorAge", "background"): Moves.BY_A_FLOOD,
    ("AWS/Usage", "ResourceCount"): Moves.BY_A_FLOOD,
    # Only listed roles send, but what receives is throttled by a flood.
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): Moves.BY_A_FLOOD,
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): Moves.BY_A_FLOOD,
    # What the gateway's log counts.
    (OURS, "webhooks_throttled"): Moves.BY_A_FLOOD,
    (OURS, "functions_failed"): Moves.BY_A_FLOOD,
    # These two, and of the functions' own counts none that a refusal without a key adds to.
    (OURS, "not_taken"): Moves.BY_A_FLOOD,
    # What the acknowledging functions count: a refusal needs no key, an event does.
    (OURS, "answered"): Moves.YES,
    (OURS, "refused"): Moves.YES,
    (OURS, "refused_not_found"): Moves.YES,
    (OURS, "refused_method"): Moves.YES,
    (OURS, "refused_too_large"): Moves.YES,
    (OURS, "refused_key_missing"): Moves.YES,
    (OURS, "refused_key_unknown"): Moves.YES,
    (OURS, "refused_unknown_key_cooldown"): Moves.YES,
    (OURS, "refused_token_content_type"): Moves.YES,
    (OURS, "refused_token_malformed"): Moves.YES,
    (OURS, "refused_token_algorithm"): Moves.YES,
    (OURS, "refused_token_type"): Moves.YES,
    (OURS, "refused_token_forbidden_header"): Moves.YES,
    (OURS, "refused_token_no_key_id"): Moves.YES,
    (OURS, "refused_token_unknown_key"): Moves.YES,
    (OURS, "refused_token_signature"): Moves.YES,
    # Kakao signed it, for another app: anyone can run one.
    (OURS, "refused_token_issuer"): Moves.YES,
    (OURS, "refused_token_audience"): Moves.YES,
    # The address is looked at only after the key.
    (OURS, "refused_source_unlisted"): Moves.NO,
    (OURS, "source_unlisted"): Moves.NO,
    # No usable key set, or nothing stored an authentic event.
    (OURS, "refused_unavailable"): Moves.NO,
    # A refusal waits for one fetch of the key set at most, which is far below the alarm's threshold.
    (OURS, "answered_slow"): Moves.NO,
    # 0 where a request had a well-formed key that is none of ours.
    (OURS, "admin_key_known"): Moves.YES,
    # 0 where a token was answered 503 for want of a key set or of a store, or where the gateway had no answer.
    (OURS, "account_status_taken"): Moves.BY_A_FLOOD,
    (OURS, "applied_stream"): Moves.NO,
    (OURS, "published_gone"): Moves.NO,
    # Of the levels, ERROR alone is counted.
    (OURS, "errors_logged"): Moves.NO,
    # What the service's endpoint answers to the deliverer, and what EventBridge can't send to its queue.
    (OURS, "gone"): Moves.NO,
    (OURS, "not_delivered_ms"): Moves.NO,
    ("AWS/Events", "InvocationsFailedToBeSentToDlq"): Moves.NO,
    # What the reconciler finds at Kakao. It is called by a schedule, but shares the account's concurrency.
    (OURS, "reconcile_held"): Moves.NO,
    (OURS, "reconcile_failing"): Moves.NO,
    (OURS, "reconcile_finished"): Moves.BY_A_FLOOD,
    # Webhooks that a flood makes the gateway throttle are lost, and found again.
    (OURS, "reconcile_rising"): Moves.BY_A_FLOOD,
    # Only those are asked for who came with the chatbot's key: anyone can write to the bot at Kakao, and whether its
    # answerer fails is the answerer's doing, unless it is overloaded.
    (OURS, "fallback"): Moves.BY_A_FLOOD,
    (OURS, "replied_ms"): Moves.BY_A_FLOOD,
    (OURS, "inbox_waiting"): Moves.NO,
    # Through Kakao: an invitation of the bot to a group chat room, or custom values of a share that cannot be read.
    (OURS, "quarantine_waiting"): Moves.YES,
    (OURS, "days_silent"): Moves.NO,
    (OURS, "key_set_not_kept"): Moves.NO,
}


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


METRIC_ALARMS = of_type("AWS::CloudWatch::Alarm")


def text(value: Any) -> str:
    """A text, or what an intrinsic function names."""
    return str(next(iter(value.values()))) if isinstance(value, dict) else str(value)


def metrics(alarm: dict[str, Any]) -> list[tuple[str, ...]]:
    """What an alarm looks at, as the table above names it."""
    queries = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    found: list[tuple[str, ...]] = []
    for metric in queries or [alarm]:
        key: tuple[str, ...] = (text(metric["Namespace"]), metric["MetricName"])
        if key[0] == "AWS/Lambda":
            function = text(metric["Dimensions"][0]["Value"])
            key = (*key, "acknowledging" if function in ACKNOWLEDGING else "background")
        found.append(key)
    return found


def moved(name: str) -> Moves:
    """Whether a stranger can make this alarm fire."""
    return max(STRANGER[metric] for metric in metrics(METRIC_ALARMS[name]))


def section_of(alarm: dict[str, Any]) -> str:
    (section,) = re.findall(r'docs/runbook\.md, "([^"]+)"', alarm["AlarmDescription"])
    return str(section)


class Strangers(unittest.TestCase):
    def test_it_is_explained_of_every_metric_of_an_alarm_who_moves_it(self) -> None:
        for name, alarm in METRIC_ALARMS.items():
            for metric in metrics(alarm):
                self.assertIn(metric, STRANGER, f"{name}: say in STRANGER whether someone without a key changes it")

    def test_it_is_explained_of_every_reason_to_refuse_who_causes_it_and_what_it_means(self) -> None:
        sources = [ROOT / "functions/runtime/src/ingest/answer.rs", ROOT / "shared/src/auth/token/mod.rs"]
        bodies = [re.findall(r"fn reason\(self\) -> &'static str \{\n(.*?)\n    \}", source.read_text(encoding="utf-8"), re.S) for source in sources]
        reasons = {reason for found in bodies for body in found for reason in re.findall(r'"([a-z_]+)"', body)}
        counted = {name.removeprefix("refused_") for (namespace, name, *_) in STRANGER if namespace == OURS and name.startswith("refused_")}
        self.assertEqual(counted, reasons)
        page = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8").split("\n## Why a request is refused\n")[1].split("\n## ")[0]
        listed = {name for row in re.findall(r"^\| (`[^|]+`) \|", page, re.M) for name in re.findall(r"`([a-z_]+)`", row)}
        self.assertEqual(listed, reasons)

    def test_the_runbook_answers_for_every_alarm_as_its_metrics_do(self) -> None:
        sections: dict[str, Moves] = {}
        for name, alarm in METRIC_ALARMS.items():
            section = section_of(alarm)
            sections[section] = max(sections.get(section, Moves.NO), moved(name))
        for section, moves in sections.items():
            body = RUNBOOK.split(f"\n## {section}\n")[1].split("\n## ")[0]
            answers = re.findall(rf"^{re.escape(QUESTION)} (.*)$", body, re.M)
            self.assertEqual(len(answers), 1, f'docs/runbook.md, "{section}": one line must begin with "{QUESTION}"')
            self.assertTrue(answers[0].startswith(ANSWERS[moves]), f'docs/runbook.md, "{section}": "{ANSWERS[moves]}" and not "{answers[0]}"')
            self.assertGreater(len(answers[0]), len(ANSWERS[moves]), f'docs/runbook.md, "{section}": it must say why')
        # The probe's alarm is made by hand, in us-east-1.
        self.assertRegex(RUNBOOK, rf"(?s)\n## The probe from outside fails\n[^#]*\n{re.escape(QUESTION)} Yes: ")
        self.assertEqual(RUNBOOK.count(QUESTION), len(sections) + 1, "only sections of alarms answer it")

    def test_telemetry_lists_every_alarm_with_its_section(self) -> None:
        page = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8").split("\n## The alarms\n")[1].split("\n## ")[0]
        listed = set(re.findall(r"^\| `([^`]+)` \| \[([^\]]+)\]\(runbook\.md#[a-z0-9-]+\) \|", page, re.M))
        kinds = "|".join(function.removesuffix("Function") for function in ACKNOWLEDGING)
        expected = {
            (re.sub(rf"^({kinds})(Crashes|Slow|Silent)$", r"<Kind>\2", name.removesuffix("Alarm")), section_of(alarm))
            for name, alarm in METRIC_ALARMS.items()
        }
        self.assertEqual(listed, expected)

    def test_no_stranger_stops_a_deployment(self) -> None:
        groups = of_type("AWS::CodeDeploy::DeploymentGroup")
        self.assertEqual(len(groups), len(ACKNOWLEDGING))
        for name, group in groups.items():
            for alarm in group["AlarmConfiguration"]["Alarms"]:
                self.assertEqual(moved(text(alarm["Name"])), Moves.NO, f"{name}: {alarm}")

    def test_without_a_flood_no_stranger_makes_it_look_as_if_nothing_were_taken(self) -> None:
        source = (ROOT / "functions/runtime/src/telemetry/metrics.rs").read_text(encoding="utf-8")
        counted = re.findall(r'"([a-z_]+)"', source.split("const NOT_TAKEN")[1].split("];")[0])
        self.assertIn("refused_unavailable", counted)
        for name in counted:
            self.assertEqual(STRANGER[OURS, name], Moves.NO, name)
        patterns = {name: one["FilterPattern"].strip("{ }") for name, one in of_type("AWS::Logs::MetricFilter").items()}
        self.assertEqual(patterns["NotTaken"], f"({patterns['Throttled']}) || ({patterns['FunctionsFailed']})")
        self.assertLess(moved("NotTakenAlarm"), Moves.YES)

    def test_a_few_wrong_keys_and_a_check_of_ours_are_no_changed_key(self) -> None:
        alarm = METRIC_ALARMS["UnknownKeyAlarm"]
        # One event that is stored in a period outweighs all wrong keys in it; a run of khook check is one period.
        self.assertEqual((alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]), ("Maximum", "LessThanThreshold", 1))
        self.assertGreaterEqual(alarm["DatapointsToAlarm"], 3)
        self.assertGreaterEqual(alarm["Period"] * alarm["DatapointsToAlarm"], 3_600)

    def test_a_changed_key_of_one_app_is_noticed_whatever_another_app_sends(self) -> None:
        alarm = METRIC_ALARMS["UnknownKeyRepeatedAlarm"]
        self.assertEqual((alarm["MetricName"], alarm["Statistic"], alarm["ComparisonOperator"]), ("refused_key_unknown", "Sum", "GreaterThanThreshold"))
        # One wrong key, or a run of khook check, which sends one to each of the three webhooks, fires nothing.
        self.assertGreaterEqual(alarm["Threshold"], 3)
        self.assertEqual((alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]), (3_600, 24, 3))

    def test_an_error_is_a_line_of_the_level_error_and_of_no_other(self) -> None:
        filters = [
            (one["FilterPattern"], made["MetricName"])
            for one in of_type("AWS::Logs::MetricFilter").values()
            for made in one["MetricTransformations"]
        ]
        patterns = {pattern for pattern, name in filters if name == "errors_logged"}
        # Lambda's own line of an invocation that timed out or crashed has a status instead of a level.
        self.assertEqual(len(patterns), 1)
        compared = re.findall(r'\$\.([a-z.]+) = "(\w+)"', patterns.pop())
        self.assertEqual(compared, [("level", "ERROR"), ("record.status", "timeout"), ("record.status", "error"), ("record.status", "failure")])

    def test_an_answer_of_a_function_is_no_failed_call_nor_is_a_body_too_long_for_lambda(self) -> None:
        pattern = RESOURCES["FunctionsFailed"]["Properties"]["FilterPattern"]
        self.assertEqual(set(re.findall(r'\$\.function_status != "(\d+)"', pattern)), {"200", "413"})
        # The one 5xx that a function chooses itself.
        self.assertIn('($.status != "503") || ($.function_status != "200")', pattern)
        # Lambda's own status, not the one that the function answers with.
        self.assertIn('"function_status":"$context.integrationStatus"', RESOURCES["Api"]["Properties"]["AccessLogSettings"]["Format"])


if __name__ == "__main__":
    unittest.main()
