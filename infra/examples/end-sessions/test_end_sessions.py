"""What the consumer does, on a table in memory that keeps the real one's conditions."""

import json
import unittest
from pathlib import Path
from typing import Any

from end_sessions import Sessions, follow_up, second

USER = "USER#123456#9007199254740993"
AT = "2026-03-01T00:00:10.000Z"
SECOND = second(AT)


class Stale(Exception):
    pass


class Table:
    """The few calls of a DynamoDB table that are made here, with their condition. It can be told to fail."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.fails_at: str | None = None
        exceptions = type("Exceptions", (), {"ConditionalCheckFailedException": Stale})
        self.meta = type("Meta", (), {"client": type("Client", (), {"exceptions": exceptions})})

    def called(self, name: str) -> None:
        if self.fails_at == name:
            self.fails_at = None
            raise ConnectionError(name)

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

    def update_item(self, Key: dict[str, str], ConditionExpression: str, UpdateExpression: str, **update: Any) -> None:
        self.called("update_item")
        values = update["ExpressionAttributeValues"]
        assert ConditionExpression == "attribute_not_exists(version) OR version <= :version"
        item = self.items.get((Key["pk"], Key["sk"]), {})
        if "version" in item and not item["version"] <= values[":version"]:
            raise Stale
        changes = (part.split(" = ") for part in UpdateExpression.removeprefix("SET ").split(", "))
        self.items[Key["pk"], Key["sk"]] = {**Key, **item, **{name: values[value] for name, value in changes}}


def change(version: int, access: str = "allowed", **state: Any) -> dict[str, Any]:
    return {
        "v": 2, "id": f"123456:9007199254740993:{version}", "app_id": "123456", "user_id": "9007199254740993",
        "version": version, "written_at": AT, "changed": ["access"],
        "state": {"app_id": "123456", "user_id": "9007199254740993", "version": version, "access": access, **state},
    }


class EndSessions(unittest.TestCase):
    def setUp(self) -> None:
        self.table = Table()
        self.sessions = Sessions(self.table)

    def begin(self, name: str, started_at: int) -> None:
        self.table.items[USER, f"SESSION#{name}"] = {"pk": USER, "sk": f"SESSION#{name}", "started_at": started_at}

    def left(self) -> list[str]:
        return sorted(sk for _, sk in self.table.items if sk.startswith("SESSION#"))

    def door(self) -> dict[str, Any]:
        return self.table.items.get((USER, "DOOR"), {})

    def test_every_change_that_is_published_is_followed(self) -> None:
        published = json.loads(Path(__file__).parent.with_name("published.json").read_text(encoding="utf-8"))
        for sample in published:
            follow_up(sample, self.sessions)
        kept = {(pk, door["version"], door["access"]) for (pk, _), door in self.table.items.items()}
        members = [sample for sample in published if "user_id" in sample]
        user = "USER#{app_id}#{user_id}".format_map
        self.assertEqual(kept, {(user(sample), sample["version"], sample["state"]["access"]) for sample in members})

    def test_sessions_of_that_second_or_before_end_and_later_ones_stay(self) -> None:
        for name, started_at in [("before", SECOND - 100), ("then", SECOND), ("later", SECOND + 1)]:
            self.begin(name, started_at)
        follow_up(change(2, sessions_valid_from="2026-03-01T00:00:10.999Z"), self.sessions)
        self.assertEqual(self.left(), ["SESSION#later"])
        self.assertEqual((self.door()["access"], self.door()["void_until"]), ("allowed", SECOND))

    def test_blocked_or_gone_ends_all_sessions(self) -> None:
        for version, access in enumerate(["blocked", "gone"], 1):
            self.begin("one", SECOND - 1)
            self.begin("two", SECOND + 1)
            follow_up(change(version, access), self.sessions)
            self.assertEqual((self.left(), self.door()["access"]), ([], access))

    def test_an_older_change_that_comes_late_ends_nothing(self) -> None:
        follow_up(change(4, sessions_valid_from=AT), self.sessions)
        self.begin("new", SECOND + 60)
        for late in [change(3, "gone"), change(1, sessions_valid_from="2026-03-01T01:00:00.000Z")]:
            self.assertEqual(follow_up(late, self.sessions), "stale")
        self.assertEqual((self.left(), self.door()["access"]), (["SESSION#new"], "allowed"))

    def test_the_same_change_again_ends_no_newer_session(self) -> None:
        for _ in range(2):
            follow_up(change(3, sessions_valid_from=AT), self.sessions)
            self.begin("new", SECOND + 60)
        self.assertEqual(self.left(), ["SESSION#new"])

    def test_a_new_link_opens_the_door(self) -> None:
        follow_up(change(3, "gone", sessions_valid_from=AT), self.sessions)
        self.assertEqual(follow_up(change(4, sessions_valid_from=AT), self.sessions), "allowed, 0 ended")
        self.assertEqual(self.door()["access"], "allowed")

    def test_a_link_that_overtakes_the_unlink_still_ends_its_sessions(self) -> None:
        self.begin("old", SECOND)
        follow_up(change(4, sessions_valid_from=AT), self.sessions)
        self.assertEqual((self.left(), self.door()["access"]), ([], "allowed"))

    def test_whatever_fails_the_next_delivery_does_the_rest(self) -> None:
        for changed in [change(3, "gone"), change(3, sessions_valid_from=AT)]:
            for step in ["update_item", "query", "delete_item"]:
                self.setUp()
                self.begin("one", SECOND)
                self.begin("two", SECOND)
                self.table.fails_at = step
                with self.assertRaises(ConnectionError, msg=step):
                    follow_up(changed, self.sessions)
                follow_up(changed, self.sessions)
                self.assertEqual(self.left(), [], step)

    def test_allowed_ends_nothing(self) -> None:
        self.begin("one", SECOND)
        follow_up(change(1), self.sessions)
        self.assertEqual(self.left(), ["SESSION#one"])

    def test_what_is_unknown_or_of_an_open_id_ends_nothing(self) -> None:
        self.begin("one", SECOND)
        self.assertEqual(follow_up(change(2, moon="full") | {"changed": ["moon"]}, self.sessions), "allowed, 0 ended")
        self.assertEqual(follow_up(change(3, "puzzled"), self.sessions), "puzzled, 0 ended")
        of_open_id = change(4, "gone") | {"open_id": "abc"}
        del of_open_id["user_id"]
        self.assertEqual(follow_up(of_open_id, self.sessions), "no member")
        self.assertEqual(self.left(), ["SESSION#one"])


if __name__ == "__main__":
    unittest.main()
