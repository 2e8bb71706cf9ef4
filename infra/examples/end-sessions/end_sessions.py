"""Ends a member's sessions when Kakao asks for it: an example of a consumer of the bus.

EventBridge may deliver a change twice, and two changes in either order. So every step can be done again, the door is
moved on a condition, and an id is remembered only after all that it asks for is done.
"""

import os
import time
from datetime import datetime, timedelta
from typing import Any

# An item that expired starts again at version 1: then the later write decides, by more than clocks can differ.
CLOCKS = timedelta(hours=1)
# Longer than anything delivers the same change again.
SEEN_SECONDS = 14 * 24 * 3600


class Sessions:
    """The service's own table: of each user a door, the sessions, and the changes that were dealt with."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.stale = table.meta.client.exceptions.ConditionalCheckFailedException

    def has_seen(self, user: str, change_id: str) -> bool:
        key = {"pk": user, "sk": f"SEEN#{change_id}"}
        return "Item" in self.table.get_item(Key=key, ConsistentRead=True)

    def remember(self, user: str, change_id: str) -> None:
        expires_at = int(time.time()) + SEEN_SECONDS
        self.table.put_item(Item={"pk": user, "sk": f"SEEN#{change_id}", "expires_at": expires_at})

    def move_door(self, user: str, access: str, version: int, written_at: str) -> bool:
        """Whether this is the newest word. The same one again is: what follows from it may not be done yet."""
        try:
            self.table.update_item(
                Key={"pk": user, "sk": "DOOR"},
                UpdateExpression="SET access = :access, version = :version, written_at = :written_at",
                ConditionExpression="attribute_not_exists(version) OR written_at < :hour_before"
                " OR (version <= :version AND written_at < :hour_after)",
                ExpressionAttributeValues={
                    ":access": access,
                    ":version": version,
                    ":written_at": written_at,
                    ":hour_before": text(instant(written_at) - CLOCKS),
                    ":hour_after": text(instant(written_at) + CLOCKS),
                },
            )
        except self.stale:
            return False
        return True

    def void(self, user: str, until: int) -> None:
        """Sessions up to that second are void, also one that is only being written. It moves forwards alone."""
        try:
            self.table.update_item(
                Key={"pk": user, "sk": "DOOR"},
                UpdateExpression="SET void_until = :until",
                ConditionExpression="attribute_not_exists(void_until) OR void_until < :until",
                ExpressionAttributeValues={":until": until},
            )
        except self.stale:
            pass

    def end(self, user: str, until: int | None) -> int:
        """Ends the sessions that began in that second or before, or all. How many."""
        query: dict[str, Any] = {
            "KeyConditionExpression": "pk = :user AND begins_with(sk, :sessions)",
            "ExpressionAttributeValues": {":user": user, ":sessions": "SESSION#"},
            "ConsistentRead": True,
        }
        ended = 0
        while True:
            page = self.table.query(**query)
            for session in page["Items"]:
                if until is None or int(session["started_at"]) <= until:
                    self.table.delete_item(Key={"pk": user, "sk": session["sk"]})
                    ended += 1
            if "LastEvaluatedKey" not in page:
                return ended
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


def text(moment: datetime) -> str:
    """As the bus writes times, so that the order of the texts is the times'."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def follow_up(change: dict[str, Any], sessions: Any) -> str:
    """Does what a change asks for. What came of it, for the log."""
    if "user_id" not in change:
        return "nobody who could log in"
    user = f"USER#{change['app_id']}#{change['user_id']}"
    if sessions.has_seen(user, change["id"]):
        return "seen"
    outcome = act(change, user, sessions)
    sessions.remember(user, change["id"])
    return outcome


def act(change: dict[str, Any], user: str, sessions: Any) -> str:
    match change["change"]:
        case "sessions-voided":
            until = int(instant(change["valid_from"]).timestamp())
            sessions.void(user, until)
            return f"{sessions.end(user, until)} ended"
        case "access-changed":
            if not sessions.move_door(user, change["to"], change["version"], change["written_at"]):
                return "stale"
            # Allowed only means that Kakao has nothing against it: it logs nobody in.
            if change["to"] == "allowed":
                return "door open"
            return f"door shut, {sessions.end(user, None)} ended"
        case _:
            return "nothing to do"


def handler(event: dict[str, Any], _context: Any) -> None:
    import boto3  # here, so that the tests need nothing but Python

    sessions = Sessions(boto3.resource("dynamodb").Table(os.environ["SESSIONS_TABLE"]))
    change = event["detail"]
    # No member number in a log, nor a hash of one: the id is the one that EventBridge gave.
    print({"change": change["change"], "id": event["id"], "outcome": follow_up(change, sessions)})
