"""Signs Security Event Tokens, right and wrong ones, with joserfc: an implementation that shares nothing with the
service's. Prints the key set and the tokens as JSON; each wrong token with the code (RFC 8935 §2.4) that it must be
refused with, or `later` where its key is in the set but must not be used; beside them the tokens that are authentic and
can't be used.

    python sign.py AUDIENCE SECONDS
"""

import base64
import hmac
import json
import sys
import warnings

from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, RSAKey

# It advises against what is done here on purpose: weak keys, `none`.
warnings.simplefilter("ignore")

ISSUER = "https://kauth.kakao.com"
OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
KAKAO = "https://schemas.kakao.com/platevent/kakao/event-type/"

EVENTS = {
    OAUTH + "token-issued": {},
    OAUTH + "token-revoked": {},
    OAUTH + "tokens-revoked": {},
    OAUTH + "user-linked": {},
    OAUTH + "user-unlinked": {"reason": "UNLINK_FROM_APPS"},
    OAUTH + "user-scope-consent": {"scope": "account_email profile_nickname"},
    OAUTH + "user-scope-withdraw": {"scopes": ["account_email"]},
    RISC + "account-credential-change-required": {},
    RISC + "account-disabled": {"reason": "hijacking"},
    RISC + "account-enabled": {},
    RISC + "account-purged": {},
    RISC + "credential-compromise": {"credential_type": "password"},
    RISC + "identifier-changed": {},
    RISC + "identifier-recycled": {},
    RISC + "sessions-revoked": {},
    CAEP + "assurance-level-change": {"current_level": "nist-aal2", "change_direction": "increase"},
    CAEP + "credential-change": {"credential_type": "password", "change_type": "update"},
    KAKAO + "user-profile-changed": {"nickname": "라이언", "account_email": "ryan@example.com"},
}


def rsa(kid, size=2048):
    return RSAKey.generate_key(size, {"kid": kid}, private=True)


AUDIENCE, AT = sys.argv[1], int(sys.argv[2])
KEY, NEXT, THIEF, SMALL, OAEP = rsa("key"), rsa("next"), rsa("key"), rsa("small", 1024), rsa("for-encryption")
CURVE = ECKey.generate_key("P-256", {"kid": "curve"}, private=True)
# Each key with its published algorithm. The keys themselves have none, because the library would enforce it.
PUBLISHED = [(SMALL, "RS256"), (CURVE, "ES256"), (OAEP, "RSA-OAEP-256"), (KEY, "RS256"), (NEXT, "RS256")]
HEADER = {"alg": "RS256", "typ": "secevent+jwt", "kid": "key"}


def claims(uri=OAUTH + "user-unlinked", members=None, **changed):
    event = {"subject": {"subject_type": "iss-sub", "iss": ISSUER, "sub": "3142857999"}, **(members or {})}
    name = uri.rsplit("/", 1)[1]
    right = {"iss": ISSUER, "aud": AUDIENCE, "sub": "3142857999", "iat": AT, "toe": AT, "jti": f"jose-{name}"}
    return {**right, "events": {uri: event}, **changed}


def token(key=KEY, said=None, **header):
    """A token with this in its header; `None` leaves a member out."""
    header = {name: value for name, value in {**HEADER, **header}.items() if value is not None}
    algorithm = header["alg"]
    # Where the library insists on a header of its own (`typ`), the generic layer below does not.
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(said or claims()), key, registry=registry)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_hmac(secret, algorithm="HS256"):
    """By hand: the library takes no public key as a secret."""
    header = {**HEADER, "alg": algorithm}
    message = ".".join(encode(json.dumps(part).encode()) for part in [header, claims()])
    return f"{message}.{encode(hmac.digest(secret, message.encode(), 'sha256'))}"


def spliced(header, body, signature):
    return ".".join([header.split(".")[0], body.split(".")[1], signature.split(".")[2]])


