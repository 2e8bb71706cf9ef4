"""Signed requests against the real app and an SQLite database."""

import json
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from follow_up import SCHEMA, create_app
from sqlalchemy import StaticPool, create_engine, text
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cyBhbG9uZSE="
USER = {"app_id": "123456", "user_id": "18446744073709551557"}
AT = datetime(2026, 3, 1, 0, 0, 10, tzinfo=UTC)


def written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def change(version: int, access: str, **state: Any) -> dict[str, Any]:
    return {
        "v": 2, "id": f"123456:18446744073709551557:{version}", **USER, "version": version,
        "written_at": written(AT), "changed": ["access"],
        "state": {**USER, "version": version, "access": access, "updated_at": written(AT), **state},
    }


class FollowUp(unittest.TestCase):
    def setUp(self) -> None:
        self.engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
        self.addCleanup(self.engine.dispose)
        for statement in SCHEMA.split(";"):
            self.sql(statement)
        self.client = TestClient(create_app(self.engine, SECRET), raise_server_exceptions=False)
        self.log_in(AT - timedelta(days=1))

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as db:
            result = db.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def log_in(self, at: datetime) -> None:
        """As the service does it: the member is active, the profile is fresh, a session begins."""
        values = {**USER, "at": round(at.timestamp() * 1000), "id": written(at)}
        self.sql("insert into member values (:app_id, :user_id, true, 'Ryan', :at) on conflict (app_id, user_id)"
                 " do update set active = true, nickname = 'Ryan', profile_at = :at", **values)
        self.sql("insert into session values (:id, :app_id, :user_id, :at)", **values)

    def deliver(self, data: dict[str, Any], kind: str = "user.changed", at: datetime | None = None, **headers: str) -> int:
        body = json.dumps({"type": kind, "timestamp": written(AT), "data": data})
        at = at or datetime.now(UTC)
        signed = {"webhook-id": data["id"], "webhook-timestamp": str(int(at.timestamp()))}
        signed["webhook-signature"] = Webhook(SECRET).sign(data["id"], at, body)
        return self.client.post("/kakao", content=body, headers=signed | headers).status_code

    def assert_member(self, access: str | None, sessions: int, active: bool = True, nickname: str | None = "Ryan") -> None:
        known = self.sql("select access from kakao_user")
        self.assertEqual(known, [(access,)] if access else [])
        self.assertEqual(self.sql("select count(*) from session"), [(sessions,)])
        self.assertEqual(self.sql("select active, nickname from member"), [(active, nickname)])

    def test_every_change_that_is_published_is_followed(self) -> None:
        published = json.loads(Path(__file__).parent.with_name("published.json").read_text(encoding="utf-8"))
        for sample in published:
            self.assertEqual(self.deliver(sample), 204, sample)
        known = {(user, version, access) for user, version, access in self.sql("select user_id, version, access from kakao_user")}
        members = [sample for sample in published if "user_id" in sample]
        self.assertEqual(known, {(sample["user_id"], sample["version"], sample["state"]["access"]) for sample in members})

    def test_a_first_change_is_kept_and_a_newer_one_replaces_it(self) -> None:
        self.assertEqual(self.deliver(change(5, "allowed")), 204)
        self.assert_member("allowed", sessions=1)
        self.assertEqual(self.deliver(change(9, "blocked")), 204)
        self.assert_member("blocked", sessions=0)

    def test_a_duplicate_and_an_older_change_are_accepted_without_effect(self) -> None:
        self.deliver(change(7, "gone", erased_until=written(AT)))
        self.deliver(change(8, "allowed", erased_until=written(AT)))
        self.log_in(AT + timedelta(hours=1))
        for late in [change(7, "gone", erased_until=written(AT)), change(8, "blocked"), change(1, "blocked")]:
            self.assertEqual(self.deliver(late), 204)
        self.assert_member("allowed", sessions=1)

    def test_gone_ends_sessions_deactivates_and_forgets_the_profile(self) -> None:
        self.assertEqual(self.deliver(change(5, "gone", erased_until=written(AT))), 204)
        self.assert_member("gone", sessions=0, active=False, nickname=None)

    def test_blocked_ends_sessions_and_forgets_nothing(self) -> None:
        self.assertEqual(self.deliver(change(5, "blocked")), 204)
        self.assert_member("blocked", sessions=0)

    def test_a_new_link_opens_the_door_and_keeps_what_is_newer_than_the_erasure(self) -> None:
        self.deliver(change(5, "gone", erased_until=written(AT)))
        self.assertEqual(self.deliver(change(6, "allowed", erased_until=written(AT))), 204)
        self.assert_member("allowed", sessions=0, active=False, nickname=None)
        self.log_in(AT + timedelta(milliseconds=1))
        self.assertEqual(self.deliver(change(7, "allowed", erased_until=written(AT))), 204)
        self.assert_member("allowed", sessions=1)

    def test_a_link_that_overtakes_the_unlink_still_ends_sessions_and_forgets(self) -> None:
        until = {"sessions_valid_from": written(AT), "erased_until": written(AT)}
        self.assertEqual(self.deliver(change(6, "allowed", **until)), 204)
        self.assert_member("allowed", sessions=0, nickname=None)

    def test_sessions_of_that_second_or_before_end_and_later_ones_stay(self) -> None:
        for at in [AT, AT + timedelta(milliseconds=999), AT + timedelta(seconds=1)]:
            self.log_in(at)
        self.assertEqual(self.deliver(change(5, "allowed", sessions_valid_from=written(AT + timedelta(milliseconds=5)))), 204)
        self.assertEqual(self.sql("select id from session"), [("2026-03-01T00:00:11.000Z",)])

    def test_what_is_not_proven_is_refused(self) -> None:
        gone = change(5, "gone")
        now = datetime.now(UTC)
        wrong = [("signature", text) for text in ["", "none", "v1,", "v1,AAAA", "v2,AAAA"]] + [("id", "1"), ("timestamp", "soon")]
        for name, value in wrong:
            self.assertEqual(self.deliver(gone, **{f"webhook-{name}": value}), 401, (name, value))
        for at in [now - timedelta(minutes=6), now + timedelta(minutes=6)]:
            self.assertEqual(self.deliver(gone, at=at), 401, at)
        self.assertEqual(self.client.post("/kakao", json={"type": "user.changed", "data": gone}).status_code, 401)
        self.assert_member(None, sessions=1)

    def test_while_the_secret_rotates_either_signature_will_do(self) -> None:
        gone, now = change(5, "gone"), datetime.now(UTC)
        body = json.dumps({"type": "user.changed", "timestamp": written(AT), "data": gone})
        both = f"v1,AAAA {Webhook(SECRET).sign(gone['id'], now, body)}"
        self.assertEqual(self.deliver(gone, at=now, **{"webhook-signature": both}), 204)

    def test_unknown_members_types_and_values_are_ignored(self) -> None:
        self.assertEqual(self.deliver(change(5, "allowed", moon="full") | {"changed": ["moon"], "sun": 1}), 204)
        self.assert_member("allowed", sessions=1)
        self.assertEqual(self.deliver(change(6, "gone"), kind="user.sang"), 204)
        self.assertEqual(self.deliver(change(7, "puzzled")), 204)
        self.assert_member("puzzled", sessions=1)
        of_open_id = {"v": 2, "id": "123456:abc:8", "app_id": "123456", "open_id": "abc", "version": 8, "state": {}}
        self.assertEqual(self.deliver(of_open_id), 204)
        self.assert_member("puzzled", sessions=1)

    def test_what_fails_changes_nothing_and_the_next_delivery_does_it_all(self) -> None:
        gone = change(5, "gone", erased_until=written(AT))
        self.sql("alter table member rename to away")
        self.assertEqual(self.deliver(gone), 500)
        self.sql("alter table away rename to member")
        self.assert_member(None, sessions=1)
        self.assertEqual(self.deliver(gone), 204)
        self.assert_member("gone", sessions=0, active=False, nickname=None)


if __name__ == "__main__":
    unittest.main()
