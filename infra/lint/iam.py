"""What IAM decides about a call under the policies of template.yaml.

It knows as much of the languages of CloudFormation and IAM as the template uses. Anything else is an Unsupported error:
a policy that isn't understood proves nothing.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
STACK = "stack"
PSEUDO = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::StackName": STACK}


class Unsupported(Exception):
    """A policy element that this module does not support."""


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{'' if service == 'iam' else REGION}:{ACCOUNT}:{rest}"


class _Absent:
    """AWS::NoValue."""


ABSENT = _Absent()

# What Fn::GetAtt returns, by the resource's type and the attribute. Of a log group it ends in ":*".
ATTRIBUTES = {
    ("AWS::DynamoDB::Table", "Arn"): lambda name: arn("dynamodb", f"table/{name}"),
    ("AWS::DynamoDB::Table", "StreamArn"): lambda name: arn("dynamodb", f"table/{name}/stream/2025-03-01T00:00:00.000"),
    ("AWS::Events::EventBus", "Arn"): lambda name: arn("events", f"event-bus/{name}"),
    # Of a bus that is not the default one.
    ("AWS::Events::Rule", "Arn"): lambda name: arn("events", f"rule/{STACK}/{name}"),
    ("AWS::IAM::Role", "Arn"): lambda name: arn("iam", f"role/{name}"),
    ("AWS::Logs::LogGroup", "Arn"): lambda name: arn("logs", f"log-group:{name}:*"),
    ("AWS::SQS::Queue", "Arn"): lambda name: arn("sqs", name),
    ("AWS::Serverless::Function", "Arn"): lambda name: arn("lambda", f"function:{name}"),
}


class Stack:
    """The template with these parameters: its resources, and the values of its expressions."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._parameters = {name: self._parameter(name, one, parameters) for name, one in template["Parameters"].items()}
        self._conditions = template["Conditions"]
        self._types = {name: one["Type"] for name, one in template["Resources"].items()}
        self.resources: dict[str, Any] = {
            name: one for name, one in template["Resources"].items() if "Condition" not in one or self.holds(one["Condition"])
        }

    @staticmethod
    def _parameter(name: str, declared: Mapping[str, Any], given: Mapping[str, str]) -> str | list[str]:
        value = str(given.get(name, declared.get("Default", "")))
        return value.split(",") if declared["Type"] == "CommaDelimitedList" else value

    def of_type(self, kind: str) -> dict[str, Any]:
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def holds(self, condition: str) -> bool:
        return self._test(self._conditions[condition])

    def _test(self, expression: Any) -> bool:
        match expression:
            case {"Condition": name}:
                return self.holds(name)
            case {"Fn::Equals": [left, right]}:
                return bool(str(self.value(left)) == str(self.value(right)))
            case {"Fn::Not": [one]}:
                return not self._test(one)
            case {"Fn::And": every}:
                return all(self._test(one) for one in every)
            case {"Fn::Or": some}:
                return any(self._test(one) for one in some)
        raise Unsupported(f"condition {expression}")

    def value(self, expression: Any) -> Any:
        """The value of an expression. Members that are AWS::NoValue are left out."""
        match expression:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._named(found[1]), text)
            case {"Fn::If": [condition, yes, no]}:
                return self.value(yes if self.holds(condition) else no)
            case {"Fn::Join": [gap, parts]}:
                return gap.join(self.value(parts))
            case {"Fn::Split": [gap, text]}:
                return self.value(text).split(gap)
            case {"Fn::Select": [index, of]}:
                return self.value(of)[int(index)]
        if isinstance(expression, dict):
            if any(name == "Ref" or name.startswith("Fn::") for name in expression):
                raise Unsupported(f"expression {expression}")
            members = {name: self.value(one) for name, one in expression.items()}
            return {name: one for name, one in members.items() if one is not ABSENT}
        if isinstance(expression, list):
            return [one for one in map(self.value, expression) if one is not ABSENT]
        return expression

    def _named(self, name: str) -> str:
        return str(self._attribute(*name.split(".")) if "." in name else self._ref(name))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return ABSENT
        if name in PSEUDO:
            return PSEUDO[name]
        return self._parameters[name] if name in self._parameters else self._name(name)

    def _name(self, resource: str) -> str:
        """What Ref returns of a resource. Its own name, where the template sets one, may be in an ARN."""
        if resource not in self.resources:
            raise Unsupported(f"{resource}, which isn't there")
        properties = self.resources[resource].get("Properties", {})
        given = [self.value(properties[key]) for key in ("LogGroupName", "Name") if key in properties]
        return str(given[0]) if given else f"{STACK}-{resource}"

    def _attribute(self, resource: str, attribute: str) -> str:
        kind = self._types.get(resource), attribute
        if kind not in ATTRIBUTES:
            raise Unsupported(f"{resource}.{attribute}")
        return ATTRIBUTES[kind](self._name(resource))


