"""The policies of template.yaml allow what the functions do, and nothing else.

The permissions.rs of tests/bus, tests/delivery, tests/reconcile and tests/answers have the functions make every call that
they ever make, and list them in aws-calls*.snap of tests/snapshots. IAM decides about each of them, about what AWS itself
does with the functions' roles, and about every other call that a role could make.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import itertools
import json
import unittest
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from iam import OF_RESOURCE, REGION, Call, Condition, Policies, Stack, Statement, Unsupported, Used, arn
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))


def listed(snapshot: str) -> list[tuple[str, ...]]:
    # Behind the snapshot's head.
    _, _, calls = (ROOT / f"tests/snapshots/{snapshot}.snap").read_text(encoding="utf-8").split("---\n")
    return [tuple(line.split(" ")) for line in json.loads(calls)]


LISTED = listed("aws-calls")
# What a stack with DeliveryUrl has besides.
OF_DELIVERY = listed("aws-calls-of-delivery")
# What one with KakaoReaderKeys has besides. A resource behind a variable's "/" belongs to the one that the variable names.
OF_RECONCILER = listed("aws-calls-of-reconciler")
# What one with SkillAnswerer has besides, and by which proof the answerer asks: a secret for a URL, or IAM.
OF_ANSWERER = [
    *listed("aws-calls-of-answerer"),
    # Invocations of functions, which the tests' Lambda API doesn't list.
    ("skill", "lambda:InvokeFunction", "ANSWERER_FUNCTION"),
    ("answerer", "lambda:InvokeFunction", "SKILL_ANSWERER"),
]

KEY = arn("kms", "key/0a1b2c3d")
# Roles outside the stack: a consumer that reads states, a sender of service events, any other.
READER, SENDER, STRANGER = (arn("iam", f"role/{name}") for name in ("reader", "sender", "stranger"))

# The parameters on which policies depend, alone and together.
DELIVERY = {"DeliveryUrl": "https://example.com/kakao", "DeliverySecret": arn("secretsmanager", "secret:delivery-0a1B2c")}
RECONCILING = {"KakaoReaderKeys": arn("secretsmanager", "secret:reader-keys-0a1B2c")}
ASKING_BY_HTTPS = {
    "SkillAuth": "{}",
    "SkillAnswerer": "https://example.com/answer",
    "SkillAnswererSecret": arn("secretsmanager", "secret:answerer-0a1B2c"),
}
ASKING_LAMBDA = {"SkillAuth": "{}", "SkillAnswerer": arn("lambda", "function:answers"), "SkillAnswererSecret": ""}
OPTIONS = [DELIVERY, RECONCILING, ASKING_BY_HTTPS, ASKING_LAMBDA, {"KmsKeyArn": KEY}, {"QueueSenderArns": SENDER}, {"Deployment": "AllAtOnce", "Release": "1"}]
SITUATIONS = [dict(ChainMap(*some)) for number in range(len(OPTIONS) + 1) for some in itertools.combinations(OPTIONS, number)]

# Actions that name a partition key.
OF_A_KEY = {f"dynamodb:{name}Item" for name in ("Get", "BatchGet", "Put", "Update", "Delete", "ConditionCheck")} | {"dynamodb:Query"}

# Resources that aren't the stack's.
ELSEWHERE = {
    arn("cloudwatch", "alarm:any").replace(REGION, "us-east-1"),
    arn("dynamodb", "table/other"),
    arn("dynamodb", "table/other/stream/2025-03-01T00:00:00.000"),
    arn("events", "event-bus/other"),
    arn("iam", "role/other"),
    arn("kms", "key/other"),
    arn("lambda", "function:other"),
    arn("secretsmanager", "secret:other"),
    arn("logs", "log-group:other:log-stream:2025/03/01/0a1b2c"),
    arn("sqs", "other"),
}
# The services through which a key can be used, and none.
VIA = [None, *(f"{service}.{REGION}.amazonaws.com" for service in ("dynamodb", "sqs", "lambda"))]


def examples(pattern: str) -> list[str]:
    """What a pattern stands for: more than one, so that none fits by being the same text."""
    return [pattern.replace("*", rest) for rest in (("123456#3142857", "2025-03-01") if "*" in pattern else ("",))]


class Calls:
    """Every call that happens in a stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.keys = self._keys()
        own = [*self._of_functions(), *self._of_lambda(), *self._of_codedeploy(), *self._of_reader(), *self._of_eventbridge()]
        self.made = [*own, *itertools.chain.from_iterable(map(self._of_key, own))]

    def _att(self, resource: str, attribute: str = "Arn") -> str:
        return str(self.stack.value({"Fn::GetAtt": [resource, attribute]}))

    def _functions(self) -> Iterator[tuple[str, Any, str]]:
        """Of each function: its binary, its properties, the ARN of its role."""
        for name, function in self.stack.of_type("AWS::Serverless::Function").items():
            binary = self.stack.resources[name]["Metadata"]["BuildProperties"]["Binary"]
            yield binary, function, str(self.stack.value(function["Role"]))

    def _of_functions(self) -> Iterator[Call]:
        """What they ask for themselves, as the end-to-end tests list it."""
        usual = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        functions = {binary: ({**usual, **one["Environment"]["Variables"]}, role) for binary, one, role in self._functions()}
        optional = {"Delivers": OF_DELIVERY, "Reconciles": OF_RECONCILER, "Answers": OF_ANSWERER}
        calls = [*LISTED, *itertools.chain.from_iterable(calls for condition, calls in optional.items() if self.stack.holds(condition))]
        for function, action, named_resource, *keys in calls:
            variables, role = functions[function]
            variable, slash, part = named_resource.partition("/")
            if variable == "SKILL_ANSWERER" and not self.stack.holds("AsksLambda"):
                continue
            if variable == "SKILL_ANSWERER_SECRET" and not self.stack.holds("AsksByHttps"):
                continue
            # The variable's value in the template is a reference to the resource, or a parameter with its ARN, perhaps
            # behind the condition of what is optional.
            value = variables[variable]
            named = value.get("Fn::If", [None, value])[1]["Ref"]
            resource = str(self.stack.value({"Ref": named})) if named in TEMPLATE["Parameters"] else self._att(named)
            resource += slash + part
            for key in examples(keys[0]) if keys else [None]:
                yield Call(role, action, resource, key)

    def _of_lambda(self) -> Iterator[Call]:
        """What Lambda does in a function's name: Lambda, "Execution role" and the pages of each event source."""
        for _, function, role in self._functions():
            yield Call("lambda.amazonaws.com", "sts:AssumeRole", role)
            stream = self._att(function["LoggingConfig"]["LogGroup"]["Ref"]).removesuffix("*") + "log-stream:2025/03/01/0a1b2c"
            yield from (Call(role, f"logs:{action}", stream) for action in ("CreateLogStream", "PutLogEvents"))
        for source in self.stack.of_type("AWS::Lambda::EventSourceMapping").values():
            role = str(self.stack.value(self.stack.resources[source["FunctionName"]["Ref"]]["Properties"]["Role"]))
            of = str(self.stack.value(source["EventSourceArn"]))
            if of.startswith("arn:aws:sqs:"):
                actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
                yield from (Call(role, f"sqs:{action}", of) for action in actions)
            else:
                yield from (Call(role, f"dynamodb:{action}", of) for action in ("GetRecords", "GetShardIterator", "DescribeStream"))
                # Asked for all streams of the table, it knows no single one.
                yield from (Call(role, "dynamodb:ListStreams", stream) for stream in (of, of.rpartition("/")[0] + "/*"))
            if destination := source.get("DestinationConfig"):
                yield Call(role, "sqs:SendMessage", str(self.stack.value(destination["OnFailure"]["Destination"])))

    def _of_codedeploy(self) -> Iterator[Call]:
        """What CodeDeploy does: its managed policy AWSCodeDeployRoleForLambdaLimited, without hooks and topics."""
        groups = self.stack.of_type("AWS::CodeDeploy::DeploymentGroup")
        for name, group in groups.items():
            role = str(self.stack.value(group["ServiceRoleArn"]))
            yield Call("codedeploy.amazonaws.com", "sts:AssumeRole", role)
            yield Call(role, "cloudwatch:DescribeAlarms", arn("cloudwatch", "alarm:any"))
            function = self._att(name.removesuffix("Deployment") + "Function")
            alias = f"{function}:live"
            yield Call(role, "lambda:GetProvisionedConcurrencyConfig", alias)
            # By the function's ARN today, by the alias's should that change.
            for action, resource in itertools.product(("lambda:GetAlias", "lambda:UpdateAlias"), (function, alias)):
                yield Call(role, action, resource)

    def _of_eventbridge(self) -> Iterator[Call]:
        """What EventBridge does for a rule: it sends to the target, and to the target's dead-letter queue."""
        for name, rule in self.stack.of_type("AWS::Events::Rule").items():
            for target in rule["Targets"]:
                for queue in (target["Arn"], target["DeadLetterConfig"]["Arn"]):
                    source = self._att(name)
                    yield Call("events.amazonaws.com", "sqs:SendMessage", str(self.stack.value(queue)), source=source)

    def _of_reader(self) -> Iterator[Call]:
        """What docs/user-state.md lets the service do with ReadStatePolicyArn."""
        table = self._att("Table")
        for action, keys in itertools.product(("GetItem", "BatchGetItem"), ("USER#*", "OPENID#*", "BOT#*")):
            yield from (Call(READER, f"dynamodb:{action}", table, key) for key in examples(keys))

    def not_refused(self) -> Iterator[Call]:
        """What the resources' policies leave to a principal's own."""
        if self.stack.holds("HasQueueSenders"):
            yield Call(SENDER, "sqs:SendMessage", self._att("EventQueue"))
        for name in self.stack.of_type("AWS::SQS::Queue"):
            yield Call(STRANGER, "sqs:ReceiveMessage", self._att(name))
        yield Call(STRANGER, "dynamodb:Scan", self._att("Table"))

    def _of_key(self, call: Call) -> Iterator[Call]:
        """What a call asks of the key that encrypts its resource: SQS, "Key management"; DynamoDB, "Encryption at rest",
        where only the service itself makes data keys."""
        service, action = call.action.split(":")
        # What a service asks of it is for the key's own policy to allow: docs/deploy.md, "A key of your own".
        if not call.principal.startswith("arn:"):
            return
        via = f"{service}.{REGION}.amazonaws.com"
        uses = {"SendMessage": ("Decrypt", "GenerateDataKey"), "ReceiveMessage": ("Decrypt",)} if service == "sqs" else {}
        for use in uses.get(action, ("Decrypt",) if service == "dynamodb" else ()):
            # An index is encrypted as its table is.
            if key := self.keys.get(call.resource.partition("/index/")[0]):
                yield Call(call.principal, f"kms:{use}", key, via=via)

    def _keys(self) -> dict[str, str]:
        """The keys of the queues, the table and its stream."""
        keys = {self._att(name): one for name, one in self.stack.of_type("AWS::SQS::Queue").items()}
        keys = {of: self.stack.value(queue).get("KmsMasterKeyId") for of, queue in keys.items()}
        for name, table in self.stack.of_type("AWS::DynamoDB::Table").items():
            key = self.stack.value(table["SSESpecification"]).get("KMSMasterKeyId")
            keys |= {self._att(name): key, self._att(name, "StreamArn"): key}
        return {of: key for of, key in keys.items() if key}

    def refused(self) -> Iterator[Call]:
        """What is refused whatever a principal's own policies say."""
        for resource in [*self.stack.of_type("AWS::SQS::Queue"), *self.stack.of_type("AWS::DynamoDB::Table")]:
            service = "dynamodb" if resource == "Table" else "sqs"
            yield Call(STRANGER, f"{service}:Any", self._att(resource), is_encrypted=False)
        queue = self._att("EventQueue")
        sends = (call for call in (*self.made, *self.not_refused()) if (call.action, call.resource) == ("sqs:SendMessage", queue))
        others = {self._att(name) for name in self.stack.of_type("AWS::IAM::Role")} | {STRANGER, SENDER}
        yield from (Call(role, "sqs:SendMessage", queue) for role in sorted(others - {call.principal for call in sends}))

    def probes(self, policies: Policies, principals: set[str]) -> Iterator[Call]:
        """Every action that is made or named anywhere, by each of these principals, on every resource of its service and
        on one that isn't the stack's, in every partition."""
        statements = [statement for _, statement in policies.statements()]
        resources = {call.resource for call in self.made} | ELSEWHERE
        actions = {call.action for call in self.made} | {f"{call.action.partition(':')[0]}:Other" for call in self.made}
        actions |= {one for statement in statements for action in statement.actions for one in examples(action)}
        # For whom a service asks.
        sources = {call.principal: {one.source for one in self.made if one.source and one.principal == call.principal} for call in self.made}
        keys = {call.leading_key for call in self.made if call.leading_key} | {"OTHER#1"}
        conditions = [condition for statement in statements for condition in statement.conditions]
        keys |= {one for _, key, values in conditions if key == "dynamodb:LeadingKeys" for value in values for one in examples(value)}
        for action, resource in itertools.product(sorted(actions), sorted(resources)):
            service = action.partition(":")[0]
            if {"sts": "iam"}.get(service, service) != resource.split(":")[2]:
                continue
            for principal in sorted(principals):
                # An index has keys of its own, which the policies don't tell apart.
                for key in sorted(keys) if action in OF_A_KEY and "/index/" not in resource else [None]:
                    for via in VIA if service == "kms" else [None]:
                        yield Call(principal, action, resource, key, via)
                yield from (Call(principal, action, resource, source=source) for source in sources.get(principal, ()))


