"""Recipes for a service that acts on the changes of kakao-webhooks, in plain SQL. docs/recipes.md explains them."""

import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
DAY = 86_400_000
GRACE = 30 * DAY
# Longer than GoneRetentionDays (90) and the queues: no change of an older state can still arrive.
MARKS_KEPT = 120 * DAY
# Kakao's codes: an inner error, and a member who is not linked (any more).
TRY_AGAIN, NOT_LINKED = -1, -101

WHOSE = "app_id = :app_id and user_id = :user_id"

# With `for update` in every database but SQLite: what is read is true until the transaction ends. Always in this order.
LOCK_USER = f"select access, gone_at, version from kakao_user where {WHOSE}"
LOCK_MEMBER = "select left_at, purged_at from member where id = :member_id"
LOCK_PENDING = f"select 1 from pending_unlink where {WHOSE}"

# The one rule: only a greater version is taken. The row stays locked until the transaction ends.
ADD_UNKNOWN = "insert into kakao_user (app_id, user_id, version, access) values (:app_id, :user_id, 0, 'allowed') on conflict do nothing"
KEEP_GREATEST = f"""update kakao_user set version = :version, access = :access, linked_at = :linked_at, gone_at = :gone_at
                    where {WHOSE} and version < :version"""

FORGET_KAKAOS_DATA = f"update kakao_identity set email = null where {WHOSE} and proven_at <= :erased_until"
# Without `on conflict` in MySQL: `on duplicate key update`, with the comparison in an `if`.
KEEP_CONSENT = """insert into kakao_consent (app_id, user_id, scope, granted, at) values (:app_id, :user_id, :scope, :granted, :at)
                  on conflict (app_id, user_id, scope) do update set granted = excluded.granted, at = excluded.at
                  where excluded.at > kakao_consent.at"""
FORGET_CONSENTS = f"delete from kakao_consent where {WHOSE} and at <= :erased_until"
KEEP_FRIEND = """insert into channel_friend (app_id, id_type, id, channel, status, at)
                 values (:app_id, :id_type, :id, :channel, :status, :at)
                 on conflict (app_id, id_type, id, channel) do update set status = excluded.status, at = excluded.at
                 where excluded.at > channel_friend.at"""

IDENTITIES_OF = "select app_id, user_id from kakao_identity where member_id = :member_id order by app_id, user_id"
MEMBER_OF = f"select member_id, proven_at from kakao_identity where {WHOSE}"
END_KAKAO_SESSIONS = """delete from session where member_id = :member_id and app_id = :app_id
                        and (:all or started_at <= :void_until)"""
OTHER_LOGINS = """select 1 from member where id = :member_id and (password_hash is not null or exists
                  (select 1 from kakao_identity where member_id = :member_id and not (app_id = :app_id and user_id = :user_id)))"""
REMOVE_IDENTITY = f"delete from kakao_identity where {WHOSE}"
# A second unlink begins the grace period again.
MARK_AS_LEFT = "update member set left_at = :gone_at where id = :member_id and coalesce(left_at, 0) < :gone_at"
RESTORE = "update member set left_at = null where id = :member_id and left_at is not null"

ADD_IDENTITY = """insert into kakao_identity (app_id, user_id, member_id, proven_at)
                  values (:app_id, :user_id, :member_id, 0)"""
KEEP_PROOF = f"update kakao_identity set email = :email, proven_at = :proven_at where {WHOSE} and proven_at < :proven_at"
BEGIN_SESSION = "insert into session (id, member_id, app_id, started_at) values (:id, :member_id, :app_id, :proven_at)"

# Not of members who linked again since: they come back when they log in.
DUE = """select id from member where left_at <= :now - :grace and purged_at is null and not exists
         (select 1 from kakao_identity i join kakao_user k on k.app_id = i.app_id and k.user_id = i.user_id
          where i.member_id = member.id and k.linked_at > member.left_at)"""
