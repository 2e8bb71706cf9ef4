"""The recipes with changes as the publisher publishes them (../published.json), and a server that answers as Kakao does."""

import json
import re
import threading
import unittest
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import recipes
from recipes import DAY, GRACE, Refused, millis, written

EXAMPLES = Path(__file__).parents[1]
PUBLISHED = json.loads((EXAMPLES / "published.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((EXAMPLES.with_name("schemas") / "service-message.json").read_text(encoding="utf-8"))
APP, USER = "123456", "18446744073709551557"
FRIEND_CHANNEL = "_ISxgbxb"
# Every time in the samples lies before it.
DAY_0 = millis("2026-03-01T00:00:00.000Z") or 0


def published(**wanted: Any) -> dict[str, Any]:
    """The first sample whose state has all of this; None: has such a member."""
    def fits(state: dict[str, Any]) -> bool:
        return all(name in state and (value is None or value.items() <= state[name].items()) for name, value in wanted.items())
    found: dict[str, Any] = json.loads(json.dumps(next(sample for sample in PUBLISHED if fits(sample["state"]))))
    return found


def moved(sample: dict[str, Any], at: int, version: int, user_id: str = USER, **kept: Any) -> dict[str, Any]:
    """The sample as if it were of this member, time and version. `kept` is what older events left in the state."""
    text = re.sub(r'"\d{4}-[^"]+Z"', f'"{written(at)}"', json.dumps(sample["state"]))
    state = kept | json.loads(text) | {"user_id": user_id, "version": version}
    return sample | {"id": f"{APP}:{user_id}:{version}", "user_id": user_id, "version": version, "state": state}


def unlinked(at: int, version: int, user_id: str = USER, **kept: Any) -> dict[str, Any]:
    return moved(published(link={"status": "unlinked", "reason": "UNLINK_FROM_APPS"}), at, version, user_id, **kept)


def linked(at: int, version: int, user_id: str = USER, **kept: Any) -> dict[str, Any]:
    return moved(published(link={"status": "linked"}), at, version, user_id, **kept)


def consent(granted: bool, at: int, version: int) -> dict[str, Any]:
    change = moved(published(scopes=None), at, version)
    change["state"]["scopes"] = {"account_email": {"granted": granted, "at": written(at)}}
    return change


def until(at: int) -> dict[str, str]:
    """What an unlink leaves behind in the state of a member who links again."""
    return {name: written(at) for name in ("erased_until", "sessions_valid_from", "tokens_valid_from")}


class Recipes(unittest.TestCase):
    def setUp(self) -> None:
        self.db = recipes.connect(":memory:")
        self.addCleanup(self.db.close)
        self.db.executescript(recipes.SCHEMA)
        self.sent: list[dict[str, Any]] = []

    def follow(self, *changes: dict[str, Any]) -> None:
        for change in changes:
            recipes.follow(self.db, change)

    def log_in(self, at: int, user_id: str = USER, **given: Any) -> int:
        return recipes.log_in(self.db, APP, user_id, at, **given)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.db.execute(sql, values).fetchall()

    def left_at(self, member: int) -> int | None:
        ((at,),) = self.rows("select left_at from member where id = ?", member)
        return at

    def sessions(self) -> int:
        return len(self.rows("select id from session"))

    @contextmanager
    def before_the_next_transaction(self, work: Callable[[], Any]) -> Iterator[None]:
        """Does the work just before the next transaction begins, as another process may."""
        begin = recipes.transaction

        def first_the_work(db: Any) -> Any:
            recipes.transaction = begin
            work()
            return begin(db)

        recipes.transaction = first_the_work
        try:
            yield
        finally:
            recipes.transaction = begin

    def reported(self, now: int) -> list[tuple[str, int]]:
        """Sends the outbox; the service events that arrived, with their times."""
        before = len(self.sent)
        recipes.send_outbox(self.db, lambda text: self.sent.append(json.loads(text)), lambda: now)
        return [(message["event"]["type"], millis(message["event"]["at"]) or 0) for message in self.sent[before:]]


class GracePeriod(Recipes):
    def test_a_member_who_unlinks_is_deactivated_and_kakaos_data_is_erased_at_once(self) -> None:
        member = self.log_in(DAY_0, email="ryan@example.com", scopes=("account_email",))
        self.db.execute("update member set nickname = 'Ryan'")
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.assertEqual((self.left_at(member), self.sessions()), (DAY_0 + DAY, 0))
        self.assertEqual(self.rows("select email from kakao_identity"), [(None,)])
        self.assertEqual(self.rows("select * from kakao_consent"), [])
        self.assertEqual(self.rows("select nickname from member"), [("Ryan",)])

    def test_a_purged_kakao_account_is_left_as_an_unlink_is(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(moved(published(account={"status": "purged"}), DAY_0 + DAY, 2))
        self.assertEqual(self.left_at(member), DAY_0 + DAY)

    def test_a_disabled_kakao_account_ends_sessions_and_refuses_logins_and_is_no_departure(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(moved(published(account={"status": "disabled"}), DAY_0 + DAY, 2))
        self.assertEqual((self.left_at(member), self.sessions()), (None, 0))
        with self.assertRaises(Refused):
            self.log_in(DAY_0 + DAY)
        self.follow(moved(published(account={"status": "active"}), DAY_0 + 2 * DAY, 3))
        self.assertEqual(self.log_in(DAY_0 + 2 * DAY), member)

    def test_the_purge_waits_for_the_end_of_the_period_and_reports_the_erasure(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.reported(DAY_0)
        self.assertEqual(recipes.purge(self.db, DAY_0 + DAY + GRACE - 1), 0)
        late = DAY_0 + 2 * DAY + GRACE
        self.assertEqual(recipes.purge(self.db, late), 1)
        self.assertEqual(self.rows("select nickname, purged_at from member where id = ?", member), [(None, late)])
        self.assertEqual(self.rows("select * from kakao_identity"), [])
        self.assertEqual(self.reported(DAY_0), [("service-erased", DAY_0 + DAY + GRACE)])
        self.assertEqual(recipes.purge(self.db, late), 0)
        self.assertEqual(self.reported(DAY_0), [])

    def test_a_member_who_comes_back_while_the_purge_runs_stays(self) -> None:
        comes_back: list[Callable[[], Any]] = [
            lambda: self.log_in(DAY_0 + DAY + GRACE),
            lambda: self.follow(linked(DAY_0 + DAY + GRACE, 3, **until(DAY_0 + DAY))),
            # A new period has begun.
            lambda: self.follow(unlinked(DAY_0 + 2 * DAY, 4)),
        ]
        for back in comes_back:
            self.setUp()
            member = self.log_in(DAY_0)
            self.db.execute("update member set nickname = 'Ryan'")
            self.follow(unlinked(DAY_0 + DAY, 2))
            with self.before_the_next_transaction(back):
                self.assertEqual(recipes.purge(self.db, DAY_0 + DAY + GRACE), 0)
            self.assertEqual(self.rows("select nickname, purged_at from member where id = ?", member), [("Ryan", None)])
            self.assertEqual(self.rows("select member_id from kakao_identity"), [(member,)])
            self.assertNotIn("service-erased", [kind for kind, _ in self.reported(DAY_0)])

    def test_a_login_that_waited_for_the_purge_does_not_enter_the_empty_account(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 2))
        identity = self.rows("select * from kakao_identity")
        self.assertEqual(recipes.purge(self.db, DAY_0 + DAY + GRACE), 1)
        # What a database without SQLite's one lock shows a login that began before.
        self.db.executemany("insert into kakao_identity values (?, ?, ?, ?, ?)", identity)
        with self.assertRaises(Refused):
            self.log_in(DAY_0 + DAY + GRACE)
        self.assertEqual((self.sessions(), self.left_at(member)), (0, DAY_0 + DAY))

    def test_void_sessions_end_with_all_that_began_in_that_second(self) -> None:
        for at in (DAY_0, DAY_0 + 999, DAY_0 + 1000):
            self.log_in(at)
        self.follow(moved(published(sessions_valid_from=None, credential=None), DAY_0 + 5, 2))
        self.assertEqual(self.rows("select started_at from session"), [(DAY_0 + 1000,)])

    def test_the_mark_of_a_member_who_left_outlives_the_item_and_ends_in_time(self) -> None:
        self.log_in(DAY_0)
        self.follow(unlinked(DAY_0, 2))
        recipes.purge(self.db, DAY_0 + GRACE)
        self.assertEqual(self.rows("select access, gone_at from kakao_user"), [("gone", DAY_0)])
        recipes.purge(self.db, DAY_0 + recipes.MARKS_KEPT)
        self.assertEqual(self.rows("select * from kakao_user"), [])

    def test_no_mark_stays_of_a_member_of_whom_no_change_ever_came(self) -> None:
        recipes.leave(self.db, self.log_in(DAY_0), DAY_0 + DAY)
        recipes.purge(self.db, DAY_0 + DAY)
        self.assertEqual(self.rows("select user_id from kakao_user"), [(USER,)])
        recipes.purge(self.db, DAY_0 + DAY + GRACE)
        self.assertEqual(self.rows("select * from kakao_user"), [])

    def test_what_fails_changes_nothing_and_the_next_delivery_does_it_all(self) -> None:
        member = self.log_in(DAY_0)
        self.db.execute("alter table session rename to away")
        with self.assertRaises(recipes.sqlite3.OperationalError):
            self.follow(unlinked(DAY_0 + DAY, 2))
        self.db.execute("alter table away rename to session")
        self.assertEqual((self.left_at(member), self.rows("select version from kakao_user")), (None, [(0,)]))
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.assertEqual(self.left_at(member), DAY_0 + DAY)


class LinksAgain(Recipes):
    def test_during_the_period_the_same_account_comes_back_at_the_login_and_not_before(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 2), linked(DAY_0 + 2 * DAY, 3, **until(DAY_0 + DAY)))
        self.assertEqual(self.left_at(member), DAY_0 + DAY)
        self.assertEqual(recipes.purge(self.db, DAY_0 + 2 * GRACE), 0)
        self.assertEqual(self.log_in(DAY_0 + 2 * DAY), member)
        self.assertEqual((self.left_at(member), self.sessions()), (None, 1))

    def test_without_the_account_status_webhook_the_login_is_what_reports_that_they_are_back(self) -> None:
        member = self.log_in(DAY_0)
        self.reported(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.assertEqual(self.log_in(DAY_0 + 2 * DAY), member)
        self.assertEqual(self.reported(DAY_0), [("service-linked", DAY_0 + 2 * DAY)])
        self.assertEqual(recipes.purge(self.db, DAY_0 + 2 * GRACE), 0)

    def test_after_the_purge_a_new_account_begins(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(unlinked(DAY_0, 2))
        recipes.purge(self.db, DAY_0 + GRACE)
        self.reported(DAY_0)
        self.follow(linked(DAY_0 + GRACE + DAY, 3, **until(DAY_0 + GRACE)))
        self.assertNotEqual(self.log_in(DAY_0 + GRACE + DAY), member)
        self.assertEqual(self.reported(DAY_0), [("service-linked", DAY_0 + GRACE + DAY)])

    def test_a_second_unlink_begins_a_new_period(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.log_in(DAY_0 + 2 * DAY)
        self.follow(linked(DAY_0 + 2 * DAY, 3, **until(DAY_0 + DAY)), unlinked(DAY_0 + 9 * DAY, 4))
        self.assertEqual(self.left_at(member), DAY_0 + 9 * DAY)
        # Linked again at Kakao, without a login here.
        self.follow(linked(DAY_0 + 10 * DAY, 5, **until(DAY_0 + 9 * DAY)), unlinked(DAY_0 + 12 * DAY, 6))
        self.assertEqual(self.left_at(member), DAY_0 + 12 * DAY)
        self.assertEqual(recipes.purge(self.db, DAY_0 + 9 * DAY + GRACE), 0)

    def test_an_unlink_that_arrives_after_the_new_login_ends_only_what_is_older(self) -> None:
        member = self.log_in(DAY_0)
        self.follow(linked(DAY_0, 2))
        self.log_in(DAY_0 + 2 * DAY, email="ryan@example.com")
        self.reported(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 3))
        self.assertEqual((self.left_at(member), self.sessions()), (None, 1))
        self.assertEqual(self.rows("select email from kakao_identity"), [("ryan@example.com",)])
        self.assertEqual(self.reported(DAY_0), [("service-linked", DAY_0 + 2 * DAY)])

    def test_changes_in_the_wrong_order_end_as_those_in_the_right_one(self) -> None:
        back = linked(DAY_0 + 2 * DAY, 3, **until(DAY_0 + DAY))
        member = self.log_in(DAY_0)
        self.follow(back, unlinked(DAY_0 + DAY, 2), back)
        self.assertEqual(self.rows("select version, access from kakao_user"), [(3, "allowed")])
        self.assertEqual((self.left_at(member), self.sessions()), (None, 0))

    def test_a_login_that_began_before_the_unlink_is_refused(self) -> None:
        self.log_in(DAY_0)
        self.follow(unlinked(DAY_0 + DAY, 2))
        for at in (DAY_0 + DAY - 1, DAY_0 + DAY):
            with self.assertRaises(Refused):
                self.log_in(at)
        self.assertEqual(self.sessions(), 0)
        self.follow(unlinked(DAY_0 + DAY, 2, user_id="3142857143"))
        with self.assertRaises(Refused):
            self.log_in(DAY_0 + DAY, user_id="3142857143")


class OwnNumbers(Recipes):
    def test_a_member_number_belongs_to_one_account_and_stays_text(self) -> None:
        member = self.log_in(DAY_0)
        self.assertEqual(self.log_in(DAY_0 + 1), member)
        self.assertEqual(self.rows("select app_id, user_id, member_id from kakao_identity"), [(APP, USER, member)])
        self.assertNotEqual(self.log_in(DAY_0, user_id="3142857143"), member)

    def test_an_account_with_a_password_adds_kakao_and_another_members_kakao_is_refused(self) -> None:
        (own,) = self.rows("insert into member (password_hash) values ('x') returning id")[0]
        self.assertEqual(self.log_in(DAY_0, member_id=own), own)
        with self.assertRaises(Refused):
            self.log_in(DAY_0, member_id=self.log_in(DAY_0, user_id="3142857143"))

    def test_the_link_is_reported_at_the_first_login_and_not_at_each(self) -> None:
        self.log_in(DAY_0)
        self.follow(linked(DAY_0, 2))
        self.log_in(DAY_0 + DAY)
        self.assertEqual(self.reported(DAY_0), [("service-linked", DAY_0)])

    def test_every_change_that_is_published_is_followed(self) -> None:
        self.follow(*PUBLISHED)
        known = {(sample["user_id"], sample["version"], sample["state"]["access"]) for sample in PUBLISHED if "user_id" in sample}
        self.assertEqual(set(self.rows("select user_id, version, access from kakao_user")), known)

    def test_what_is_sent_is_what_the_queue_takes(self) -> None:
        self.log_in(DAY_0)
        self.reported(DAY_0)
        (message,) = self.sent
        self.assertEqual(set(message), set(SCHEMA["required"]))
        for name, rule in SCHEMA["properties"].items():
            self.assertEqual(message[name], rule.get("const", message[name]))
            if "pattern" in rule:
                self.assertRegex(message[name], rule["pattern"])
        self.assertIn(message["event"]["type"], [word["const"] for word in SCHEMA["$defs"]["ServiceWord"]["oneOf"]])
        self.assertEqual(message["event"] | {"type": ""}, {"type": "", "user_id": USER, "at": written(DAY_0)})
        self.assertTrue(json.dumps(message).isascii())

    def test_a_message_that_could_not_be_sent_is_sent_again_with_the_same_id(self) -> None:
        self.log_in(DAY_0)
        ids: list[str] = []

        def breaks(text: str) -> None:
            ids.append(json.loads(text)["id"])
            raise OSError

        for _ in range(2):
            with self.assertRaises(OSError):
                recipes.send_outbox(self.db, breaks, lambda: DAY_0)
        self.reported(DAY_0)
        self.assertEqual(ids, [self.sent[0]["id"]] * 2)


class AlwaysUnlinks:
    def unlink(self, *_: str) -> None:
        return None

    def me(self, *_: str) -> None:
        return None


class KeepsTheAccount(Recipes):
    def setUp(self) -> None:
        super().setUp()
        ((self.member,),) = self.rows("insert into member (password_hash) values ('x') returning id")
        self.log_in(DAY_0, member_id=self.member, email="ryan@example.com")
        self.db.execute("insert into session values ('by password', ?, null, ?)", (self.member, DAY_0))
        self.reported(DAY_0)

    def test_a_member_who_unlinks_loses_kakao_and_keeps_the_account_and_its_other_sessions(self) -> None:
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.assertEqual((self.left_at(self.member), self.rows("select id from session")), (None, [("by password",)]))
        self.assertEqual(self.rows("select * from kakao_identity"), [])
        self.assertEqual(self.reported(DAY_0), [("service-erased", DAY_0 + DAY)])
        self.follow(unlinked(DAY_0 + DAY, 3))
        self.assertEqual(self.reported(DAY_0), [])

    def test_a_member_who_removes_kakao_in_the_service_is_unlinked_at_kakao_too(self) -> None:
        recipes.disconnect(self.db, APP, USER)
        self.assertEqual(self.rows("select * from kakao_identity"), [])
        # No erasure is reported before the departure that it confirms.
        self.assertEqual(self.reported(DAY_0), [])
        self.assertEqual(recipes.unlink_at_kakao(self.db, AlwaysUnlinks(), lambda: DAY_0 + DAY + 3000), 0)
        at = DAY_0 + DAY + 2000
        self.assertCountEqual(self.reported(DAY_0), [("service-unlinked", at), ("service-erased", at)])

    def test_the_only_login_is_not_removed(self) -> None:
        self.log_in(DAY_0, user_id="3142857143")
        for user in ("3142857143", "3142857144"):
            with self.assertRaises(Refused):
                recipes.disconnect(self.db, APP, user)

    def test_a_member_of_two_apps_leaves_with_the_last_of_them(self) -> None:
        member = self.log_in(DAY_0, user_id="3142857143")
        recipes.log_in(self.db, "234567", "3142857144", DAY_0, member_id=member)
        self.follow(unlinked(DAY_0 + DAY, 2, user_id="3142857143"))
        self.assertIsNone(self.left_at(member))
        self.follow(unlinked(DAY_0 + DAY, 2, user_id="3142857144") | {"app_id": "234567"})
        self.assertEqual(self.left_at(member), DAY_0 + DAY)


class Locks(Recipes):
    """SQLite locks the whole database. So that the rows' locks suffice elsewhere, their place is tested here."""

    STEPS = {
        "lock user": recipes.LOCK_USER,
        "lock member": recipes.LOCK_MEMBER,
        "read identity": recipes.MEMBER_OF,
        "is it due?": recipes.IS_DUE,
        "remove identity": recipes.REMOVE_IDENTITY,
    }

    def steps(self, work: Callable[[], Any]) -> list[str]:
        ran: list[str] = []
        self.db.set_trace_callback(ran.append)
        work()
        self.db.set_trace_callback(None)
        return [step for sql in ran for step, known in self.STEPS.items() if sql.startswith(known.partition(":")[0])]

    def test_the_purge_locks_the_users_of_the_member_then_the_member_and_then_asks(self) -> None:
        member = self.log_in(DAY_0)
        recipes.log_in(self.db, "234567", "3142857144", DAY_0, member_id=member)
        recipes.leave(self.db, member, DAY_0)
        due = {"now": DAY_0 + GRACE, "grace": GRACE, "member_id": member}
        self.assertEqual(
            self.steps(lambda: recipes.purge_member(self.db, due)),
            ["lock user", "lock user", "lock member", "is it due?", "remove identity", "remove identity"],
        )

    def test_a_login_and_a_disconnect_read_the_identity_behind_the_lock_of_the_user(self) -> None:
        member = self.log_in(DAY_0)
        self.db.execute("update member set password_hash = 'x'")
        first = ["lock user", "read identity", "lock member"]
        self.assertEqual(self.steps(lambda: self.log_in(DAY_0 + 1)), first)
        self.assertEqual(self.steps(lambda: recipes.disconnect(self.db, APP, USER)), [*first, "remove identity"])
        self.assertNotEqual(self.log_in(DAY_0 + 2), member)


class Kakao(BaseHTTPRequestHandler):
    """POST /v1/user/unlink and GET /v2/user/me, as Kakao's reference has them."""

    # By the key of the app.
    linked: dict[str, set[str]]
    fails: dict[str, int]

    def do_POST(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        if (found := self.found("/v1/user/unlink", self.path, form)) is not None:
            members, user = found
            members.remove(user)
            self.answer(200, {"id": int(user)})

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if (found := self.found("/v2/user/me", path, urllib.parse.parse_qs(query))) is not None:
            self.answer(200, {"id": int(found[1])})

    def found(self, expected: str, path: str, form: dict[str, list[str]]) -> tuple[set[str], str] | None:
        """The app's linked members and the one who is asked for; None, if there is another answer."""
        members = self.linked.get(self.headers["authorization"].removeprefix("KakaoAK "))
        (user,) = form["target_id"]
        if members is None or form["target_id_type"] != ["user_id"] or path != expected:
            self.answer(401, {"msg": "wrong appKey format", "code": -401})
        elif user in self.fails:
            self.answer(400, {"msg": "internal server error", "code": self.fails.pop(user)})
        elif user not in members:
            self.answer(400, {"msg": "NotRegisteredUserException", "code": -101})
        else:
            return members, user
        return None

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json;charset=UTF-8")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        pass


class UnlinksAtKakao(Recipes):
    def setUp(self) -> None:
        super().setUp()
        handler = type("OneKakao", (Kakao,), {"linked": {"admin": {USER}, "of another app": {"1"}}, "fails": {}})
        server = HTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.kakao: Any = handler
        self.api = f"http://127.0.0.1:{server.server_port}"
        self.member = self.log_in(DAY_0)
        self.reported(DAY_0)

    def job(self, at: int, key: str = "admin") -> int:
        return recipes.unlink_at_kakao(self.db, recipes.KakaoApi({APP: key}, self.api), lambda: at)

    def linked_at_kakao(self) -> set[str]:
        linked: set[str] = self.kakao.linked["admin"]
        return linked

    def a_member_who_stays(self) -> str:
        user = "3142857143"
        self.log_in(DAY_0, user_id=user)
        self.follow(linked(DAY_0, 2, user_id=user))
        self.linked_at_kakao().add(user)
        self.reported(DAY_0)
        return user

    def test_first_the_own_mark_then_kakao_then_the_event_to_the_queue(self) -> None:
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        self.assertEqual((self.left_at(self.member), self.sessions(), self.linked_at_kakao()), (DAY_0 + DAY, 0, {USER}))
        self.assertEqual(self.reported(DAY_0), [])
        self.assertEqual((self.job(DAY_0 + DAY + 60_000), self.linked_at_kakao()), (0, set()))
        self.assertEqual(self.reported(DAY_0), [("service-unlinked", DAY_0 + DAY + 59_000)])

    def test_a_member_who_links_again_in_the_second_of_the_call_is_newer(self) -> None:
        for millisecond in (0, 1, 700, 999):
            recipes.leave(self.db, self.member, DAY_0 + DAY)
            self.linked_at_kakao().add(USER)
            self.assertEqual(self.job(DAY_0 + 2 * DAY + millisecond), 0)
            ((_, unlinked_at),) = self.reported(DAY_0)
            # A token has whole seconds, and of one time the unlink counts.
            self.assertLess(unlinked_at, DAY_0 + 2 * DAY)

    def test_a_member_who_is_not_linked_any_more_is_reported_as_unlinked(self) -> None:
        self.a_member_who_stays()
        self.linked_at_kakao().remove(USER)
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        self.assertEqual(self.job(DAY_0 + 2 * DAY), 0)
        self.assertEqual(self.reported(DAY_0), [("service-unlinked", DAY_0 + 2 * DAY - 1000)])

    def test_a_member_of_whom_kakao_has_reported_it_needs_no_other_to_be_believed(self) -> None:
        self.linked_at_kakao().remove(USER)
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        self.assertEqual(self.job(DAY_0 + 2 * DAY), 1)
        self.follow(unlinked(DAY_0 + DAY, 3))
        self.assertEqual(self.job(DAY_0 + 2 * DAY), 0)

    def test_with_another_apps_key_no_member_is_taken_for_unlinked(self) -> None:
        stays = self.a_member_who_stays()
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        self.assertEqual(self.job(DAY_0 + 2 * DAY, key="of another app"), 1)
        self.assertEqual((self.reported(DAY_0), self.linked_at_kakao()), ([], {USER, stays}))
        self.assertEqual(self.job(DAY_0 + 2 * DAY), 0)
        self.assertEqual(self.linked_at_kakao(), {stays})

    def test_what_kakao_reported_before_the_last_login_is_not_believed(self) -> None:
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.log_in(DAY_0 + 2 * DAY)
        self.db.execute("update member set password_hash = 'x'")
        self.reported(DAY_0)
        ways: list[Callable[[], Any]] = [
            lambda: recipes.leave(self.db, self.member, DAY_0 + 3 * DAY),
            lambda: recipes.disconnect(self.db, APP, USER),
        ]
        for goes in ways:
            self.db.execute("delete from pending_unlink")
            # The change that says that the member is back has not arrived.
            self.assertEqual(self.rows("select access from kakao_user"), [("gone",)])
            goes()
            self.assertEqual(self.job(DAY_0 + 4 * DAY, key="of another app"), 1)
            self.assertEqual((self.reported(DAY_0), self.linked_at_kakao()), ([], {USER}))

    def test_any_other_answer_reports_nothing_and_the_member_is_asked_for_again(self) -> None:
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        for code in (-1, -7, -10, -103):
            self.kakao.fails[USER] = code
            self.assertEqual(self.job(DAY_0 + DAY), 1, code)
        self.assertEqual(self.job(DAY_0 + DAY, key="another"), 1)
        self.assertEqual(recipes.KakaoApi({APP: "admin"}, "http://127.0.0.1:1").unlink(APP, USER), recipes.TRY_AGAIN)
        self.assertEqual((self.reported(DAY_0), self.linked_at_kakao()), ([], {USER}))
        self.assertEqual(self.job(DAY_0 + 2 * DAY), 0)
        self.assertEqual(self.reported(DAY_0), [("service-unlinked", DAY_0 + 2 * DAY - 1000)])

    def test_one_member_who_cannot_be_unlinked_holds_up_no_other(self) -> None:
        other = self.log_in(DAY_0, user_id="3142857143")
        self.linked_at_kakao().add("3142857143")
        self.kakao.fails["3142857143"] = -1
        for member in (other, self.member):
            recipes.leave(self.db, member, DAY_0 + DAY)
        self.assertEqual((self.job(DAY_0 + DAY), self.linked_at_kakao()), (1, {"3142857143"}))

    def test_a_member_who_logs_in_before_the_job_stays_linked(self) -> None:
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        self.assertEqual(self.log_in(DAY_0 + DAY + 1), self.member)
        self.assertEqual((self.job(DAY_0 + 2 * DAY), self.linked_at_kakao()), (0, {USER}))
        self.assertIsNone(self.left_at(self.member))

    def test_a_login_that_began_before_the_member_left_is_refused(self) -> None:
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        with self.assertRaises(Refused):
            self.log_in(DAY_0 + DAY)
        self.assertEqual(self.rows("select user_id from pending_unlink"), [(USER,)])

    def test_a_member_who_left_is_purged_although_kakao_never_gave_an_answer(self) -> None:
        recipes.leave(self.db, self.member, DAY_0 + DAY)
        self.assertEqual(recipes.purge(self.db, DAY_0 + DAY + GRACE), 1)
        self.assertEqual(self.reported(DAY_0), [("service-erased", DAY_0 + DAY + GRACE)])
        self.assertEqual(self.job(DAY_0 + 2 * DAY + GRACE), 0)
        self.assertEqual(self.linked_at_kakao(), set())
        # The erasure is from before the departure, which it does not confirm: it is reported once more.
        at = DAY_0 + 2 * DAY + GRACE - 1000
        self.assertCountEqual(self.reported(DAY_0), [("service-unlinked", at), ("service-erased", at)])


class Marketing(Recipes):
    def list_of(self, sql: str, **values: Any) -> list[Any]:
        return self.db.execute(sql, values).fetchall()

    def subscribe(self, user_id: str = USER, scopes: tuple[str, ...] = ("account_email",)) -> int:
        member = self.log_in(DAY_0, user_id=user_id, email="ryan@example.com", scopes=scopes)
        self.db.execute("update member set marketing = true where id = ?", (member,))
        return member

    def test_the_list_has_members_who_agreed_here_and_gave_their_address_at_kakao(self) -> None:
        member = self.subscribe()
        self.subscribe(user_id="3142857143", scopes=())
        self.log_in(DAY_0, user_id="3142857144", email="apeach@example.com", scopes=("account_email",))
        self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), [(member, "ryan@example.com")])

    def test_a_withdrawn_consent_ends_the_use_and_not_the_membership(self) -> None:
        member = self.subscribe()
        on_it, off_it = [(member, "ryan@example.com")], []
        self.follow(consent(False, DAY_0 + DAY, 2))
        self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), off_it)
        self.assertEqual((self.left_at(member), self.sessions()), (None, 1))
        self.follow(consent(True, DAY_0 + 2 * DAY, 3))
        self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), on_it)
        self.log_in(DAY_0 + 4 * DAY, email="ryan@example.com", scopes=("account_email",))
        # A withdrawal that is older than the consent of the last login.
        self.follow(consent(False, DAY_0 + 3 * DAY, 4))
        self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), on_it)
        self.follow(consent(False, DAY_0 + 5 * DAY, 5))
        self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), off_it)

    def test_a_consent_from_before_an_unlink_does_not_come_back(self) -> None:
        self.subscribe()
        self.follow(unlinked(DAY_0 + DAY, 2))
        self.log_in(DAY_0 + 2 * DAY, email="ryan@example.com")
        self.follow(linked(DAY_0 + 2 * DAY, 3, **until(DAY_0 + DAY)))
        self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), [])

    def test_a_member_who_is_blocked_or_left_is_on_no_list(self) -> None:
        blocked = moved(published(account={"status": "disabled"}), DAY_0 + DAY, 2, user_id="3142857143")
        for change in (blocked, unlinked(DAY_0 + DAY, 2)):
            self.subscribe(change["user_id"])
            self.assertEqual(len(self.list_of(recipes.MARKETING_BY_EMAIL)), 1)
            self.follow(change)
            self.assertEqual(self.list_of(recipes.MARKETING_BY_EMAIL), [])

    def test_friends_of_the_channel_are_listed_until_they_block_it(self) -> None:
        member = self.subscribe()
        friends: Callable[[], list[Any]] = lambda: self.list_of(recipes.FRIENDS_AMONG_MEMBERS, channel=FRIEND_CHANNEL)
        added = moved(published(channels={FRIEND_CHANNEL: channel("added")}), DAY_0, 2)
        blocked = moved(published(channels={FRIEND_CHANNEL: channel("blocked")}), DAY_0 + DAY, 3)
        self.assertEqual(friends(), [])
        self.follow(added)
        self.assertEqual(friends(), [(member,)])
        self.follow(blocked, added)
        self.assertEqual(friends(), [])

    def test_a_friend_whom_only_the_channel_knows_is_kept_apart(self) -> None:
        (by_open_id,) = [sample for sample in PUBLISHED if "open_id" in sample]
        self.subscribe(user_id=by_open_id["open_id"])
        self.follow(by_open_id)
        self.assertEqual(self.rows("select id_type, id, status from channel_friend"), [("open_id", by_open_id["open_id"], "added")])
        self.assertEqual(self.list_of(recipes.FRIENDS_AMONG_MEMBERS, channel=FRIEND_CHANNEL), [])

    def test_the_purge_forgets_consents_and_friends(self) -> None:
        self.subscribe()
        self.follow(moved(published(channels={FRIEND_CHANNEL: channel("added")}), DAY_0, 2), unlinked(DAY_0 + DAY, 3))
        recipes.purge(self.db, DAY_0 + DAY + GRACE)
        self.assertEqual(self.rows("select * from channel_friend"), [])
        self.assertEqual(self.rows("select * from kakao_consent"), [])


def channel(status: str) -> dict[str, str]:
    return {"status": status, "uuid": "@우리가게", "at": "2025-03-01T03:00:00.000Z"}


class Pages(unittest.TestCase):
    def test_the_sql_of_both_pages_is_the_sql_that_is_tested(self) -> None:
        code = Path(recipes.__file__).read_text(encoding="utf-8").replace("{WHOSE}", recipes.WHOSE) + recipes.SCHEMA
        for page in ("recipes.md", "recipes.ko.md"):
            text = (EXAMPLES.parents[1] / "docs" / page).read_text(encoding="utf-8")
            blocks = ";".join(re.findall(r"^```sql\n(.*?)^```", text, re.M | re.S))
            statements = [statement for statement in re.sub(r"--.*", "", blocks).split(";") if statement.strip()]
            self.assertEqual(len(statements), 7, page)
            for statement in statements:
                self.assertIn(" ".join(statement.split()), " ".join(code.split()), page)


if __name__ == "__main__":
    unittest.main()