def complaints(calls: Calls, policies: Policies, concerned: str | None = None) -> Iterator[str]:
    """What is wrong with the policies. What they allow beyond the calls is searched of one principal or one resource, by
    default of all."""
    used: set[Used] = set()
    for call in calls.made:
        if not policies.decide(call, used):
            yield f"is made and not allowed: {call}"
    for call in calls.not_refused():
        if policies.refuses(call, used):
            yield f"is refused: {call}"
    for call in calls.refused():
        if not policies.refuses(call, used):
            yield f"is not refused: {call}"
    for holder, statement in policies.statements():
        for part in statement.parts():
            if (holder, statement.name, part) not in used:
                yield f"is used by no call: {holder} {statement.name} {' '.join(part)}"
    made = set(calls.made)
    everybody = {*policies.identities, *(call.principal for call in calls.made), STRANGER, "other.amazonaws.com"}
    for call in calls.probes(policies, everybody):
        is_concerned = concerned in (None, call.principal, call.resource)
        if is_concerned and call not in made and policies.decide(call):
            yield f"is allowed and never made: {call}"


def situation(parameters: dict[str, str]) -> tuple[Calls, Policies]:
    stack = Stack(TEMPLATE, parameters)
    policies = Policies.of(stack)
    policies.attach("ReadState", READER)
    return Calls(stack), policies


