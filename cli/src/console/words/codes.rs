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
