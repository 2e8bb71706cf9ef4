"""Receives the signed requests of kakao-webhooks and does what Kakao asks for: a FastAPI app with any SQL database."""

import os
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from sqlalchemy import Connection, Engine, create_engine, text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SCHEMA = """
create table kakao_user (app_id varchar(20), user_id varchar(20), version bigint not null, access varchar(16) not null,
                         sessions_valid_from bigint not null, primary key (app_id, user_id));
create table member (app_id varchar(20), user_id varchar(20), active boolean not null, nickname varchar(80),
                     profile_at bigint not null, primary key (app_id, user_id));
create table session (id varchar(40) primary key, app_id varchar(20), user_id varchar(20), started_at bigint not null)
"""
WHOSE = "app_id = :app_id and user_id = :user_id"
ADD_UNKNOWN = """insert into kakao_user (app_id, user_id, version, access, sessions_valid_from)
                 values (:app_id, :user_id, 0, 'allowed', 0) on conflict do nothing"""
# The one rule: only a greater version is taken. The row stays locked until the transaction ends.
KEEP_GREATEST = f"""update kakao_user set version = :version, access = :access, sessions_valid_from = :void_until
                    where {WHOSE} and version < :version"""
DEACTIVATE = f"update member set active = false where {WHOSE}"
END_SESSIONS = f"delete from session where {WHOSE} and (:all or started_at <= :void_until)"
FORGET_PROFILE = f"update member set nickname = null where {WHOSE} and profile_at <= :erased_until"


def follow(db: Connection, change: dict[str, Any]) -> None:
    """Takes a newer state as the truth. Acts on `state`, not on `changed`: what an ignored change named is in it."""
    if "user_id" not in change:  # A user whom only a channel knows, by open id: there is no member.
        return
    state = change["state"]
    values = {
        **{name: change[name] for name in ("app_id", "user_id", "version")},
        "access": state["access"],
        "all": state["access"] in ("blocked", "gone"),
        # Whatever began in that second or before is void.
        "void_until": millis(state.get("sessions_valid_from")) // 1000 * 1000 + 999,
        "erased_until": millis(state.get("erased_until")),
    }
    db.execute(text(ADD_UNKNOWN), values)
    if db.execute(text(KEEP_GREATEST), values).rowcount == 0:
        return
    db.execute(text(END_SESSIONS), values)
    db.execute(text(FORGET_PROFILE), values)
    if state["access"] == "gone":
        db.execute(text(DEACTIVATE), values)


def millis(time: str | None) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000) if time else 0


def create_app(engine: Engine, secret: str) -> FastAPI:
    app, webhook = FastAPI(), Webhook(secret)

    async def verified(request: Request) -> dict[str, Any]:
        try:
            return webhook.verify(await request.body(), dict(request.headers))
        except (WebhookVerificationError, ValueError):  # ValueError: the library could not decode what was sent.
            raise HTTPException(401) from None

    @app.post("/kakao", status_code=204)
    def receive(event: Annotated[dict[str, Any], Depends(verified)]) -> None:
        if event["type"] == "user.changed":
            with engine.begin() as db:  # All of it or nothing: what fails is delivered again.
                follow(db, event["data"])

    return app


def from_environment() -> FastAPI:
    return create_app(create_engine(os.environ["DATABASE_URL"]), os.environ["KAKAO_DELIVERY_SECRET"])