class Enough(unittest.TestCase):
    def test_every_call_is_allowed_and_nothing_else_is(self) -> None:
        for parameters in SITUATIONS:
            with self.subTest(parameters):
                self.assertEqual(list(complaints(*situation(parameters))), [])


def narrowed(statement: Statement) -> Iterator[Statement | None]:
    """Without the statement, and with each of its values taken away."""
    yield None
    for name in ("actions", "resources", "principals"):
        values = getattr(statement, name) or ()
        yield from (replace(statement, **{name: tuple(one for one in values if one != gone)}) for gone in values)
    for condition in statement.conditions:
        operator, key, values = condition
        for gone in values:
            yield with_condition(statement, condition, (operator, key, tuple(one for one in values if one != gone)))


def widened(statement: Statement) -> Iterator[Statement]:
    """With a value more in each place, and with any value there."""
    service = statement.actions[0].partition(":")[0]
    yield replace(statement, actions=(*statement.actions, f"{service}:Other"))
    yield replace(statement, resources=(*statement.resources, "other"))
    if statement.principals is not None:
        yield replace(statement, principals=(*statement.principals, "other.amazonaws.com"))
    # A broader denial grants nothing.
    if statement.allows:
        yield from (replace(statement, actions=(some,)) for some in ("*", f"{service}:*") if some not in statement.actions)
        if statement.principals is None:
            yield replace(statement, resources=("*",))
    for condition in statement.conditions:
        operator, key, values = condition
        yield with_condition(statement, condition, None)
        yield with_condition(statement, condition, (operator, key, (*values, "OTHER#*")))
        if operator != "Bool":
            yield with_condition(statement, condition, (operator.replace("StringEquals", "StringLike"), key, ("*",)))


