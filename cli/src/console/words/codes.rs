//! Names that the functions use, in words.

use super::Language;

/// A name, in English, in Korean.
type Code = (&'static str, &'static str, &'static str);

pub(super) fn look_up(codes: &[Code], language: Language, wanted: &str) -> Option<&'static str> {
    let (_, en, ko) = codes.iter().find(|(code, _, _)| *code == wanted)?;
    Some(match language {
        Language::En => en,
        Language::Ko => ko,
    })
}

/// Why a request is refused, or an authentic one quarantined (docs/telemetry.md, `Unreadable::code`).
pub const REASONS: &[Code] = &[
    ("not_found", "no such path", "없는 경로"),
    ("method", "wrong method", "허용되지 않는 메서드"),
    ("too_large", "body over 64 KiB", "본문이 64 KiB 초과"),
    ("key_missing", "no usable key", "쓸 수 있는 키가 없음"),
    ("key_unknown", "a key that is not configured", "설정에 없는 키"),
    ("source_unlisted", "an address that is not listed", "허용 목록에 없는 주소"),
    ("token_content_type", "wrong content type", "잘못된 Content-Type"),
    ("token_malformed", "not a compact token", "토큰 형식이 아님"),
    ("token_algorithm", "algorithm is not RS256", "알고리즘이 RS256이 아님"),
    ("token_type", "wrong token type", "잘못된 토큰 유형(typ)"),
    ("token_forbidden_header", "a forbidden header member", "허용되지 않는 헤더 항목"),
    ("token_no_key_id", "no key id", "kid가 없음"),
    ("token_unknown_key", "signed with an unknown key", "알 수 없는 키로 서명됨"),
    ("token_signature", "the signature is wrong", "서명이 틀림"),
    ("token_issuer", "another issuer", "다른 발급자(iss)"),
    ("token_audience", "for another receiver", "다른 수신자용(aud)"),
    ("unknown_key_cooldown", "unknown key, asked for too recently", "알 수 없는 키, 재조회 대기 중"),
    ("unavailable", "not stored in time", "제시간에 저장하지 못함"),
    ("json", "the body is not a JSON object", "본문이 JSON 객체가 아님"),
    ("encoding", "not valid Unicode", "올바른 유니코드가 아님"),
    ("duplicate_field", "a field is there twice", "필드가 중복됨"),
    ("missing_field", "a field is missing", "필드가 빠짐"),
    ("field_shape", "a field has an unexpected shape", "필드 형식이 예상과 다름"),
    ("other_app", "the app id is another app's", "다른 앱의 app_id"),
    ("other_subject", "names two different users", "서로 다른 사용자를 가리킴"),
    ("no_subject", "names no user", "사용자를 가리키지 않음"),
    ("time_after_issue", "happened after it was issued", "발급 시각보다 늦은 이벤트"),
    ("future_time", "its time lies in the future", "미래 시각"),
    ("too_many_events", "too many events in one token", "토큰 하나에 이벤트가 너무 많음"),
    ("room_webhook", "a group chat room's webhook", "그룹 채팅방 웹훅"),
    ("parameter_validation", "a parameter validation", "파라미터 검증 요청"),
    ("new_platform", "a request of the new bot platform", "새 챗봇 플랫폼의 요청"),
    ("glued_query", "the query holds a second ?", "쿼리에 ?가 두 번 있음"),
    ("too_long", "longer than the queue takes", "큐가 받을 수 있는 길이를 초과"),
];

/// Events by their names in history.
pub const EVENTS: &[Code] = &[
    ("unlink", "unlinked", "연결 끊기"),
    ("share", "message shared", "메시지 공유"),
    ("message", "chatbot message", "챗봇 메시지"),
    ("added", "channel added", "채널 추가"),
    ("blocked", "channel blocked", "채널 차단"),
    ("user-linked", "linked", "연결"),
    ("user-unlinked", "unlinked", "연결 끊기"),
    ("user-scope-consent", "scope granted", "동의"),
    ("user-scope-withdraw", "scope withdrawn", "동의 철회"),
    ("user-profile-changed", "profile changed", "프로필 변경"),
    ("sessions-revoked", "sessions revoked", "세션 만료"),
    ("tokens-revoked", "tokens revoked", "토큰 전체 만료"),
    ("token-issued", "token issued", "토큰 발급"),
    ("token-revoked", "token revoked", "토큰 만료"),
    ("account-disabled", "account disabled", "계정 비활성화"),
    ("account-enabled", "account enabled", "계정 활성화"),
    ("account-purged", "account deleted", "계정 삭제"),
    ("account-credential-change-required", "password change required", "비밀번호 변경 필요"),
    ("credential-change", "password changed", "비밀번호 변경"),
    ("credential-compromise", "password compromised", "비밀번호 유출"),
    ("identifier-changed", "identifier changed", "식별자 변경"),
    ("identifier-recycled", "identifier recycled", "식별자 재사용"),
    ("assurance-level-change", "assurance level changed", "인증 수준 변경"),
];