IS_DUE = f"{DUE} and id = :member_id"
EMPTY_MEMBER = "update member set password_hash = null, nickname = null, marketing = false, purged_at = :now where id = :member_id"
FORGET_MARKS = """delete from kakao_user where (gone_at <= :now - :kept or version = 0) and not exists
                  (select 1 from kakao_identity i where i.app_id = kakao_user.app_id and i.user_id = kakao_user.user_id)"""

# With the last proof of the link, which outlives the identity here.
UNLINK_ONE = """insert into pending_unlink (app_id, user_id, proven_at) values (:app_id, :user_id, :proven_at)
                on conflict do nothing"""
UNLINK_ALL = """insert into pending_unlink (app_id, user_id, proven_at)
                select app_id, user_id, proven_at from kakao_identity where member_id = :member_id on conflict do nothing"""
# A `gone` from before that proof is stale: the member came back, and the change that says so is on its way.
HAS_LEFT = f"""select 1 from kakao_user where {WHOSE} and access = 'gone'
               and gone_at >= (select proven_at from pending_unlink where {WHOSE})"""
# One of the app's members who is surely linked, as far as webhooks tell.
LAST_LINKED = """select user_id from kakao_user k where app_id = :app_id and access = 'allowed' and linked_at is not null and not exists
                 (select 1 from pending_unlink p where p.app_id = k.app_id and p.user_id = k.user_id) order by linked_at desc limit 1"""

# No row is no information: such a member is not on the list.
MARKETING_BY_EMAIL = """
select m.id, i.email from member m join kakao_identity i on i.member_id = m.id
  join kakao_consent c on c.app_id = i.app_id and c.user_id = i.user_id and c.scope = 'account_email' and c.granted
  left join kakao_user k on k.app_id = i.app_id and k.user_id = i.user_id
 where m.marketing and m.left_at is null and i.email is not null and coalesce(k.access, 'allowed') = 'allowed' order by m.id"""
FRIENDS_AMONG_MEMBERS = """
select m.id from member m join kakao_identity i on i.member_id = m.id
  join channel_friend f on f.app_id = i.app_id and f.id_type = 'user_id' and f.id = i.user_id
 where f.channel = :channel and f.status = 'added' and m.marketing and m.left_at is null order by m.id"""


class Refused(Exception):
    """The login is refused. The text is for the service's log; it names no member."""


def connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing. SQLite locks the database; elsewhere the LOCK_… statements lock the rows that they read."""
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


# ---- Changes that arrive


def follow(db: sqlite3.Connection, change: dict[str, Any]) -> None:
    """Takes a newer state as the truth. Every action compares times, so the order of changes does not matter."""
    with transaction(db):
        keep_friends(db, change)
        if "user_id" not in change:  # A user whom only a channel knows, by open id.
            return
        state = change["state"]
        values = {
            **{name: change[name] for name in ("app_id", "user_id", "version")},
            "access": state["access"],
            "linked_at": status_time(state, "link", "linked"),
            "gone_at": gone_at(state),
            "erased_until": millis(state.get("erased_until")) or 0,
        }
        db.execute(ADD_UNKNOWN, values)
        if db.execute(KEEP_GREATEST, values).rowcount == 0:
            return
        db.execute(FORGET_KAKAOS_DATA, values)
        for scope, consent in state.get("scopes", {}).items():
            db.execute(KEEP_CONSENT, values | {"scope": scope, "granted": consent["granted"], "at": millis(consent["at"])})
        db.execute(FORGET_CONSENTS, values)
        if member := db.execute(MEMBER_OF, values).fetchone():
            act_on_member(db, state, values | {"member_id": member[0]}, proven_at=member[1])


def act_on_member(db: sqlite3.Connection, state: dict[str, Any], values: dict[str, Any], proven_at: int) -> None:
    void_until = millis(state.get("sessions_valid_from")) or 0
    # Whatever began in that second or before is void.
    void = {"all": state["access"] == "blocked", "void_until": void_until // 1000 * 1000 + 999}
    db.execute(END_KAKAO_SESSIONS, values | void)
    if state["access"] != "gone":
        return
    if proven_at > values["gone_at"]:
        # The change is late: the member is back already. Without the account status webhook, only the service knows.
        report(db, "service-linked", values, proven_at)
        return
    db.execute(END_KAKAO_SESSIONS, values | {"all": True, "void_until": 0})
    # Of two logins that end at once, one must be the last.
    db.execute(LOCK_MEMBER, values)
    if db.execute(OTHER_LOGINS, values).fetchone():
        remove_identity(db, values)
        report(db, "service-erased", values, values["gone_at"])
    else:
        db.execute(MARK_AS_LEFT, values)


def keep_friends(db: sqlite3.Connection, change: dict[str, Any]) -> None:
    id_type = "user_id" if "user_id" in change else "open_id"
    for channel, friend in change["state"].get("channels", {}).items():
        values = {"app_id": change["app_id"], "id_type": id_type, "id": change[id_type], "channel": channel}
        db.execute(KEEP_FRIEND, values | {"status": friend["status"], "at": millis(friend["at"])})


# ---- What the service does itself


def log_in(db: sqlite3.Connection, app_id: str, user_id: str, proven_at: int, *, email: str | None = None,
           scopes: tuple[str, ...] = (), member_id: int | None = None) -> int:
    """Begins a session after Kakao's login and returns the own user id. `proven_at` is the ID token's `iat`, or the
    time before the code was exchanged: the latest moment at which Kakao is known to have had the link. `member_id` is
    the account that is logged in by other means and adds Kakao to it."""
    who: dict[str, Any] = {"app_id": app_id, "user_id": user_id, "proven_at": proven_at, "email": email}
    with transaction(db):
        access, gone, version = lock_user(db, who)
        if access == "blocked":
            raise Refused("the Kakao account is disabled")
        if gone is not None and gone >= proven_at:
            raise Refused("the member unlinked after this login began")
        known, who["member_id"] = find_or_add(db, who, member_id)
        returned = restore(db, who)
        db.execute(f"delete from pending_unlink where {WHOSE}", who)
        db.execute(KEEP_PROOF, who)
        for scope in scopes:
            db.execute(KEEP_CONSENT, who | {"scope": scope, "granted": True, "at": proven_at})
        db.execute(BEGIN_SESSION, who | {"id": uuid.uuid4().hex})
        # Not at every login: each one would be a change of the link's time. Version 0: no change of this user came yet.
        if not known or returned or access != "allowed" or version == 0:
            report(db, "service-linked", who, proven_at)
    return int(who["member_id"])


def lock_user(db: sqlite3.Connection, who: dict[str, Any]) -> tuple[str, int | None, int]:
    """Holds back changes of this user, and whatever else adds or removes the identity, until the transaction ends."""
    # A row that is not there cannot be locked.
    db.execute(ADD_UNKNOWN, who)
    access, gone, version = db.execute(LOCK_USER, who).fetchone()
    return access, gone, version


def find_or_add(db: sqlite3.Connection, who: dict[str, Any], member_id: int | None) -> tuple[bool, int]:
    """Whether the member number is known, and the own user id that belongs to it from now on."""
    if found := db.execute(MEMBER_OF, who).fetchone():
        if member_id not in (None, found[0]):
            raise Refused("this Kakao account belongs to another member")
        return True, found[0]
    if member_id is None:
        (member_id,) = db.execute("insert into member default values returning id").fetchone()
    db.execute(ADD_IDENTITY, who | {"member_id": member_id})
    return False, member_id


def restore(db: sqlite3.Connection, who: dict[str, Any]) -> bool:
    """Whether the member had left and is back. One who left after this login began stays away."""
    left_at, purged_at = db.execute(LOCK_MEMBER, who).fetchone()
    if purged_at is not None:
        raise Refused("the account was purged while this login waited: the next login begins a new one")
    if left_at is not None and left_at >= who["proven_at"]:
        raise Refused("the member left after this login began")
    return db.execute(RESTORE, who).rowcount == 1


def leave(db: sqlite3.Connection, member_id: int, now: int) -> None:
    """The member leaves the service. First the own mark, then Kakao: the other way round a crash would lose it."""
    with transaction(db):
        db.execute(MARK_AS_LEFT, {"member_id": member_id, "gone_at": now})
        db.execute("delete from session where member_id = :member_id", {"member_id": member_id})
        db.execute(UNLINK_ALL, {"member_id": member_id})


def disconnect(db: sqlite3.Connection, app_id: str, user_id: str) -> None:
    """The member removes Kakao and keeps the account, by another login. The erasure is reported with the unlink."""
    with transaction(db):
        values: dict[str, Any] = {"app_id": app_id, "user_id": user_id}
        lock_user(db, values)
        values["member_id"], values["proven_at"] = db.execute(MEMBER_OF, values).fetchone() or (None, None)
        db.execute(LOCK_MEMBER, values)
        if not db.execute(OTHER_LOGINS, values).fetchone():
            raise Refused("Kakao is the only login of this member")
        db.execute(END_KAKAO_SESSIONS, values | {"all": True, "void_until": 0})
        remove_identity(db, values)
        db.execute(UNLINK_ONE, values)


def remove_identity(db: sqlite3.Connection, values: dict[str, Any]) -> None:
    """Removes what Kakao gave, and the member number. The channel's friend is unknown from now on, too."""
    db.execute(REMOVE_IDENTITY, values)
    db.execute(f"delete from kakao_consent where {WHOSE}", values)
    db.execute("delete from channel_friend where app_id = :app_id and id_type = 'user_id' and id = :user_id", values)