def with_condition(statement: Statement, old: Condition, new: Condition | None) -> Statement:
    changed = [new if one == old else one for one in statement.conditions]
    return replace(statement, conditions=tuple(one for one in changed if one is not None))


class TheCheckItself(unittest.TestCase):
    def test_it_finds_whatever_is_taken_away_or_added(self) -> None:
        calls, policies = situation(SITUATIONS[-1])
        for holder, statement in policies.statements():
            for other in (*narrowed(statement), *widened(statement)):
                concerned = statement.resources[0] if holder == OF_RESOURCE else holder
                found = complaints(calls, policies.with_statement(holder, statement, other), concerned)
                self.assertIsNotNone(next(found, None), f"{holder} {statement.name}: {other}")


ROLE = arn("iam", "role/caller")
TABLE = arn("dynamodb", "table/users")


def is_allowed(call: Call, *statements: dict[str, Any], of_resource: dict[str, Any] | None = None) -> bool:
    own = [Statement.read(str(number), one, None) for number, one in enumerate(statements)]
    return Policies({ROLE: own}, [Statement.read("resource", of_resource, TABLE)] if of_resource else []).decide(call)


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE, **elements}


class Deciding(unittest.TestCase):
    """IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements"."""

    GET = Call(ROLE, "dynamodb:GetItem", TABLE, "USER#1#2")

    def test_what_no_statement_allows_is_refused_and_what_one_denies_too(self) -> None:
        deny = allow(Effect="Deny", Action="dynamodb:*")
        self.assertFalse(is_allowed(self.GET))
        self.assertTrue(is_allowed(self.GET, allow()))
        self.assertFalse(is_allowed(self.GET, allow(), deny))
        self.assertFalse(is_allowed(self.GET, allow(), of_resource={**deny, "Principal": "*"}))
        self.assertFalse(is_allowed(replace(self.GET, principal=STRANGER), allow()))

    def test_actions_and_resources_are_compared_as_patterns(self) -> None:
        for action in ("dynamodb:GetItem", "dynamodb:getitem", "dynamodb:Get*", "dynamodb:?etItem", "*", ["s3:GetObject", "dynamodb:*"]):
            self.assertTrue(is_allowed(self.GET, allow(Action=action)), action)
        for resource in (arn("dynamodb", "table/*"), "*", ["*", "arn:aws:s3:::x"]):
            self.assertTrue(is_allowed(self.GET, allow(Resource=resource)), resource)
        for other in (allow(Action="dynamodb:Get"), allow(Resource=TABLE + "/index/x"), allow(Resource="table.users")):
            self.assertFalse(is_allowed(self.GET, other), other)

    def test_a_condition_holds_for_all_values_or_none(self) -> None:
        def keys(operator: str, *values: str) -> dict[str, Any]:
            return allow(Condition={operator: {"dynamodb:LeadingKeys": list(values)}})

        self.assertTrue(is_allowed(self.GET, keys("ForAllValues:StringLike", "OPENID#*", "USER#*")))
        self.assertFalse(is_allowed(self.GET, keys("ForAllValues:StringLike", "OPENID#*")))
        self.assertFalse(is_allowed(self.GET, keys("ForAllValues:StringEquals", "USER#*")))
        # A call without the key passes "for all values", and no other comparison.
        without = replace(self.GET, leading_key=None)
        self.assertTrue(is_allowed(without, keys("ForAllValues:StringLike", "OPENID#*")))
        self.assertFalse(is_allowed(without, keys("StringLike", "OPENID#*")))
        self.assertTrue(is_allowed(without, keys("StringNotLike", "OPENID#*")))

    def test_a_refusal_may_except_principals(self) -> None:
        for excepted, expected in ((ROLE, True), (arn("iam", "role/c*"), True), (STRANGER, False), ("*", False)):
            condition = {"ArnNotEquals": {"aws:PrincipalArn": excepted}}
            deny = {**allow(Effect="Deny"), "Principal": "*", "Condition": condition}
            self.assertIs(is_allowed(self.GET, allow(), of_resource=deny), expected, excepted)

    def test_what_is_not_understood_is_an_error(self) -> None:
        for other in (
            {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:*", "NotResource": "*"},
            allow(Principal="*"),
            allow(Effect="allow"),
            allow(Condition={"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": "USER#*"}}),
            allow(Condition={"StringLikeIfExists": {"dynamodb:LeadingKeys": "USER#*"}}),
            allow(Condition={"StringLike": {"dynamodb:LeadingKeys": "USER#${aws:userid}"}}),
            allow(Condition={"StringLike": {"dynamodb:Attributes": "pk"}}),
            allow(Condition={"Bool": {"aws:SecureTransport": True}}),
        ):
            with self.assertRaises(Unsupported, msg=str(other)):
                is_allowed(self.GET, other)
        for principal in ({"AWS": ROLE}, {"Service": "x.amazonaws.com", "AWS": ROLE}):
            with self.assertRaises(Unsupported):
                is_allowed(self.GET, of_resource=allow(Principal=principal))