/// Columns of `khook`'s lists.
pub const COLUMNS: &[Code] = &[
    ("Id", "Id", "ID"),
    ("Event id", "Event id", "이벤트 ID"),
    ("What", "What", "내용"),
    ("Kind", "Kind", "웹훅"),
    ("App", "App", "앱"),
    ("User", "User", "사용자"),
    ("Version", "Version", "버전"),
    ("Changed", "Changed", "바뀐 항목"),
    ("Reason", "Reason", "이유"),
    ("Detail", "Detail", "상세"),
    ("Received", "Received", "수신"),
    ("Sent", "Sent", "보낸 시각"),
    ("Age", "Age", "경과"),
];

/// What can be wrong with a forged request (`Forgery` and `Flaw`), and what it is answered.
pub const FORGERIES: &[Code] = &[
    ("wrong-key", "another key: 401", "다른 키: 401"),
    ("no-key", "no key: 401", "키 없음: 401"),
    ("other-scheme", "the right key as a Bearer token: 401", "맞는 키를 Bearer로 보냄: 401"),
    ("cut-off", "malformed: only the first half is sent", "형식 오류: 앞 절반만 전송"),
    ("stale", "valid, and 30 days old: it undoes nothing newer", "정상이지만 30일 전 이벤트: 새 상태를 되돌리지 않음"),
    ("signature", "one bit of the signature is another: 400", "서명의 한 비트가 다름: 400"),
    ("other-key", "another key signed it under the right key id: 400", "같은 kid로 다른 키가 서명: 400"),
    ("alg-none", "alg is none, without a signature: 400", "alg가 none이고 서명 없음: 400"),
    ("hs256", "HMAC with the public key as the secret: 400", "공개 키를 비밀 키로 사용한 HMAC 서명: 400"),
    ("rs512", "signed well, but with RS512: 400", "RS512로 올바르게 서명: 400"),
    ("jwk-header", "the header brings the key that signed it: 400", "서명한 키를 헤더에 포함: 400"),
    ("crit", "the header demands an extension: 400", "헤더가 확장(crit)을 요구: 400"),
    ("kid", "a key id that no key set has: 400, or 503", "키 목록에 없는 kid: 400 또는 503"),
    ("no-kid", "no key id: 400", "kid 없음: 400"),
    ("typ", "the type of an ID token: 400", "ID 토큰의 typ: 400"),
    ("issuer", "another issuer: 400", "다른 발급자(iss): 400"),
    ("audience", "for another receiver: 400", "다른 수신자용(aud): 400"),
    ("subject", "its subject is another user: 202, quarantined", "이벤트의 대상이 다른 사용자: 202, 격리"),
    ("future-iat", "issued a hundred years later: 202", "백 년 뒤에 발급됨: 202"),
    ("toe-after-iat", "happened an hour after it was issued: 202", "발급 한 시간 뒤에 발생: 202"),
    ("no-jti", "no id of its own: 202", "jti 없음: 202"),
    ("no-events", "nothing in events: 202", "events가 비어 있음: 202"),
    ("duplicate-key", "a claim that stands twice: 202", "클레임이 중복됨: 202"),
    ("trailing-data", "a second document after the claims: 202", "클레임 뒤에 다른 문서가 이어짐: 202"),
];

/// The parts of a user's state.
pub const PARTS: &[Code] = &[
    ("access", "Access", "이용 권한"),
    ("link", "Link with the app", "앱 연결"),
    ("account", "Kakao account", "카카오 계정"),
    ("credential", "Credential", "인증 수단"),
    ("assurance", "Assurance level", "인증 수준"),
    ("sessions_valid_from", "Sessions void up to", "이 시각까지의 세션 무효"),
    ("tokens_valid_from", "Tokens void up to", "이 시각까지의 토큰 무효"),
    ("scopes", "Consents", "동의 항목"),
    ("profile", "Profile", "프로필"),
    ("profile_stale_since", "Profile out of date since", "이 시각부터 프로필 갱신 필요"),
    ("channels", "Channels", "채널"),
    ("bots", "Chatbots", "챗봇"),
    ("shares", "Shares", "공유"),
    ("erased_until", "Erased up to", "이 시각까지 삭제됨"),
    ("sessions", "Sessions", "세션"),
    ("tokens", "Tokens", "토큰"),
    ("profile_stale", "Profile out of date", "오래된 프로필"),
    ("erased", "Erased", "삭제"),
    ("updated_at", "Newest event", "최근 이벤트"),
];