def forgeries():
    genuine, other = token(), token(said=claims(jti="another"))
    yield "alg none", "invalid_request", token(alg="none")
    yield "alg none, signature of another token", "invalid_request", spliced(token(alg="none"), genuine, genuine)
    yield "HS256, the public key's PEM", "invalid_request", with_hmac(KEY.as_pem(private=False))
    yield "HS256, the public key's DER", "invalid_request", with_hmac(KEY.as_der(private=False))
    yield "HS256, the key's JWK", "invalid_request", with_hmac(json.dumps(KEY.as_dict(private=False)).encode())
    yield "HS256, said to be RS256", "invalid_key", with_hmac(KEY.as_pem(private=False), "RS256")
    yield "another key", "invalid_key", token(THIEF)
    yield "a key in the header", "invalid_request", token(THIEF, jwk=THIEF.as_dict(private=False))
    yield "a key in the header and no kid", "invalid_request", token(THIEF, jwk=THIEF.as_dict(private=False), kid=None)
    yield "a key set's address in the header", "invalid_request", token(THIEF, jku="https://example.com/jwks.json")
    yield "a certificate's address in the header", "invalid_request", token(THIEF, x5u="https://example.com/key.pem")
    yield "the kid of the other key", "invalid_key", token(NEXT)
    yield "no kid", "invalid_request", token(kid=None)
    yield "changed claims", "invalid_key", spliced(genuine, other, genuine)
    yield "changed header", "invalid_key", spliced(token(NEXT, kid="next"), genuine, genuine)
    yield "no signature", "invalid_key", genuine.rsplit(".", 1)[0] + "."
    yield "half a signature", "invalid_key", genuine[:-170]
    for algorithm in ["RS384", "RS512", "PS256"]:
        yield algorithm, "invalid_request", token(alg=algorithm)
    yield "ES256", "invalid_request", token(CURVE, alg="ES256", kid="curve")
    for other_type in ["JWT", "at+jwt", "logout+jwt", "secevent", None]:
        yield f"typ {other_type}", "invalid_request", token(typ=other_type)
    yield "an ID token", "invalid_request", jwt.encode({**HEADER, "typ": "JWT"}, claims(exp=AT + 3600), KEY)
    yield "an extension that must be understood", "invalid_request", token(b64=True, crit=["b64"])
    yield "JSON serialization", "invalid_request", json.dumps(
        jws.serialize_json({"protected": HEADER}, json.dumps(claims()), KEY, algorithms=["RS256"])
    )
    encrypted = {"alg": "RSA-OAEP-256", "enc": "A128GCM", "kid": "key"}
    yield "encrypted", "invalid_request", jwe.encrypt_compact(
        encrypted, json.dumps(claims()), KEY, algorithms=[encrypted["alg"], encrypted["enc"]]
    )
    yield "another issuer", "invalid_issuer", token(said=claims(iss="https://accounts.example.com"))
    yield "another audience", "invalid_audience", token(said=claims(aud="another-receiver"))
    yield "a key of 1024 bits", "later", token(SMALL, kid="small")
    yield "a key for encryption", "later", token(OAEP, kid="for-encryption")


def public(key, algorithm):
    return {**key.as_dict(private=False), "alg": algorithm, "use": "enc" if "OAEP" in algorithm else "sig"}


print(
    json.dumps(
        {
            "key_set": {"keys": [public(key, algorithm) for key, algorithm in PUBLISHED]},
            "genuine": {uri: token(said=claims(uri, members)) for uri, members in EVENTS.items()},
            "unusable": {
                "other_subject": token(said=claims(sub="1")),
                "missing_field": token(said=claims(events={})),
                "time_after_issue": token(said=claims(toe=AT + 301)),
            },
            "of_the_next_key": token(NEXT, kid="next", said=claims(jti="jose-next")),
            "forged": [{"name": name, "code": code, "token": body} for name, code, body in forgeries()],
        }
    )
)