@dataclass(frozen=True)
class Call:
    """Who does what to which resource, and what IAM knows of the circumstances."""

    # The ARN of a role or user, or the name of a service.
    principal: str
    action: str
    resource: str
    # The partition key of the table.
    leading_key: str | None = None
    # The service that asks for it, of a call to KMS.
    via: str | None = None
    is_encrypted: bool = True
    # The ARN of the resource for which a service asks.
    source: str | None = None

    def values(self, key: str) -> tuple[str, ...]:
        """The values of a condition key; none if the call doesn't have it."""
        match key:
            case "aws:PrincipalArn":
                return (self.principal,) if self.principal.startswith("arn:") else ()
            case "aws:SecureTransport":
                return (str(self.is_encrypted).lower(),)
            case "aws:SourceArn":
                return () if self.source is None else (self.source,)
            case "dynamodb:LeadingKeys":
                return () if self.leading_key is None else (self.leading_key,)
            case "kms:ViaService":
                return () if self.via is None else (self.via,)
        raise Unsupported(f"condition key {key}")

    def __str__(self) -> str:
        how = [self.leading_key, self.via, self.source, None if self.is_encrypted else "over plain HTTP"]
        return " ".join([self.principal, self.action, self.resource, *(one for one in how if one is not None)])


# The operator, the key, the values.
Condition = tuple[str, str, tuple[str, ...]]
# A part of a statement: what of it, and which value.
Part = tuple[str, ...]
# The identity that has the statement (or OF_RESOURCE), its name, the part.
Used = tuple[str, str, Part]
# In the place of the identity, of a resource's policy.
OF_RESOURCE = ""


@functools.lru_cache(maxsize=None)
def _like(value: str, pattern: str) -> bool:
    if "${" in pattern:
        raise Unsupported(f"policy variable in {pattern}")
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL) is not None


def _arn_like(value: str, pattern: str) -> bool:
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) == 6 and all(map(_like, values, patterns))


def _equal(value: str, wanted: str) -> bool:
    if "${" in wanted:
        raise Unsupported(f"policy variable in {wanted}")
    return value == wanted


COMPARISONS = {"StringEquals": _equal, "Bool": _equal, "StringLike": _like, "ArnEquals": _arn_like, "ArnLike": _arn_like}
NEGATIONS = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike"}


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise Unsupported(f"value {value}")
    return values


