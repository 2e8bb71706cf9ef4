"""What template.yaml promises and no linter knows: who may do what, how long things wait and are kept.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import itertools
import json
import re
import unittest
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
ACKNOWLEDGING = ["Unlink", "AccountStatus", "TalkShare", "TalkChannel", "Skill"]

# The namespace of our own metrics.
OURS = "KakaoWebhooks/${AWS::StackName}"


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
NAMES = {name.removesuffix("Function") for name in FUNCTIONS}


def dashboard(*, without: str = "") -> str:
    """The dashboard's text, with all its optional parts but one."""
    text, parts = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for name, part in parts.items():
        _, shown, otherwise = part["Fn::If"]
        assert otherwise == ""
        text = text.replace(f"${{{name}}}", "" if name == without else shown["Fn::Sub"])
    return str(text)


def widgets(*, without: str = "") -> list[dict[str, Any]]:
    """Those of the dashboard."""
    return list(json.loads(dashboard(without=without))["widgets"])


# The reconciler writes its gauges from a list.
GAUGE = re.compile(r'gauge = "([a-z_]+)"|\("(reconcile_[a-z]+)", ')


def gauges() -> set[str]:
    """The gauges that the functions write."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "functions").rglob("*.rs")]
    return {one or other for source in sources for one, other in GAUGE.findall(source)}


def named(value: Any) -> Any:
    """What an intrinsic function names."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return ".".join(value) if isinstance(value, list) else value


def without(condition: str, node: Any) -> Any:
    """What is left where a condition does not hold."""
    if isinstance(node, dict):
        asked, _, otherwise = node.get("Fn::If", [None, None, None])
        return without(condition, otherwise) if asked == condition else {key: without(condition, one) for key, one in node.items()}
    return [without(condition, one) for one in node] if isinstance(node, list) else node


def longest(value: Any, *, answers: bool) -> int:
    """How long a variable can be, in characters."""
    match value:
        case {"Fn::If": ["Answers", yes, no]}:
            return longest(yes if answers else no, answers=answers)
        case {"Fn::If": [_, yes, no]}:
            return max(longest(yes, answers=answers), longest(no, answers=answers))
        case {"Ref": "AWS::NoValue"}:
            return 0
        case {"Ref": parameter} if parameter in TEMPLATE["Parameters"]:
            declared = TEMPLATE["Parameters"][parameter]
            return int(declared.get("MaxLength") or max(map(len, declared.get("AllowedValues", [" " * 128]))))
        case {"Ref": function} if function in FUNCTIONS:
            return 64
    return 128


class Building(unittest.TestCase):
    def test_each_function_is_built_in_its_own_folder(self) -> None:
        for name in FUNCTIONS:
            binary = RESOURCES[name]["Metadata"]["BuildProperties"]["Binary"]
            self.assertEqual(FUNCTIONS[name]["CodeUri"], f"functions/{binary}")
            self.assertTrue((ROOT / "functions" / binary / "Cargo.toml").is_file(), name)


class Permissions(unittest.TestCase):
    def test_every_function_has_a_role_of_its_own_and_no_managed_policy(self) -> None:
        for name, function in FUNCTIONS.items():
            own = name.removesuffix("Function") + "Role"
            self.assertEqual(named(function["Role"]), f"{own}.Arn")
            self.assertNotIn("Policies", function)
            self.assertNotIn("ManagedPolicyArns", RESOURCES[own]["Properties"])

    def test_a_statement_allows_one_action_and_no_star(self) -> None:
        documents = {name: role["Policies"][0]["PolicyDocument"] for name, role in of_type("AWS::IAM::Role").items()}
        for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            documents |= {name: policy["PolicyDocument"] for name, policy in of_type(kind).items()}
        for name, document in documents.items():
            for statement in document["Statement"]:
                # Or, behind a condition, nothing.
                _, statement, _ = statement.get("Fn::If", [None, statement, None])
                self.assertIsInstance(statement["Action"], str, name)
                self.assertNotIn("*", statement["Action"], name)
                resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
                self.assertNotIn("*", [named(resource) for resource in resources], name)


