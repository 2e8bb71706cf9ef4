//! What to do about an error of Kakao's REST API.

/// How to fix what Kakao's words say, with the code that `RestError` puts behind them; none where waiting is all.
#[must_use]
pub fn fix_of(error: &str) -> Option<String> {
    let fix = match code_in(error)? {
        -401 => match caller_address(error) {
            Some(address) => {
                return Some(format!(
                    "add {address} to the key's 호출 허용 IP 주소 at Kakao Developers, or empty that list: a function outside \
                     a VPC has no fixed address"
                ));
            }
            None => "is it an admin key (어드민 키) of this app that still exists? Put a valid one into the secret",
        },
        -3 => {
            "allow the admin key the API category of 사용자 목록 조회 and 사용자 정보 조회 at Kakao Developers, and is Kakao \
             Login switched on for the app?"
        }
        -5 | -12 => "is the app suspended, or without this permission? Look at it at Kakao Developers",
        -10 => "wait a minute: Kakao allows 100 calls a minute, and 3,000,000 a month and app",
        -7 | -9798 => "wait until Kakao's maintenance is over",
        -2 => {
            "is it a member number (회원번호)? If it is, report this as a fault of kakao-webhooks: Kakao does not \
             understand the request"
        }
        -8 => "report it as a fault of kakao-webhooks: Kakao does not understand the request",
        -101 => "is it the right app, and a member number (회원번호)?",
        -103 => "the account is dormant, or there is none of this member number",
        _ => return None,
    };
    Some(fix.to_owned())
}

fn code_in(error: &str) -> Option<i64> {
    error.rsplit_once("(code ")?.1.split(')').next()?.parse().ok()
}

/// Kakao names the address that called, as in `ip mismatched! callerIp=203.0.113.9. check out registered ips.`
fn caller_address(error: &str) -> Option<&str> {
    let address = error.split_once("callerIp=")?.1.split([' ', ',', ')']).next()?;
    Some(address.trim_end_matches('.')).filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::wire::rest_api::RestError;
    use play_kakao::rest_api::ApiError;

    use super::*;

    #[test]
    fn an_address_that_is_not_on_the_keys_list_is_named() {
        let body = r#"{"msg":"ip mismatched! callerIp=203.0.113.9. check out registered ips.","code":-401}"#;
        let fix = fix_of(&RestError::of_answer(401, body.as_bytes()).to_string()).unwrap();
        assert!(fix.starts_with("add 203.0.113.9 to the key's 호출 허용 IP 주소"), "{fix}");
    }

    #[test]
    fn each_error_that_does_not_pass_by_itself_has_a_fix() {
        for error in ApiError::ALL {
            let answer = error.answer();
            let read = RestError::of_answer(answer.status, answer.body.as_bytes());
            let is_unnamed = matches!(read, RestError::Again(_));
            assert_eq!(fix_of(&read.to_string()).is_none(), is_unnamed, "{read}");
        }
        assert_eq!(fix_of("the table: try again: no answer"), None);
    }
}
