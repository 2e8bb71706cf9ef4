#!/usr/bin/env python3
"""Writes the corpora that the fuzz targets start from, out of tests/fixtures, into fuzz/corpus/<target>/."""

import base64
import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"
CORPUS = HERE / "corpus"
ISSUER = "https://kauth.kakao.com"
AUDIENCE = "b7d41f0e5a3c49d28e6f7a8b9c0d1e2f"
HEADER = {"typ": "secevent+jwt", "alg": "RS256", "kid": "k1"}
WEBHOOKS = {"unlink": "unlink", "talk-share": "share", "talk-channel": "channel", "skill": "skill"}


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def put(target, seed):
    """A seed is named by its digest: twice the same is once."""
    data = seed if isinstance(seed, bytes) else seed.encode()
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    subject = {"subject_type": "iss-sub", "iss": ISSUER, "sub": token["sub"]}
    at = 1740798000
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": token["sub"], "iat": at, "toe": at, "jti": token["jti"]}
    claims["events"] = {token["event"]: {"subject": subject, **token.get("members", {})}}
    return claims | token.get("more_claims", {})


def token(described):
    """A token's parts: signed if the target has a key, else with an invalid signature."""
    header, claims = compact(HEADER), compact(claims_of(described))
    put("token_claims", f"{header}\n{claims}")
    parts = [base64url(header.encode()), base64url(claims.encode()), base64url(bytes(range(256)))]
    put("token_bytes", ".".join(parts))
    members = claims_of(described)["events"][described["event"]]
    put("security_event", f"{described['event']}\n{compact(members)}")
    event = {"user_id": described["sub"], "at": described["toe"], "uri": described["event"], "members": described.get("members", {})}
    put("envelope", envelope("account-status", event))
    name = described["event"].rsplit("/", 1)[-1]
    put("reread", f"account-status {described['jti']}:{name}\n" + ".".join(parts))
    return f"{header}\n{claims}"


def envelope(kind, event):
    return compact({"v": 1, "id": "id", "app_id": "123456", "received_at": "2025-03-01T03:30:00.000Z", "kind": kind, "event": event})


def gateway_event(method, path, headers, body):
    path, _, query = path.partition("?")
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": ""}
    context = {"domainName": "x.example", "http": http, "requestId": "r", "stage": "$default", "timeEpoch": 1740799800000}
    event = {"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "requestContext": context}
    return compact(event | {"body": body, "isBase64Encoded": False})


def request(folder, described):
    headers = {name.lower(): value for name, value in described.get("headers", {}).items()}
    body = described.get("text", "")
    if "json" in described:
        body = compact(described["json"])
    if "token" in described:
        body = token(described["token"])
    lines = [f"{described['method']} {described['path']}"] + [f"{name}: {value}" for name, value in headers.items()]
    for edges in ([], ["fuzz-queue: refuses"], ["fuzz-queue: hangs", "fuzz-inbox: refuses"]):
        put("gateway_request", "\n".join(lines + edges) + f"\n\n{body}")
    put("gateway_event", gateway_event(described["method"], described["path"], headers, body))
    if folder not in WEBHOOKS:
        return
    method, media_type = described["method"], headers.get("content-type", "").split(";")[0]
    came = body if method == "POST" else described["path"].partition("?")[2]
    content = f"{method} {media_type}\n{came}"
    put("content", content)
    put("webhooks", f"{WEBHOOKS[folder]} {content}")
    put("reread", f"{folder} id\n{came}")
    put("skill_reply", content)
    if came.startswith("{"):
        put("strict_json", came)


def attribute(value):
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, dict):
        return {"M": {name: attribute(member) for name, member in value.items()}}
    if isinstance(value, list):
        return {"L": [attribute(element) for element in value]}
    return {"NULL": True} if value is None else {"N": str(value)} if isinstance(value, int) else {"S": value}


