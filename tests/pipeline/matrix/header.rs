//! Steps 1 to 7: what is checked before the signature is verified.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use end_to_end::Request;
use play_kakao::{Algorithm, SigningKey};
use serde_json::{Value, json};

use super::rows::{
    ALGORITHM, CONTENT_TYPE, ExpectedResult, FORBIDDEN, LATER, MALFORMED, METHOD, Make, NO_KID, Row, SIGNATURE,
    TOO_LARGE, WRONG_TYPE, quarantined, taken,
};
use crate::kakao::pushed;

/// The longest body that is read.
const LONGEST: usize = 64 * 1024;

pub(super) fn rows(make: &Make<'_>) -> Vec<Row> {
    [request(make), form(make), json_rules(make), header(make), key(make), signature(make)]
        .into_iter()
        .flatten()
        .collect()
}

fn request(make: &Make<'_>) -> Vec<Row> {
    let genuine = make.genuine();
    let by_method = |method: &str, body: String| Request { method: method.to_owned(), ..pushed(body) };
    let padded = |length: usize| format!("{genuine}{}", " ".repeat(length - genuine.len()));
    let mut rows = vec![
        make.row("1 GET", by_method("GET", genuine.clone()), METHOD),
        make.row("1 PUT", by_method("PUT", genuine.clone()), METHOD),
        make.row("1 DELETE, oversize", by_method("DELETE", padded(LONGEST + 1)), METHOD),
        make.row("1 HEAD", by_method("HEAD", genuine.clone()), ExpectedResult::Answered(405, "")),
        make.body("2 as long as may be", padded(LONGEST), taken(1)),
        make.body("2 a byte too long", padded(LONGEST + 1), TOO_LARGE),
        make.body("2 a byte too long, no token", "x".repeat(LONGEST + 1), TOO_LARGE),
    ];
    let typed =
        |content_type: &str| Request::new("POST", "/webhooks/account-status").body(content_type, genuine.clone());
    for right in
        ["application/secevent+jwt; charset=utf-8", "Application/SecEvent+JWT", "application/secevent+jwt ;x=y"]
    {
        rows.push(make.row(&format!("3 {right}"), typed(right), taken(1)));
    }
    for wrong in [
        "",
        "application/jwt",
        "application/json",
        "text/plain",
        "application/jose",
        "application/secevent+jwt2",
        "secevent+jwt",
        "application/x-www-form-urlencoded",
    ] {
        rows.push(make.row(&format!("3 {wrong:?}"), typed(wrong), CONTENT_TYPE));
    }
    let mut untyped = pushed(genuine.clone());
    untyped.headers.clear();
    rows.push(make.row("3 no content type", untyped, CONTENT_TYPE));
    rows
}

fn form(make: &Make<'_>) -> Vec<Row> {
    let genuine = make.genuine();
    let [header, claims, signature] = <[&str; 3]>::try_from(genuine.split('.').collect::<Vec<_>>()).unwrap();
    let mut rows = vec![
        make.body("4 white space around it", format!("\r\n\t {genuine} \r\n"), taken(1)),
        make.body("4 no UTF-8", [genuine.as_bytes(), &[0xff]].concat(), MALFORMED),
        make.body("4 a byte order mark", format!("\u{feff}{genuine}"), MALFORMED),
        make.body("4 a NUL after it", format!("{genuine}\0"), MALFORMED),
        make.body("4 a no-break space after it", format!("{genuine}\u{a0}"), MALFORMED),
    ];
    let standard = STANDARD.encode("{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\",\"x\":\"~~~???\"}");
    assert!(standard.contains(['+', '/']), "{standard}");
    for wrong in [
        String::new(),
        " \n".to_owned(),
        "x".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "{}".to_owned(),
        json!({"token": genuine}).to_string(),
        format!("\"{genuine}\""),
        format!("Bearer {genuine}"),
        format!("SET={genuine}"),
        format!("{header}.{claims}"),
        format!("{genuine}.{signature}"),
        format!("{genuine}.{signature}.{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}. {signature}"),
        format!("{header}.{claims}\n.{signature}"),
        format!("{standard}.{claims}.{signature}"),
        // The same bytes written in another way: no second text for one token.
        format!("{header}.{claims}.{}", with_other_unused_bits(signature)),
    ] {
        rows.push(make.body(&format!("4 {:.90}", wrong.escape_debug().to_string()), wrong, MALFORMED));
    }
    rows
}