class Waiting(unittest.TestCase):
    def test_a_batch_that_is_worked_on_is_not_handed_out_again(self) -> None:
        for queue, function in (("EventQueue", "ProcessorFunction"), ("DeliveryQueue", "DelivererFunction")):
            properties = RESOURCES[queue]["Properties"]
            self.assertGreaterEqual(properties["VisibilityTimeout"], 6 * FUNCTIONS[function]["Timeout"])
            self.assertGreaterEqual(properties["RedrivePolicy"]["maxReceiveCount"], 5)

    def test_nothing_is_collected_on_the_way_from_a_webhook_to_the_service(self) -> None:
        for source in ("ProcessorSource", "PublisherSource", "DelivererSource"):
            self.assertNotIn("MaximumBatchingWindowInSeconds", RESOURCES[source]["Properties"], source)

    def test_a_change_is_tried_once_more_than_there_are_pauses(self) -> None:
        source = (ROOT / "functions/runtime/src/deliver/pauses.rs").read_text(encoding="utf-8")
        (pauses,) = re.findall(r"const PAUSES: \[u32; (\d+)\]", source)
        self.assertEqual(RESOURCES["DeliveryQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"], int(pauses) + 1)
        # A pause is as long as SQS allows, less five minutes for what lies between the receive and the invocation.
        self.assertLess(RESOURCES["DeliveryQueue"]["Properties"]["VisibilityTimeout"], 5 * 60)

    def test_nothing_of_the_delivery_is_there_without_its_url(self) -> None:
        section = yaml_parse((ROOT / "infra/template/delivery.yaml").read_text(encoding="utf-8"))["Resources"]
        for name in section:
            self.assertIn(RESOURCES[name].get("Condition"), ("Delivers", "DeliversOnAws", "DeliversByKey"), name)

    def test_nothing_of_the_reconciler_is_there_without_its_keys(self) -> None:
        section = yaml_parse((ROOT / "infra/template/reconcile.yaml").read_text(encoding="utf-8"))["Resources"]
        for name in section:
            self.assertEqual(RESOURCES[name].get("Condition"), "Reconciles", name)
        self.assertEqual(TEMPLATE["Conditions"]["Reconciles"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "KakaoReaderKeys"}, ""]}]})
        self.assertEqual(TEMPLATE["Parameters"]["KakaoReaderKeys"]["Default"], "")
        # What others have because of it, the index among them, is there only with it, too.
        for name, resource in RESOURCES.items():
            if name not in section:
                self.assertNotRegex(str(without("Reconciles", resource)), rf"\b(roster\w*|{'|'.join(section)})\b", name)

    def test_nothing_of_the_answerer_is_there_without_it(self) -> None:
        section = yaml_parse((ROOT / "infra/template/answers.yaml").read_text(encoding="utf-8"))["Resources"]
        for name in section:
            self.assertIn(RESOURCES[name].get("Condition"), ("Answers", "AnswersOnAws", "AsksLambda", "AsksByHttps"), name)
        for condition in ("AnswersOnAws", "AsksLambda", "AsksByHttps", "HasWaitText", "HasFallbackText"):
            self.assertIn({"Condition": "Answers"}, TEMPLATE["Conditions"][condition]["Fn::And"])
        self.assertEqual(TEMPLATE["Parameters"]["SkillAnswerer"]["Default"], "")
        for name, resource in RESOURCES.items():
            if name not in section:
                self.assertNotRegex(str(without("Answers", resource)), rf"\b({'|'.join(section)})\b", name)

    def test_a_job_is_in_one_hand_and_gone_when_no_answer_to_it_would_be_taken(self) -> None:
        queue, function = RESOURCES["AnswerQueue"]["Properties"], FUNCTIONS["AnswererFunction"]
        # Lambda refuses a source whose messages come again while the function can still work on them.
        self.assertGreaterEqual(queue["VisibilityTimeout"], function["Timeout"])
        # Nothing of what was said is kept for later.
        self.assertNotIn("RedrivePolicy", queue)
        self.assertEqual(queue["MessageRetentionPeriod"], 300)
        source = RESOURCES["AnswererSource"]["Properties"]
        # Beyond ten messages Lambda wants a window.
        self.assertGreaterEqual(source["MaximumBatchingWindowInSeconds"], 1)

    def test_a_minute_of_the_reconciler_ends_before_the_next_begins(self) -> None:
        function = FUNCTIONS["ReconcilerFunction"]
        self.assertLess(function["Timeout"], 60)
        self.assertEqual(function["Events"]["EveryMinute"]["Properties"]["Schedule"], "rate(1 minute)")

    def test_the_index_is_what_the_functions_write_and_the_reconciler_queries(self) -> None:
        source = (ROOT / "functions/runtime/src/store/roster.rs").read_text(encoding="utf-8")
        (name,) = re.findall(r'const ROSTER: &str = "(\w+)"', source)
        (rest,) = re.findall(r"const ROSTER_ATTRIBUTES: .*= \[ROSTER, (.*)\];", source)
        sort, projected = re.findall(r'"(\w+)"', rest)
        table = RESOURCES["Table"]["Properties"]
        condition, (index,), otherwise = table["GlobalSecondaryIndexes"]["Fn::If"]
        self.assertEqual((condition, otherwise), ("Reconciles", {"Ref": "AWS::NoValue"}))
        self.assertEqual(index["IndexName"], name)
        self.assertEqual([(one["AttributeName"], one["KeyType"]) for one in index["KeySchema"]], [(name, "HASH"), (sort, "RANGE")])
        # Nothing personal, and nothing that changes with every event: each change of it is a write.
        self.assertEqual(index["Projection"], {"ProjectionType": "INCLUDE", "NonKeyAttributes": [projected]})
        # DynamoDB refuses definitions of what is no key, and keys without one.
        defined = [one.get("Fn::If", [None, one, None]) for one in table["AttributeDefinitions"]]
        self.assertEqual(
            [(when, one["AttributeName"], one["AttributeType"]) for when, one, _ in defined],
            [(None, "pk", "S"), (None, "sk", "S"), ("Reconciles", name, "S"), ("Reconciles", sort, "N")],
        )

    def test_messages_wait_for_a_week_and_dead_ones_for_two(self) -> None:
        queues = {name: queue for name, queue in of_type("AWS::SQS::Queue").items() if name != "AnswerQueue"}
        days = {name: queue["MessageRetentionPeriod"] // 86_400 for name, queue in queues.items()}
        self.assertEqual(days, {"EventQueue": 7, "DeadLetterQueue": 14, "UnpublishedQueue": 14, "DeliveryQueue": 14, "UndeliveredQueue": 14})


    def test_the_functions_are_ended_just_behind_their_own_budgets(self) -> None:
        usual = TEMPLATE["Globals"]["Function"]["Timeout"]
        timeouts = {name: FUNCTIONS[f"{name}Function"].get("Timeout", usual) for name in ACKNOWLEDGING}
        self.assertEqual(timeouts, {**dict.fromkeys(ACKNOWLEDGING, 3), "Skill": 5})

    def test_nothing_holds_an_acknowledging_function_back_and_the_processor_is_held(self) -> None:
        for name, function in FUNCTIONS.items():
            reserved = function.get("ReservedConcurrentExecutions", {}).get("Fn::If", ["ReservesConcurrency", None, {"Ref": "AWS::NoValue"}])
            self.assertEqual((reserved[0], reserved[2]), ("ReservesConcurrency", {"Ref": "AWS::NoValue"}), name)
        self.assertEqual(TEMPLATE["Parameters"]["WebhookConcurrency"]["Default"], 0)
        self.assertIn("ScalingConfig", RESOURCES["ProcessorSource"]["Properties"])


class Keeping(unittest.TestCase):
    def test_nothing_of_a_gradual_deployment_is_there_without_it(self) -> None:
        for name, resource in RESOURCES.items():
            if resource["Type"] in ("AWS::Lambda::Alias", "AWS::Lambda::Version") or "CodeDeploy" in resource["Type"]:
                self.assertEqual(resource.get("Condition"), "IsGradual", name)
        for function in FUNCTIONS.values():
            self.assertNotIn("AutoPublishAlias", function)

    def test_a_warning_of_the_gateway_stops_no_deployment(self) -> None:
        # It warns of what SAM itself writes for DisableExecuteApiEndpoint.
        self.assertNotIn("FailOnWarnings", RESOURCES["Api"]["Properties"])

    def test_a_domain_waits_for_the_stage_that_it_leads_to(self) -> None:
        self.assertEqual(RESOURCES["DomainMapping"]["Properties"]["Stage"], {"Ref": "Api.Stage"})

    def test_every_route_leads_to_its_function_or_its_alias(self) -> None:
        paths = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
        expected = {
            "/webhooks/unlink": "Unlink",
            "/webhooks/account-status": "AccountStatus",
            "/webhooks/talk-share": "TalkShare",
            "/webhooks/talk-channel": "TalkChannel",
            "/skill": "Skill",
            "/health": "Skill",
        }
        self.assertEqual(set(paths), {path + below for path in expected for below in ("", "/{proxy+}")})
        for path, methods in paths.items():
            (method,) = methods
            self.assertEqual(method, "x-amazon-apigateway-any-method", path)
            condition, alias, function = methods[method]["x-amazon-apigateway-integration"]["uri"]["Fn::If"]
            name = expected[path.removesuffix("/{proxy+}")]
            self.assertEqual(condition, "IsGradual")
            self.assertIn(f"functions/${{{name}Live}}/invocations", alias["Fn::Sub"])
            self.assertIn(f"functions/${{{name}Function.Arn}}/invocations", function["Fn::Sub"])

    def test_every_route_may_call_its_function(self) -> None:
        allowed = {
            (named(one["FunctionName"]), one["SourceArn"]["Fn::Sub"].split("/*/*")[1])
            for name, one in of_type("AWS::Lambda::Permission").items()
            if "Condition" not in RESOURCES[name]
        }
        paths = {"Unlink": "/webhooks/unlink", "AccountStatus": "/webhooks/account-status", "TalkShare": "/webhooks/talk-share"}
        paths |= {"TalkChannel": "/webhooks/talk-channel", "Skill": "/skill"}
        expected = {(f"{name}Function", f"{path}*") for name, path in paths.items()} | {("SkillFunction", "/health*")}
        self.assertEqual(allowed, expected)

    def test_a_flood_on_the_chatbot_has_its_own_smaller_share(self) -> None:
        api = RESOURCES["Api"]["Properties"]
        usual = api["DefaultRouteSettings"]["ThrottlingRateLimit"]
        for route, settings in api["RouteSettings"].items():
            self.assertIn(route.removeprefix("ANY "), api["DefinitionBody"]["paths"])
            self.assertLess(settings["ThrottlingRateLimit"], usual, route)

    def test_history_outlives_whatever_can_be_delivered_late(self) -> None:
        parameters = TEMPLATE["Parameters"]
        late = 7 + 14 + parameters["QuarantineRetentionDays"]["MaxValue"]
        for name in ("HistoryRetentionDays", "GoneRetentionDays"):
            self.assertGreaterEqual(parameters[name]["MinValue"], late, name)

    def test_every_function_has_a_log_that_ends(self) -> None:
        logs = of_type("AWS::Logs::LogGroup")
        for name in NAMES:
            self.assertEqual(named(logs[f"{name}Logs"]["RetentionInDays"]), "LogRetentionDays")

    def test_the_table_outlives_a_mistake(self) -> None:
        table = RESOURCES["Table"]
        self.assertEqual((table["DeletionPolicy"], table["UpdateReplacePolicy"]), ("Retain", "Retain"))
        self.assertTrue(table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])

    def test_the_access_log_says_nothing_of_whom_a_request_is_about(self) -> None:
        words = set(re.findall(r"\$context\.([A-Za-z.]+)", RESOURCES["Api"]["Properties"]["AccessLogSettings"]["Format"]))
        harmless = {"requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationLatency"}
        self.assertLessEqual(words, harmless | {"integrationStatus", "error.responseType"})

    def test_a_key_of_ones_own_encrypts_the_table_and_every_queue(self) -> None:
        for name, queue in of_type("AWS::SQS::Queue").items():
            self.assertEqual(queue["KmsMasterKeyId"]["Fn::If"][:2], ["HasKmsKey", {"Ref": "KmsKeyArn"}], name)
            # SQS accepts only one of the two.
            self.assertEqual(queue["SqsManagedSseEnabled"]["Fn::If"], ["HasKmsKey", {"Ref": "AWS::NoValue"}, True], name)
        own = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "KmsKeyArn"}}
        # Without it, AWS's own key, whose use is not billed.
        encryption = RESOURCES["Table"]["Properties"]["SSESpecification"]
        self.assertEqual(encryption["Fn::If"], ["HasKmsKey", own, {"SSEEnabled": False}])


