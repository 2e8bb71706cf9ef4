"""Ends a member's sessions when Kakao asks for it: an example of a consumer of the bus.

EventBridge may deliver a change twice, and two changes in either order. One conditional write keeps the greatest
version; all that follows from it can be done again.
"""

import os
from datetime import datetime
from typing import Any


class Sessions:
    """The service's own table: for each user an item that says whether they may come in, and the sessions."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.stale = table.meta.client.exceptions.ConditionalCheckFailedException

    def keep_greatest(self, user: str, version: int, access: str, void_until: int) -> bool:
        """Whether nothing newer is known. The same version passes: the last attempt may have failed after this step."""
        try:
            self.table.update_item(
                Key={"pk": user, "sk": "DOOR"},
                UpdateExpression="SET version = :version, access = :access, void_until = :void_until",
                ConditionExpression="attribute_not_exists(version) OR version <= :version",
                ExpressionAttributeValues={":version": version, ":access": access, ":void_until": void_until},
            )
        except self.stale:
            return False
        return True

    def end(self, user: str, until: int | None) -> int:
        """Ends the sessions that began in that second or before, or all. Returns how many."""
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


def follow_up(change: dict[str, Any], sessions: Sessions) -> str:
    """Takes a newer state as the truth. Returns the outcome, for the log."""
    if "user_id" not in change:
        return "no member"
    user, state = f"USER#{change['app_id']}#{change['user_id']}", change["state"]
    void_until = second(state.get("sessions_valid_from"))
    if not sessions.keep_greatest(user, change["version"], state["access"], void_until):
        return "stale"
    shut = state["access"] in ("blocked", "gone")
    return f"{state['access']}, {sessions.end(user, None if shut else void_until)} ended"


def second(time: str | None) -> int:
    return int(datetime.fromisoformat(time).timestamp()) if time else 0


def handler(event: dict[str, Any], _context: Any) -> None:
    import boto3  # here, so that the tests need nothing but Python

    sessions = Sessions(boto3.resource("dynamodb").Table(os.environ["SESSIONS_TABLE"]))
    # The id that EventBridge gave: the change's own id has the member number in it, which belongs in no log.
    print({"id": event["id"], "outcome": follow_up(event["detail"], sessions)})