# ---- Jobs


def purge(db: sqlite3.Connection, now: int) -> int:
    """Every day: erases the members whose grace period is over, and reports it. Returns how many."""
    due = {"now": now, "grace": GRACE}
    purged = sum(purge_member(db, due | {"member_id": member_id}) for (member_id,) in db.execute(DUE, due).fetchall())
    with transaction(db):
        db.execute(FORGET_MARKS, {"now": now, "kept": MARKS_KEPT})
    return purged


def purge_member(db: sqlite3.Connection, member: dict[str, Any]) -> bool:
    """Whether the member is still due, and so erased: one who logs in, or links again, while the job runs stays."""
    with transaction(db):
        # Without their locks, a link could arrive between the question and the deletion.
        for who in identities_of(db, member):
            lock_user(db, who)
        left_at, _ = db.execute(LOCK_MEMBER, member).fetchone()
        if not db.execute(IS_DUE, member).fetchone():
            return False
        for who in identities_of(db, member):
            remove_identity(db, who)
            # Dated at the end of the period: what a new link brings later must not be erased.
            report(db, "service-erased", who, left_at + GRACE)
        db.execute("delete from session where member_id = :member_id", member)
        db.execute(EMPTY_MEMBER, member)
    return True


def identities_of(db: sqlite3.Connection, member: dict[str, Any]) -> list[dict[str, str]]:
    return [{"app_id": app_id, "user_id": user_id} for app_id, user_id in db.execute(IDENTITIES_OF, member).fetchall()]


class Kakao(Protocol):
    """Kakao's API by an admin key of the app. Both return Kakao's error code, or None."""

    def unlink(self, app_id: str, user_id: str) -> int | None: ...
    def me(self, app_id: str, user_id: str) -> int | None: ...


def unlink_at_kakao(db: sqlite3.Connection, kakao: Kakao, clock: Callable[[], int]) -> int:
    """Every minute: unlinks pending members. Returns how many are still pending, because Kakao gave another answer than
    *done* or a *not linked* that can be believed."""
    pending = db.execute("select app_id, user_id from pending_unlink").fetchall()
    for app_id, user_id in pending:
        who = {"app_id": app_id, "user_id": user_id}
        with transaction(db):  # One row stays locked while Kakao is asked, so that a login of this member waits.
            if not db.execute(LOCK_PENDING, who).fetchone():
                continue  # The member logged in meanwhile: they stay linked.
            # The whole second before the call. A new link has the time of its token, in whole seconds, and must be newer.
            before = clock() // 1000 * 1000 - 1000
            code = kakao.unlink(app_id, user_id)
            if code is None or (code == NOT_LINKED and is_believed(db, kakao, who)):
                report_unlinked(db, who, before)
    return int(db.execute("select count(*) from pending_unlink").fetchone()[0])