class Settings(unittest.TestCase):
    def test_the_longest_settings_fit_the_environment_of_every_function(self) -> None:
        shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        # Some are of a stack with an answerer, and some of one without.
        for name, holds in itertools.product(FUNCTIONS, (True, False)):
            variables = {**shared, **FUNCTIONS[name]["Environment"]["Variables"]}
            size = sum(len(variable) + longest(value, answers=holds) for variable, value in variables.items())
            self.assertLessEqual(size, 4_096, f"{name}: Lambda refuses more than 4 KB in all")

    def test_what_a_parameter_can_not_be_is_refused_before_anything_is_deployed(self) -> None:
        digest = "0123456789abcdef" * 4
        app = f'{{"app_id":"1","rest_api_keys":["k"],"admin_key_sha256":["{digest}"]}}'
        taken: dict[str, list[str]] = {
            "KakaoApps": [f"[{app}]", f" [ {app} , {app} ] ", '[{"app_id":"1","rest_api_keys":["k"],"admin_key_sha256":[]}]'],
            "SkillAuth": ["", f'{{"header":"x-skill-key","sha256":["{digest}","{digest}"]}}'],
            "SourceCidrs": ["", "203.0.113.0/24", "203.0.113.7, 2001:db8::/32"],
            "AlarmTopicArn": ["", "arn:aws:sns:ap-northeast-2:123456789012:alarms"],
            "DomainName": ["", "kakao.example.com"],
            "DomainCertificateArn": ["", "arn:aws:acm:ap-northeast-2:123456789012:certificate/0a1b-2c"],
            "HostedZoneId": ["", "Z0123456789ABCDEFGHIJ"],
            "PathPrefix": ["", "k3x9_Qw7-aa"],
            "KmsKeyArn": ["", "arn:aws:kms:ap-northeast-2:123456789012:key/0a1b-2c"],
            "Release": ["", "0a1b2c3d4e5f"],
            "QueueSenderArns": [
                "",
                "arn:aws:iam::123456789012:role/service",
                "arn:aws:iam::123456789012:user/team/operator",
                "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/ap-northeast-2/AWSReservedSSO_Operator_0a1b2c3d4e5f6789",
            ],
            "KakaoJwksUrl": ["https://kauth.kakao.com/.well-known/jwks.json", "http://127.0.0.1:8765/keys"],
            "DeliveryUrl": ["", "https://example.com", "https://example.com:8443/@kakao?key=1", "http://127.0.0.1:8765/kakao"],
            "DeliverySecret": ["", "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:kakao/delivery-0a1B2c"],
            "KakaoReaderKeys": ["", "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:kakao-reader-keys-0a1B2c"],
            "KakaoApiUrl": ["https://kapi.kakao.com", "https://kapi.kakao.com/", "http://127.0.0.1:8765", "http://[::1]:8765"],
            "ReconcileAt": ["00:00", "03:30", "19:05", "23:59"],
            "SkillAnswerer": [
                "",
                "arn:aws:lambda:ap-northeast-2:123456789012:function:answers",
                "arn:aws:lambda:ap-northeast-2:123456789012:function:answers:live",
                "https://example.com/answer?key=1",
                "http://127.0.0.1:8080/answer",
            ],
            "SkillAnswererSecret": ["", "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:kakao/answerer-0a1B2c"],
            "KakaoCallbackUrl": ["https://bot-api.kakao.com", "http://127.0.0.1:8765"],
        }
        refused: dict[str, list[str]] = {
            "KakaoApps": ["", "[]", "{}", app, "[1]", '[{"app_id":"1","admin_key_sha256":["secret"]}]'],
            "SkillAuth": ["secret", '{"header":"x","sha256":["secret"]}'],
            "SourceCidrs": ["everywhere", "203.0.113.0/33", "203.0.113.0/24;"],
            "AlarmTopicArn": ["alarms"],
            "DomainName": ["https://kakao.example.com", "Kakao.example.com", "example"],
            "DomainCertificateArn": ["arn:aws:iam::123456789012:server-certificate/x"],
            "HostedZoneId": ["example.com"],
            "PathPrefix": ["short", "with/slash/in/it"],
            "KmsKeyArn": ["alias/mine", "arn:aws:kms:ap-northeast-2:123456789012:alias/mine"],
            "Release": ["a release"],
            "QueueSenderArns": [
                "service",
                "arn:aws:sts::123456789012:assumed-role/service/session",
                "arn:aws:iam::123456789012:root",
                "arn:aws:iam::12345678901:role/service",
                # The processor trusts every message, so only listed roles may send.
                "arn:aws:iam::123456789012:role/*",
            ],
            "KakaoJwksUrl": ["http://kauth.kakao.com/", "kauth.kakao.com"],
            "DeliveryUrl": [
                "example.com",
                "http://example.com/",
                "http://127.0.0.1.example.com/",
                "https://name:word@example.com/",
                "https://example.com/#part",
            ],
            "KakaoReaderKeys": ['{"1":"0123456789abcdef0123456789abcdef"}', "arn:aws:ssm:ap-northeast-2:123456789012:parameter/keys"],
            "KakaoApiUrl": ["", "http://kapi.kakao.com", "kapi.kakao.com", "https://name:word@kapi.kakao.com", "https://kapi.kakao.com/v1"],
            "ReconcileAt": ["", "3:30", "24:00", "03:60", "03:30:00", "0330"],
            "SkillAnswerer": [
                "answers",
                "arn:aws:lambda:ap-northeast-2:123456789012:function:*",
                "arn:aws:sqs:ap-northeast-2:123456789012:answers",
                "http://example.com/answer",
                "https://name:word@example.com/",
            ],
            "SkillAnswererSecret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "KakaoCallbackUrl": ["", "http://bot-api.kakao.com", "https://name:word@bot-api.kakao.com", "https://bot-api.kakao.com/v1"],
            "DeliverySecret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:*"],
        }
        for name, values in taken.items():
            for value in values:
                self.assertRegex(value, f"^(?:{TEMPLATE['Parameters'][name]['AllowedPattern']})$", name)
        for name, values in refused.items():
            for value in values:
                self.assertNotRegex(value, f"^(?:{TEMPLATE['Parameters'][name]['AllowedPattern']})$", name)
        patterned = {name for name, parameter in TEMPLATE["Parameters"].items() if "AllowedPattern" in parameter}
        self.assertEqual(set(taken), patterned - {"ShareUserKey", "SkillAnswers"})

    def test_every_parameter_is_described_and_has_a_default_but_for_the_apps(self) -> None:
        for name, parameter in TEMPLATE["Parameters"].items():
            self.assertIn("Description", parameter, name)
            self.assertEqual("Default" in parameter, name != "KakaoApps", name)