def state(described):
    """The stored form: profile values as text, and who wrote each register."""
    members = {name: value for name, value in described.items() if name not in ("app_id", "user_id", "shares")}
    for field in members.get("profile", {}).values():
        field["value"] = compact(field["value"])
    registers = ["link", "account", "credential", "assurance"]
    by = {name: "id" for name in registers if name in members}
    for name in ("scopes", "profile", "channels", "bots"):
        by |= {f"{name}.{key}": "id" for key in members.get(name, {})}
    members["_merge"] = {"by": by}
    more = {"more": [1, None, 2.5, "한"], "set": {"a": {}}}
    item = {name: attribute(value) for name, value in (members | {"more": [1, None, "한"]}).items()}
    put("stored_item", compact(item))
    put("stored_item", compact(item | {"tags": {"SS": ["a", "b"]}, "bytes": {"B": "AAE="}, "numbers": {"NS": ["1"]}}))
    members.pop("version", None)
    return compact(members | more)


def names(value):
    if isinstance(value, dict):
        for member in value.values():
            yield from names(member)
    elif isinstance(value, list):
        for element in value:
            yield from names(element)
    elif isinstance(value, str) and len(value) < 200:
        yield value


def by_hand():
    """What no fixture holds."""
    modulus = base64url(b"\xd1" + bytes(range(1, 256)))
    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": modulus, "e": "AQAB"}
    rest = [{"elements": [7, 8], "after_url": None}, [{"id": 7, "connected_at": "2026-01-01T00:00:00Z"}], {"id": 7}]
    for body in [*rest, {"code": -101, "msg": "NotRegisteredUserException"}, {"code": -401, "msg": "ip mismatched!"}]:
        put("rest_api", compact(body))
    put("key_set", compact({"keys": [key]}))
    put("key_set", compact({"keys": [{**key, "n": base64.b64encode(b"\0\xd1" + bytes(range(1, 256))).decode()}]}))
    put("key_set", compact({"keys": [{**key, "kid": "k2", "key_ops": ["verify"]}, {"kty": "EC"}, key]}))
    digest = hashlib.sha256(b"key").hexdigest()
    put("config", compact([{"app_id": "1", "rest_api_keys": ["secret-1"], "admin_key_sha256": [digest], "bot_ids": ["b"]}]))
    put("config", compact([{"app_id": 1, "rest_api_key": "secret-1"}, {"app_id": "2", "admin_key_sha256": ["secret-2"]}]))
    put("config", compact({"header": "x-skill-key", "sha256": [digest]}))
    put("config", compact([{"utterance": "a", "text": "b", "quick_replies": ["c"]}, {"text": "d"}]))
    put("config", compact({"header": "secret-3", "sha256": ["secret-4"]}))
    bot_user = {"plusfriend_user_key": "pf", "app_user_id": "7", "is_friend": True, "last_seen_at": "2025-03-01T03:00:00.000Z"}
    stored = bot_user | {"_merge": {"by": {"seen": "id"}}}
    put("stored_item", compact({name: attribute(value) for name, value in stored.items()}))
    put("merge_documents", compact(stored) + "\n" + compact(stored | {"is_friend": False}))
    other_requests = [
        {"botId": "b", "type": "entrance", "timestamp": 1, "group": {"botGroupKey": "r"}, "payload": {}},
        {"isInSlotFilling": True, "utterance": "1", "value": {"origin": "1", "resolved": "1"}, "user": {"id": "u"}},
        {"op": 0, "d": {"type": "MESSAGE_CREATE"}, "t": 1},
        {"bot": {"id": "b!"}, "userRequest": {"user": {"id": None, "properties": {"bot_user_key": "u", "app_user_id": 7}}}},
    ]
    for other in other_requests:
        put("webhooks", f"skill POST application/json\n{compact(other)}")
    put("webhooks", "unlink GET \napp_id=123456&user_id=1&note=%FF")
    for number in range(32):
        put("merge_events", hashlib.shake_128(bytes([number])).digest(64 * (1 + number % 8)))
    scopes = " ".join(f"s{number}" for number in range(60))
    put("security_event", "https://schemas.openid.net/secevent/oauth/event-type/user-scope-consent\n" + compact({"scope": scopes}))
    profile = {f"f{number}": number / 7 for number in range(60)}
    put("security_event", "https://schemas.kakao.com/platevent/kakao/event-type/user-profile-changed\n" + compact(profile))
    oauth = "https://schemas.openid.net/secevent/oauth/event-type/"
    by_token = {"subject": {"subject_type": "oauth_token", "token_identifier_alg": "plain", "token": "secret"}, "token_subject": {"iss": ISSUER, "sub": "7"}}
    user = {"format": "iss_sub", "iss": ISSUER, "sub": "7"}
    by_form = {"subject": {"format": "complex", "user": user}, "sub_id": {"format": "aliases", "identifiers": [user, {"format": "opaque", "id": "7"}]}}
    stream = {"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "x"}}
    for events in ({oauth + "token-revoked": by_token}, {oauth + "tokens-revoked": by_form}, stream):
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": 1740798000, "toe": 1740798060, "jti": "j", "events": events}
        put("token_claims", f"{compact(HEADER)}\n{compact(claims)}")
        put("reread", "account-status j:token-revoked\n" + ".".join([base64url(compact(HEADER).encode()), base64url(compact(claims).encode()), ""]))
    for text in ('{"a":"\\ud83c","\\udf0a":1e400}', '{"a":["\\ud83c\\udf0a",-1e999,18446744073709551616]}'):
        put("strict_json", text)
    several = {"https://schemas.openid.net/secevent/oauth/event-type/user-linked": {}, "https://example.com/new": None}
    many = {f"https://example.com/{number}": {} for number in range(11)}
    for events in (several, many):
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "iat": 1740798000, "jti": "j", "events": events}
        signed = f"{compact(HEADER)}\n{compact(claims)}"
        put("token_claims", signed)
        put("gateway_request", f"POST /webhooks/account-status\ncontent-type: application/secevent+jwt\n\n{signed}")
    key = "authorization: KakaoAK 0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    put("gateway_request", f"POST /webhooks/unlink\n{key}\n\n" + "x" * (64 * 1024 + 1))
    for text in ("2025-03-01T12:30:00.1239+09:00", "9999-12-30T22:00:00Z", "18446744073709551615", "_ISxgbxb"):
        put("vocabulary", text)