def stack_of(resources: dict[str, Any]) -> Stack:
    return Stack({"Parameters": {"Some": {"Type": "String", "Default": "some"}}, "Conditions": {}, "Resources": resources}, {})


class Reading(unittest.TestCase):
    DOCUMENT = {"Version": "2012-10-17", "Statement": [allow()]}

    def test_a_policy_that_is_not_understood_is_an_error(self) -> None:
        for kind, properties in (
            ("AWS::SNS::TopicPolicy", {"PolicyDocument": self.DOCUMENT}),
            ("AWS::Serverless::Function", {"Policies": [self.DOCUMENT]}),
            ("AWS::IAM::Policy", {"PolicyName": "x", "Users": ["x"], "Roles": [], "PolicyDocument": self.DOCUMENT}),
            ("AWS::IAM::ManagedPolicy", {"Description": "x", "Roles": ["x"], "PolicyDocument": self.DOCUMENT}),
            ("AWS::IAM::Role", {"AssumeRolePolicyDocument": self.DOCUMENT, "Policies": [], "ManagedPolicyArns": ["x"]}),
            ("AWS::IAM::ManagedPolicy", {"Description": "x", "PolicyDocument": {**self.DOCUMENT, "Version": "2008-10-17"}}),
        ):
            with self.assertRaises(Unsupported, msg=kind):
                Policies.of(stack_of({"X": {"Type": kind, "Properties": properties}}))

    def test_an_expression_that_is_not_understood_is_an_error(self) -> None:
        stack = stack_of({"Api": {"Type": "AWS::Serverless::HttpApi", "Properties": {}}})
        self.assertEqual(stack.value({"Fn::Sub": "${Some}-${AWS::Region}"}), f"some-{REGION}")
        for expression in (
            {"Fn::ImportValue": "x"},
            {"Fn::GetAtt": ["Api", "ApiEndpoint"]},
            {"Ref": "Missing"},
            {"Fn::Sub": ["${x}", {"x": "y"}]},
            {"Fn::Sub": "${Missing}"},
        ):
            with self.assertRaises(Unsupported, msg=str(expression)):
                stack.value(expression)
        with self.assertRaises(Unsupported):
            Stack({"Parameters": {}, "Conditions": {"C": {"Fn::Contains": []}}, "Resources": {"X": {"Type": "Y", "Condition": "C"}}}, {})


if __name__ == "__main__":
    unittest.main()