@dataclass(frozen=True)
class Statement:
    """A statement of a policy."""

    name: str
    allows: bool
    # None in a policy of an identity, which is its principal.
    principals: tuple[str, ...] | None
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def read(cls, name: str, raw: Mapping[str, Any], own: str | None) -> "Statement":
        """`own`: the ARN of the resource whose policy it is; none in a policy of an identity."""
        if unknown := set(raw) - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}:
            raise Unsupported(f"{name}: {', '.join(sorted(unknown))}")
        if raw["Effect"] not in ("Allow", "Deny") or ("Principal" in raw) != (own is not None):
            raise Unsupported(f"{name}: its effect or its principal")
        principals = None
        match raw.get("Principal"):
            case "*":
                principals = ("*",)
            case {"Service": services, **others} if not others:
                principals = tuple(_listed(services))
            case other if other is not None:
                raise Unsupported(f"{name}: principal {other}")
        # A resource's policy is of that one only. A role's names none.
        resources = [own if own and one == "*" else one for one in _listed(raw.get("Resource", own))]
        if own and resources != [own]:
            raise Unsupported(f"{name}: the resource {resources}")
        conditions = [
            (operator, key, tuple(_listed(values)))
            for operator, keys in raw.get("Condition", {}).items()
            for key, values in keys.items()
        ]
        return cls(name, raw["Effect"] == "Allow", principals, tuple(_listed(raw["Action"])), tuple(resources), tuple(conditions))

    def parts(self) -> Iterator[Part]:
        """Everything that it names."""
        yield from (("Principal", principal) for principal in self.principals or ())
        yield from (("Action", action) for action in self.actions)
        yield from (("Resource", resource) for resource in self.resources)
        yield from ((operator, key, value) for operator, key, values in self.conditions for value in values)

    def match(self, call: Call) -> tuple[bool, set[Part]]:
        """Whether it is about a call, and which of its parts say something of the call."""
        # Most statements are about another resource, and end here.
        resources: set[Part] = {("Resource", one) for one in self.resources if _like(call.resource, one)}
        if not resources:
            return False, set()
        # Actions are compared without regard to case.
        actions: set[Part] = {("Action", one) for one in self.actions if _like(call.action.lower(), one.lower())}
        principals: set[Part] = {("Principal", one) for one in self.principals or () if one in ("*", call.principal)}
        if not actions or (self.principals is not None and not principals):
            return False, set()
        applies, parts = True, actions | resources | principals
        for operator, key, wanted in self.conditions:
            holds, values = self._compare(operator, call.values(key), wanted)
            applies &= holds
            parts |= {(operator, key, value) for value in values}
        return applies, parts

    def _compare(self, operator: str, values: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[bool, set[str]]:
        """Whether a condition holds, and which of its values are the call's."""
        every = operator.removeprefix("ForAllValues:")
        is_negated, of_every = every in NEGATIONS, every != operator
        compare = COMPARISONS.get(NEGATIONS.get(every, every))
        if compare is None or (is_negated and of_every):
            raise Unsupported(f"{self.name}: operator {operator}")
        if len(values) > 1 and not of_every:
            raise Unsupported(f"{self.name}: {operator} of several values")
        found = {value: {one for one in wanted if compare(value, one)} for value in values}
        matched = set().union(*found.values())
        if is_negated:
            return not matched, matched
        # With ForAllValues an absent key matches.
        return all(found.values()) and (bool(values) or of_every), matched


@dataclass
class Policies:
    """The policies of a stack."""

    # Of identities, by the ARN of a role.
    identities: dict[str, list[Statement]] = field(default_factory=dict)
    # Of resources.
    resources: list[Statement] = field(default_factory=list)

    @classmethod
    def of(cls, stack: Stack) -> "Policies":
        policies = cls()
        for name, resource in stack.resources.items():
            documents = list(_documents(stack, name, resource["Type"], resource.get("Properties", {})))
            if len(documents) != _count_policies(resource):
                raise Unsupported(f"{name}: a policy of {resource['Type']}")
            for document in documents:
                policies._add(document, stack.value(document.text))
        return policies

    def _add(self, document: "_Document", text: Mapping[str, Any]) -> None:
        if set(text) != {"Version", "Statement"} or text["Version"] != "2012-10-17":
            raise Unsupported(f"{document.name}: its version")
        for number, raw in enumerate(text["Statement"]):
            statement = Statement.read(f"{document.name}/{raw.get('Sid', number)}", raw, document.of_resource)
            for identity in document.identities:
                self.identities.setdefault(identity, []).append(statement)
            if document.of_resource:
                self.resources.append(statement)

    def attach(self, managed: str, role: str) -> None:
        """Attaches a managed policy of the stack to a role that isn't the stack's."""
        self.identities[role] = self.identities.pop(managed)

    def decide(self, call: Call, used: set[Used] | None = None) -> bool:
        """Whether a call is allowed. What decides that is added to `used`."""
        is_allowed = is_denied = False
        own = [(call.principal, one) for one in self.identities.get(call.principal, [])]
        of_resource = [(OF_RESOURCE, one) for one in self.resources if call.resource in one.resources]
        for holder, statement in (*own, *of_resource):
            applies, parts = statement.match(call)
            is_allowed |= applies and statement.allows
            is_denied |= applies and not statement.allows
            # An exception of a refusal decides, too.
            if used is not None and (applies or not statement.allows):
                used |= {(holder, statement.name, part) for part in parts}
        return is_allowed and not is_denied

    def refuses(self, call: Call, used: set[Used]) -> bool:
        """Whether a call is refused even if a policy of the caller's own allows everything."""
        everything = Statement("everything", True, None, ("*",), ("*",), ())
        return not Policies({call.principal: [everything]}, self.resources).decide(call, used)

    def statements(self) -> Iterator[tuple[str, Statement]]:
        """Every statement, and the identity that has it."""
        yield from ((holder, one) for holder, statements in self.identities.items() for one in statements)
        yield from ((OF_RESOURCE, one) for one in self.resources)

    def with_statement(self, holder: str, old: Statement, new: Statement | None) -> "Policies":
        """The same with another statement in the place of one, or none."""
        changed = [new if one is old else one for one in (self.resources if holder == OF_RESOURCE else self.identities[holder])]
        kept = [one for one in changed if one is not None]
        if holder == OF_RESOURCE:
            return Policies(self.identities, kept)
        return Policies({**self.identities, holder: kept}, self.resources)


@dataclass(frozen=True)
class _Document:
    """A policy of the template, and whose it is."""

    name: str
    text: Any
    identities: tuple[str, ...] = ()
    of_resource: str | None = None


def _documents(stack: Stack, name: str, kind: str, properties: Mapping[str, Any]) -> Iterator[_Document]:
    """The policies of a resource of the template."""
    match kind, properties:
        case "AWS::IAM::Role", {"AssumeRolePolicyDocument": trust, "Policies": policies}:
            role = stack.value({"Fn::GetAtt": [name, "Arn"]})
            if "ManagedPolicyArns" in properties or "PermissionsBoundary" in properties:
                raise Unsupported(f"{name}: a managed policy or a boundary")
            yield _Document(f"{name}/trust", trust, of_resource=role)
            for policy in policies:
                yield _Document(f"{name}/{policy['PolicyName']}", policy["PolicyDocument"], (role,))
        case "AWS::IAM::Policy", {"PolicyName": _, "Roles": roles, "PolicyDocument": text, **others} if not others:
            yield _Document(name, text, tuple(arn("iam", f"role/{role}") for role in stack.value(roles)))
        case "AWS::IAM::ManagedPolicy", {"Description": _, "PolicyDocument": text, **others} if not others:
            # The template attaches it to no identity.
            yield _Document(name, text, (name,))
        case "AWS::SQS::QueuePolicy", {"Queues": [{"Ref": queue}], "PolicyDocument": text}:
            yield _Document(name, text, of_resource=stack.value({"Fn::GetAtt": [queue, "Arn"]}))
        case "AWS::DynamoDB::Table", {"ResourcePolicy": {"PolicyDocument": text}}:
            yield _Document(name, text, of_resource=stack.value({"Fn::GetAtt": [name, "Arn"]}))


def _count_policies(value: Any) -> int:
    """How many policies are anywhere in a resource."""
    if isinstance(value, dict):
        return ("Statement" in value) + sum(map(_count_policies, value.values()))
    return sum(map(_count_policies, value)) if isinstance(value, list) else 0