def rules():
    """The example, and each of its rules with words that fit it."""
    example = json.loads((HERE.parent / "infra" / "examples" / "skill-rules.json").read_text())
    put("skill_rules", compact(example))
    for rule in example["rules"]:
        words = [text for texts in rule["when"].values() if texts is not True for text in ([texts] if isinstance(texts, str) else texts)]
        put("skill_rules", compact({"version": 1, "rules": [rule]}) + "\n" + words[0])


def main():
    by_hand()
    rules()
    states = []
    for path in sorted(FIXTURES.glob("*/*.json")):
        fixture = json.loads(path.read_text())
        for name in names(fixture):
            put("vocabulary", name)
        if "request" in fixture:
            request(path.parent.name, fixture["request"])
        if "template" in fixture.get("expected", {}).get("body", {}):
            put("skill_response", compact(fixture["expected"]["body"]))
        if "message" in fixture:
            put("envelope", compact(fixture["message"]))
        if "state" in fixture["expected"]:
            states.append(state(fixture["expected"]["state"]))
    for index, one in enumerate(states):
        put("merge_documents", "\n".join([one, states[index - 1], states[index - 2]]))
    unlink = {"user_id": "7", "reason": "UNLINK_FROM_APPS"}
    share = {"chat_type": "MemoChat", "chat_id": "c", "template_id": 1, "claimed_user": "7"}
    channel = {"event": "added", "user": {"app_user_id": "7"}, "channel_id": "_a", "at": "2025-03-01T03:00:00Z"}
    message = {"bot_id": "b", "user_key": "u", "app_user_id": "7", "is_friend": True}
    for kind, event in (("unlink", unlink), ("talk-share", share), ("talk-channel", channel), ("skill", message)):
        put("envelope", envelope(kind, event))
    quarantined = json.loads(envelope("unlink", None))
    del quarantined["event"]
    quarantine = {"reason": "missing_field", "detail": "", "payload": {"text": "app_id=123456&user_id=7"}}
    put("envelope", compact(quarantined | {"quarantine": quarantine}))
    if not states:
        sys.exit(f"no fixtures in {FIXTURES}")


main()