def report_unlinked(db: sqlite3.Connection, who: dict[str, str], at: int) -> None:
    db.execute(f"delete from pending_unlink where {WHOSE}", who)
    report(db, "service-unlinked", who, at)
    if not db.execute(MEMBER_OF, who).fetchone():
        # Erased before the unlink, by `disconnect` or the purge. Only what is not dated before a departure confirms it.
        report(db, "service-erased", who, at)


def is_believed(db: sqlite3.Connection, kakao: Kakao, who: dict[str, str]) -> bool:
    """Whether *not linked* is true. With another app's key Kakao says it of every member, so the key must know one who is
    linked, unless Kakao itself has reported that this member left, and no login since has proved a new link."""
    if db.execute(HAS_LEFT, who).fetchone():
        return True
    linked = db.execute(LAST_LINKED, who).fetchone()
    return linked is not None and kakao.me(who["app_id"], linked[0]) is None


class KakaoApi:
    """Kakao's API with the key of each app."""

    def __init__(self, admin_keys: dict[str, str], api: str = "https://kapi.kakao.com") -> None:
        self.admin_keys, self.api = admin_keys, api

    def unlink(self, app_id: str, user_id: str) -> int | None:
        form = urllib.parse.urlencode({"target_id_type": "user_id", "target_id": user_id}).encode()
        return self.ask(app_id, "/v1/user/unlink", form)

    def me(self, app_id: str, user_id: str) -> int | None:
        return self.ask(app_id, "/v2/user/me?" + urllib.parse.urlencode({"target_id_type": "user_id", "target_id": user_id}))

    def ask(self, app_id: str, path: str, form: bytes | None = None) -> int | None:
        headers = {"Authorization": f"KakaoAK {self.admin_keys[app_id]}", "Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
        return error_code(urllib.request.Request(f"{self.api}{path}", form, headers))


def error_code(request: urllib.request.Request) -> int | None:
    try:
        with urllib.request.urlopen(request, timeout=5):
            return None
    except urllib.error.HTTPError as error:
        try:
            return int(json.load(error)["code"])
        except (ValueError, KeyError):
            return TRY_AGAIN
    except OSError:
        return TRY_AGAIN


# ---- Service events


def report(db: sqlite3.Connection, kind: str, who: dict[str, Any], at: int) -> None:
    db.execute("insert into outbox (id, type, app_id, user_id, at) values (:id, :type, :app_id, :user_id, :at)",
               {"id": uuid.uuid4().hex, "type": kind, "app_id": who["app_id"], "user_id": who["user_id"], "at": at})


def send_outbox(db: sqlite3.Connection, send: Callable[[str], None], clock: Callable[[], int]) -> None:
    """Every minute: sends each service event to the queue, then deletes it. If it is sent twice, it counts once."""
    for row, kind, app_id, user_id, at in db.execute("select id, type, app_id, user_id, at from outbox order by at").fetchall():
        event = {"type": kind, "user_id": user_id, "at": written(at)}
        send(json.dumps({"v": 1, "kind": "service", "id": row, "app_id": app_id, "received_at": written(clock()), "event": event}))
        with transaction(db):
            db.execute("delete from outbox where id = ?", (row,))


# ---- Times


def gone_at(state: dict[str, Any]) -> int | None:
    if state["access"] != "gone":
        return None
    since = (status_time(state, "link", "unlinked"), status_time(state, "account", "purged"))
    return max(time for time in since if time is not None)


def status_time(state: dict[str, Any], register: str, status: str) -> int | None:
    known = state.get(register, {})
    return millis(known["at"]) if known.get("status") == status else None


def millis(time: str | None) -> int | None:
    return round(datetime.fromisoformat(time).timestamp() * 1000) if time else None


def written(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