class Vocabulary(unittest.TestCase):
    PAGE = (ROOT / "docs/telemetry.md").read_text(encoding="utf-8")

    def test_every_event_that_is_logged_is_on_the_page_and_no_other(self) -> None:
        sources = [path.read_text(encoding="utf-8") for folder in ("shared/src", "functions") for path in (ROOT / folder).rglob("*.rs")]
        logged = {name for source in sources for name in re.findall(r'event = "([a-z_]+)"', source)}
        # Chosen by what came of it.
        logged |= {"recorded", "duplicate", "applied", "unchanged"}
        table = self.PAGE.split("## The events")[1].split("## The metrics")[0]
        listed = {name for row in re.findall(r"^\| (`[^|]+`) \|", table, re.M) for name in re.findall(r"`([a-z_]+)`", row)}
        self.assertEqual(listed, logged)

    def test_every_gauge_is_on_the_page_and_no_other(self) -> None:
        listed = set(re.findall(r"^\| `([a-z_]+)` \|", self.PAGE.split("## The metrics")[1], re.M))
        self.assertLessEqual(gauges(), listed)

    def test_every_metric_that_the_functions_write_is_on_the_page_and_no_other(self) -> None:
        source = (ROOT / "functions/runtime/src/telemetry/metrics.rs").read_text(encoding="utf-8")
        counted = set(re.findall(r'"([a-z_]+)"', source.split("const COUNTED")[1].split("];")[0]))
        proofs = set(re.findall(r'Some\(\("([a-z_]+)"', source))
        filters = [metric["MetricName"] for one in of_type("AWS::Logs::MetricFilter").values() for metric in one["MetricTransformations"]]
        listed = set(re.findall(r"^\| `([a-z_]+)` \|", self.PAGE.split("## The metrics")[1], re.M))
        timed = {name for name in listed if name.endswith("_ms")}
        self.assertEqual(listed - timed, counted | proofs | gauges() | set(filters))

    def metrics(self) -> list[tuple[str, str]]:
        """Of every alarm and widget: the namespace and the name of each metric that it looks at."""
        found: list[tuple[Any, str]] = []
        for alarm in of_type("AWS::CloudWatch::Alarm").values():
            queries = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
            found += [(named(metric["Namespace"]), metric["MetricName"]) for metric in queries or [alarm]]
        return found + [(metric[0], metric[1]) for widget in widgets() for metric in widget["properties"].get("metrics", [])]

    def test_no_alarm_and_no_widget_looks_at_a_metric_that_nobody_writes(self) -> None:
        # Of AWS's own: API Gateway "HTTP API metrics", SQS "Available CloudWatch metrics", Lambda "Function metrics".
        known = {
            ("AWS/ApiGateway", "5xx"),
            ("AWS/ApiGateway", "Latency"),
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
            ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"),
            ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
            ("AWS/SQS", "NumberOfMessagesDeleted"),
            ("AWS/Lambda", "Errors"),
            ("AWS/Lambda", "Throttles"),
            ("AWS/Lambda", "Invocations"),
            ("AWS/Lambda", "IteratorAge"),
            ("AWS/Usage", "ResourceCount"),
            ("AWS/ApiGateway", "4xx"),
            ("AWS/ApiGateway", "Count"),
            # EventBridge, "Monitoring".
            ("AWS/Events", "InvocationsFailedToBeSentToDlq"),
        }
        listed = set(re.findall(r"`([a-z_]+)`", self.PAGE.split("## The metrics")[1]))
        folders = ("functions",)
        sources = "".join(path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.rs"))
        # What a filter makes of log lines.
        filters = [metric for one in of_type("AWS::Logs::MetricFilter").values() for metric in one["MetricTransformations"]]
        known |= {(named(metric["MetricNamespace"]), metric["MetricName"]) for metric in filters}
        for namespace, name in self.metrics():
            if namespace != OURS or (namespace, name) in known:
                self.assertIn((namespace, name), known)
                continue
            # Named by an event, a gauge, or a proof: all of them stand on the page.
            self.assertIn(name, listed)
            self.assertTrue(f'"{name}"' in sources or name.endswith("_ms"), name)

    def test_the_dashboard_shows_every_alarm(self) -> None:
        shown = re.findall(r"\$\{(\w+Alarm)\.Arn\}", dashboard())
        # Except those of other conditions: a dashboard cannot name a resource that a stack may not have.
        with_dashboard = (None, "IsAws", "FullMonitoring", "IsAwsFull", "WatchesUnavailability", "Delivers", "DeliversOnAws", "Reconciles", "AnswersOnAws")
        always = {name for name in of_type("AWS::CloudWatch::Alarm") if RESOURCES[name].get("Condition") in with_dashboard}
        self.assertEqual(set(shown), always)

    def test_the_dashboard_shows_the_errors_and_throttles_of_every_function_that_each_stack_has(self) -> None:
        always = {name for name in FUNCTIONS if "Condition" not in RESOURCES[name]}
        metrics = [metric for widget in widgets() for metric in widget["properties"].get("metrics", [])]
        for shown in ("Errors", "Throttles"):
            functions = {metric[3].strip("${}") for metric in metrics if metric[:2] == ["AWS/Lambda", shown]}
            self.assertLessEqual(always, functions, shown)

    def test_the_dashboard_names_what_is_optional_only_in_a_stack_that_has_it(self) -> None:
        for part, conditions, names in [
            ("Deliveries", ("Delivers", "DeliversOnAws"), {"DeliveryQueue", "UndeliveredQueue", "DelivererFunction"}),
            ("Reconciler", ("Reconciles",), {"ReconcilerLogs", "ReconcileHeldAlarm"}),
            ("Answers", ("Answers", "AnswersOnAws"), {"AnswererFunction", "AnswersFailingAlarm"}),
        ]:
            optional = {name for name, resource in RESOURCES.items() if resource.get("Condition") in conditions}
            named_with, named_without = (set(re.findall(r"\$\{(\w+)", text)) & optional for text in (dashboard(), dashboard(without=part)))
            self.assertLessEqual(names, named_with)
            self.assertEqual(named_without, set())
            self.assertTrue(widgets(without=part))

    def test_the_dashboard_shows_what_the_reconciler_logs_of_a_run_that_ended(self) -> None:
        (widget,) = [one for one in widgets() if one["type"] == "log"]
        query = widget["properties"]["query"]
        self.assertTrue(query.startswith("SOURCE '${ReconcilerLogs}' | "))
        source = (ROOT / "functions/runtime/src/reconcile/reconciler.rs").read_text(encoding="utf-8")
        (logged,) = re.findall(r'event = "reconciled",(.*?)\);', source, re.S)
        fields = set(re.findall(r"coalesce\((\w+), events\.0\.\1\)", query)) - {"event"}
        self.assertLessEqual(fields, set(re.findall(r"(\w+)(?: =|,|$)", logged, re.M)))
        self.assertGreaterEqual(fields, {"listed", "linked", "unlinked", "minutes"})

    def test_every_function_counts_its_errors_in_the_log(self) -> None:
        filters = of_type("AWS::Logs::MetricFilter").values()
        counted = {named(one["LogGroupName"]) for one in filters if "ERROR" in one["FilterPattern"]}
        self.assertEqual(counted, {f"{name}Logs" for name in NAMES})

    def test_every_saved_query_asks_for_what_is_logged(self) -> None:
        words = set(re.findall(r"`([a-z_]+)`", self.PAGE))
        for name, query in of_type("AWS::Logs::QueryDefinition").items():
            fields = re.findall(r"\b(?:event|kind|reason|event_id|request_id|destination|status|ms)\b", query["QueryString"])
            self.assertTrue(set(fields) <= words | {"event"} and (fields or "@message like" in query["QueryString"]), name)
            groups = [named(group["Fn::If"][1]) if "Fn::If" in group else named(group) for group in query["LogGroupNames"]]
            self.assertEqual(sorted(groups), sorted(f"{name}Logs" for name in NAMES), name)
            # Those of what is optional exist only with it.
            for condition, logs in (("Delivers", "DelivererLogs"), ("Reconciles", "ReconcilerLogs"), ("Answers", "AnswererLogs")):
                self.assertIn({"Fn::If": [condition, {"Ref": logs}, {"Ref": "AWS::NoValue"}]}, query["LogGroupNames"], name)

    def test_every_alarm_has_a_section_of_the_runbook_and_every_kind_is_one(self) -> None:
        runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            (section,) = re.findall(r'docs/runbook\.md, "([^"]+)"', alarm["AlarmDescription"])
            self.assertIn(f"\n## {section}\n", runbook, name)
            # One for each function or kind has the name of the family.
            family = re.sub(rf"^({'|'.join(ACKNOWLEDGING)})(?=Crashes)", "", name.removesuffix("Alarm"))
            self.assertIn(f"`{family}`", runbook, name)
            kinds = set(re.findall(r"'Name': 'kind', 'Value': '([a-z-]+)'", str(alarm)))
            self.assertLessEqual(kinds, {"unlink", "account-status", "talk-share", "talk-channel", "skill"}, name)


if __name__ == "__main__":
    unittest.main()