/// 256 bytes leave four bits of the last character unused.
fn with_other_unused_bits(signature: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (all_but_last, _) = signature.split_at(signature.len() - 1);
    let found = ('A'..='z').map(|last| format!("{all_but_last}{last}")).find(|other| {
        let lenient = base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone);
        let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
        other != signature && engine.decode(other).is_ok_and(|decoded| decoded == bytes)
    });
    found.unwrap()
}

fn json_rules(make: &Make<'_>) -> Vec<Row> {
    let header = make.token.header_text(make.key.id());
    let claims = make.token.claims_text();
    let beginning = |text: &str, more: &str| text.replacen('{', &format!("{{{more},"), 1);
    let of_header = |name: &str, header: &str| make.texts(&format!("4 header {name}"), header, &claims, MALFORMED);
    let of_claims =
        |name: &str, claims: &str| make.texts(&format!("10 claims {name}"), &header, claims, quarantined("json"));
    // The claims are the first level.
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    vec![
        of_header("a list", "[]"),
        of_header("null", "null"),
        of_header("empty", ""),
        of_header("cut off", header.trim_end_matches('}')),
        of_header("alg twice, the same", &beginning(&header, r#""alg":"RS256""#)),
        of_header("alg twice, none first", &beginning(&header, r#""alg":"none""#)),
        of_header("a key twice in depth", &beginning(&header, r#""x":[{"y":{"z":1,"z":1}}]"#)),
        of_header("followed by another", &format!("{header}{header}")),
        of_header("followed by a NUL", &format!("{header}\0")),
        of_claims("a list", &format!("[{claims}]")),
        of_claims("a text", "\"x\""),
        of_claims("empty", ""),
        of_claims("not JSON", "iss=https://kauth.kakao.com"),
        of_claims("sub twice, the same", &beginning(&claims, r#""sub":"3142859300""#)),
        of_claims("sub twice, escaped", &beginning(&claims, r#""s\u0075b":"1""#)),
        of_claims("a key twice in an event", &claims.replacen(r#""subject":"#, r#""subject":{},"subject":"#, 1)),
        of_claims("a key twice in a list", &beginning(&claims, r#""x":[[{"y":1,"y":2}]]"#)),
        of_claims("followed by another", &format!("{claims}{{}}")),
        of_claims("followed by a text", &format!("{claims}x")),
        make.texts("4 half a surrogate pair", &beginning(&header, r#""x":"\ud800""#), &claims, taken(1)),
        make.texts("10 half a surrogate pair", &header, &beginning(&claims, r#""x":"\ud800""#), taken(1)),
        make.texts("10 a number beyond a double", &header, &beginning(&claims, r#""x":1e999"#), taken(1)),
        of_claims("with a number that is none", &beginning(&claims, r#""x":1e"#)),
        make.texts("4 white space in the JSON", &format!(" {header}\n"), &format!("\n{claims}\t"), taken(1)),
        make.texts("4 as deep as may be", &header, &beginning(&claims, &format!(r#""x":{}"#, nested(63))), taken(1)),
        of_claims("a level too deep", &beginning(&claims, &format!(r#""x":{}"#, nested(64)))),
        of_claims("deeper than a stack", &beginning(&claims, &format!(r#""x":{}"#, nested(20_000)))),
    ]
}

fn header(make: &Make<'_>) -> Vec<Row> {
    let mut rows = vec![];
    let mut each = |name: &str, member: &str, values: Vec<Value>, expected: ExpectedResult| {
        rows.extend(values.into_iter().map(|value| make.header(name, member, Some(value), expected)));
    };
    let other_algorithms =
        ["none", "None", "", "rs256", "RS256 ", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA"];
    each("5 alg", "alg", other_algorithms.map(Value::from).to_vec(), ALGORITHM);
    each("5 alg", "alg", vec![json!(null), json!(256), json!(["RS256"]), json!({"RS256": 1})], ALGORITHM);
    let right_types = ["SECEVENT+JWT", "application/secevent+jwt", "Application/SecEvent+jwt"];
    each("5 typ", "typ", right_types.map(Value::from).to_vec(), taken(1));
    let other_types =
        ["JWT", "at+jwt", "logout+jwt", "secevent", "", "application/", "secevent+jwt ", "text/secevent+jwt"];
    each("5 typ", "typ", other_types.map(Value::from).to_vec(), WRONG_TYPE);
    each("5 typ", "typ", vec![json!("application/application/secevent+jwt"), json!(["secevent+jwt"])], WRONG_TYPE);
    each("5 typ", "typ", vec![json!(null), json!(1)], WRONG_TYPE);
    each("5 jku", "jku", vec![json!("https://example.com/jwks.json"), json!(null)], FORBIDDEN);
    each("5 jwk", "jwk", vec![make.key.public_jwk(), json!(null), json!({})], FORBIDDEN);
    each("5 x5u", "x5u", vec![json!("https://example.com/key.pem"), json!("")], FORBIDDEN);
    each("5 x5c", "x5c", vec![json!(["MIIB"]), json!([])], FORBIDDEN);
    each("5 crit", "crit", vec![json!(["b64"]), json!(["exp"]), json!([]), json!(null)], FORBIDDEN);
    each("5 kid", "kid", vec![json!(""), json!(null), json!(1), json!(["k"]), json!("k".repeat(257))], NO_KID);
    each("5 an unknown member", "x-new", vec![json!({"any": ["thing"]}), json!(null)], taken(1));
    rows.push(make.header("5 alg", "alg", None, ALGORITHM));
    rows.push(make.header("5 typ", "typ", None, WRONG_TYPE));
    rows.push(make.header("5 kid", "kid", None, NO_KID));
    rows
}

fn key(make: &Make<'_>) -> Vec<Row> {
    // The set was fetched when the function started: within the cooldown the key cannot be judged.
    let others =
        ["k".repeat(256), make.key.id().to_uppercase(), format!("{} ", make.key.id()), "../jwks.json".to_owned()];
    others.into_iter().map(|kid| make.header("6 an unknown kid", "kid", Some(json!(kid)), LATER)).collect()
}

fn signature(make: &Make<'_>) -> Vec<Row> {
    let genuine = make.genuine();
    let (input, signature) = genuine.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with = |bytes: &[u8]| format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes));
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        with(&bytes)
    };
    let (header, claims) = (make.token.header_text(make.key.id()), make.token.claims_text());
    let thief = SigningKey::generate(make.key.id()).unwrap();
    let sha512 = make.key.compact(Algorithm::Rs512, &header, &claims).unwrap();
    let other_claims = make.key.compact(Algorithm::Rs256, &header, "{}").unwrap();
    let of_other_claims = format!("{input}.{}", other_claims.rsplit_once('.').unwrap().1);
    vec![
        make.body("7 the first bit", flipped(0), SIGNATURE),
        make.body("7 the last bit", flipped(bytes.len() - 1), SIGNATURE),
        make.body("7 none", format!("{input}."), SIGNATURE),
        make.body("7 a byte short", with(&bytes[1..]), SIGNATURE),
        make.body("7 a byte long", with(&[&[0], bytes.as_slice()].concat()), SIGNATURE),
        make.body("7 zeros", with(&[0; 256]), SIGNATURE),
        make.body("7 of other claims", of_other_claims, SIGNATURE),
        make.body("7 of another key", thief.compact(Algorithm::Rs256, &header, &claims).unwrap(), SIGNATURE),
        make.body("7 with SHA-512", sha512, SIGNATURE),
        make.body("7 the right one", genuine, taken(1)),
    ]
}
