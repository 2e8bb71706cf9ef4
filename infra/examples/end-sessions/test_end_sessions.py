"""What the consumer does, on a table in memory that keeps the real one's conditions."""

import itertools
import unittest
from typing import Any

from end_sessions import CLOCKS, Sessions, follow_up, instant, text

USER = "USER#123456#9007199254740993"


class Stale(Exception):
    pass


class Table:
    """The few calls of a DynamoDB table that are made here, with their conditions. It can be told to fail."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.fails_at: str | None = None
        exceptions = type("Exceptions", (), {"ConditionalCheckFailedException": Stale})
        self.meta = type("Meta", (), {"client": type("Client", (), {"exceptions": exceptions})})

    def called(self, name: str) -> None:
        if self.fails_at == name:
            self.fails_at = None
            raise ConnectionError(name)

    def get_item(self, Key: dict[str, str], **_: Any) -> dict[str, Any]:
        self.called("get_item")
        item = self.items.get((Key["pk"], Key["sk"]))
        return {"Item": item} if item else {}

    def put_item(self, Item: dict[str, Any]) -> None:
        self.called("put_item")
        self.items[Item["pk"], Item["sk"]] = Item

    def delete_item(self, Key: dict[str, str]) -> None:
        self.called("delete_item")
        self.items.pop((Key["pk"], Key["sk"]), None)

    def query(self, ExpressionAttributeValues: dict[str, str], **query: Any) -> dict[str, Any]:
        """One item a page."""
        self.called("query")
        user, sessions = ExpressionAttributeValues[":user"], ExpressionAttributeValues[":sessions"]
        after = query.get("ExclusiveStartKey", {"sk": ""})["sk"]
        found = sorted(sk for pk, sk in self.items if pk == user and sk.startswith(sessions) and sk > after)
        page: dict[str, Any] = {"Items": [self.items[user, sk] for sk in found[:1]]}
        return page | ({"LastEvaluatedKey": {"pk": user, "sk": found[0]}} if found[1:] else {})

    def update_item(self, Key: dict[str, str], ConditionExpression: str, **update: Any) -> None:
        self.called("update_item")
        item = self.items.get((Key["pk"], Key["sk"]), {})
        values = update["ExpressionAttributeValues"]
        ways = (way.removeprefix("(").removesuffix(")" * way.startswith("(")) for way in ConditionExpression.split(" OR "))
        if not any(all(self.holds(part, item, values) for part in way.split(" AND ")) for way in ways):
            raise Stale
        names = update.get("ExpressionAttributeNames", {})
        changes = (part.split(" = ") for part in update["UpdateExpression"].removeprefix("SET ").split(", "))
        written = {names.get(name, name): values[value] for name, value in changes}
        self.items[Key["pk"], Key["sk"]] = {**Key, **item, **written}

    @staticmethod
    def holds(part: str, item: dict[str, Any], values: dict[str, Any]) -> bool:
        if part.startswith("attribute_not_exists("):
            return part.removeprefix("attribute_not_exists(").removesuffix(")") not in item
        name, operator, value = part.split(" ")
        if name not in item:
            return False
        return item[name] < values[value] if operator == "<" else item[name] <= values[value]


ids = map("{:064x}".format, itertools.count())


def change(name: str, version: int, at: str = "2026-03-01T00:00:10.000Z", **members: Any) -> dict[str, Any]:
    return {
        "v": 1, "id": next(ids), "app_id": "123456", "user_id": "9007199254740993", "version": version,
        "at": at, "written_at": at, "change": name, **members,
    }


def access(to: str, version: int, **members: Any) -> dict[str, Any]:
    return change("access-changed", version, to=to, **members)


SECOND = int(instant("2026-03-01T00:00:10.000Z").timestamp())


class EndSessions(unittest.TestCase):
    def setUp(self) -> None:
        self.table = Table()
        self.sessions = Sessions(self.table)

    def begin(self, name: str, started_at: int) -> None:
        self.table.put_item({"pk": USER, "sk": f"SESSION#{name}", "started_at": started_at})

    def left(self) -> list[str]:
        return sorted(sk for _, sk in self.table.items if sk.startswith("SESSION#"))

    def door(self) -> dict[str, Any]:
        return self.table.items.get((USER, "DOOR"), {})

    def test_sessions_of_that_second_or_before_end_and_later_ones_stay(self) -> None:
        for name, started_at in [("before", SECOND - 100), ("then", SECOND), ("later", SECOND + 1)]:
            self.begin(name, started_at)
        follow_up(change("sessions-voided", 2, valid_from="2026-03-01T00:00:10.999Z"), self.sessions)
        self.assertEqual(self.left(), ["SESSION#later"])
        self.assertEqual(self.door()["void_until"], SECOND)

    def test_the_second_up_to_which_sessions_are_void_only_moves_forwards(self) -> None:
        for second in ["10", "05"]:
            follow_up(change("sessions-voided", 2, valid_from=f"2026-03-01T00:00:{second}.000Z"), self.sessions)
        self.assertEqual(self.door()["void_until"], SECOND)

    def test_blocked_or_gone_ends_all_sessions(self) -> None:
        for version, to in enumerate(["blocked", "gone"], 1):
            self.begin("one", SECOND - 1)
            self.begin("two", SECOND + 1)
            follow_up(access(to, version), self.sessions)
            self.assertEqual((self.left(), self.door()["access"]), ([], to))

    def test_an_older_word_that_comes_late_ends_nothing(self) -> None:
        gone, allowed = access("gone", 3), access("allowed", 4)
        follow_up(allowed, self.sessions)
        self.begin("new", SECOND + 60)
        self.assertEqual(follow_up(gone, self.sessions), "stale")
        self.assertEqual((self.left(), self.door()["access"]), (["SESSION#new"], "allowed"))

    def test_the_same_change_again_ends_no_newer_session(self) -> None:
        gone = access("gone", 3)
        follow_up(gone, self.sessions)
        self.begin("new", SECOND + 60)
        self.assertEqual(follow_up(gone, self.sessions), "seen")
        self.assertEqual(self.left(), ["SESSION#new"])

    def test_whatever_fails_the_next_delivery_does_the_rest(self) -> None:
        for changed in [access("gone", 3), change("sessions-voided", 3, valid_from="2026-03-01T00:00:10.000Z")]:
            for step in ["get_item", "update_item", "query", "delete_item", "put_item"]:
                self.setUp()
                self.begin("one", SECOND)
                self.begin("two", SECOND)
                self.table.fails_at = step
                with self.assertRaises(ConnectionError, msg=step):
                    follow_up(changed, self.sessions)
                follow_up(changed, self.sessions)
                self.assertEqual(self.left(), [], step)

    def test_after_the_item_expired_the_later_write_decides(self) -> None:
        follow_up(access("gone", 9), self.sessions)
        soon = instant("2026-03-01T00:00:10.000Z") + CLOCKS
        for at, outcome in [(soon, "stale"), (soon.replace(microsecond=1_000), "door open")]:
            self.assertEqual(follow_up(access("allowed", 1, at=text(at)), self.sessions), outcome)
        self.begin("new", SECOND + 7_200)
        self.assertEqual(follow_up(access("gone", 8), self.sessions), "stale")
        self.assertEqual((self.left(), self.door()["access"]), (["SESSION#new"], "allowed"))

    def test_allowed_ends_nothing_and_logs_nobody_in(self) -> None:
        self.begin("one", SECOND)
        follow_up(access("allowed", 1), self.sessions)
        self.assertEqual(self.left(), ["SESSION#one"])

    def test_what_is_unknown_or_of_an_open_id_changes_nothing(self) -> None:
        self.begin("one", SECOND)
        follow_up(change("something-new", 2), self.sessions)
        of_open_id = access("gone", 2)
        del of_open_id["user_id"]
        follow_up(of_open_id | {"open_id": "abc"}, self.sessions)
        self.assertEqual((self.left(), self.door()), (["SESSION#one"], {}))


if __name__ == "__main__":
    unittest.main()
