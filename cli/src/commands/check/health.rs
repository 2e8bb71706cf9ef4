//! The health check.

use reqwest::{Method, Url};
use serde_json::json;

use super::{
    finding::Judgement,
    probe::{Probe, Response},
    route::{Route, below},
    route_check::{Judge, RouteCheck},
    status,
};

pub(super) async fn check(route_check: &mut RouteCheck<'_>, url: &Url) {
    let judges: [Judge<'_>; 3] = [("status", &of_status), ("content type", &status::is_json), ("body", &of_body)];
    if let Some(plain) = route_check.step(Probe::new(Method::GET, url), &judges).await {
        let alike = |answer: &Response| status::is_alike(answer, &plain);
        route_check.step(Probe::new(Method::GET, &below(url, "/")), &[("trailing slash", &alike)]).await;
        route_check.step(Probe::new(Method::HEAD, url), &[("HEAD", &|answer| status::head(answer, 200))]).await;
    }
    let methods = |answer: &Response| status::wrong_method(answer, Route::Health.methods());
    route_check.step(Probe::new(Method::PUT, url), &[("wrong method", &methods)]).await;
}

const FIX: &str = "answer GET with 200 and {\"status\":\"ok\"}";

fn of_status(answer: &Response) -> Judgement {
    if answer.status == 200 { Judgement::right("200") } else { status::otherwise(answer, FIX) }
}

fn of_body(answer: &Response) -> Judgement {
    match answer.json() {
        None => status::no_json(&answer.body, FIX),
        Some(body) if body == json!({"status": "ok"}) => Judgement::right(answer.excerpt()),
        Some(_) => Judgement::mistake(answer.excerpt(), FIX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::{finding::Verdict, status::tests::json};

    #[test]
    fn only_ok_is_healthy() {
        assert_eq!(of_body(&json(200, r#"{ "status": "ok" }"#)).verdict, Verdict::Right);
        for body in ["", "ok", r#"{"status":"down"}"#, r#"{"status":"ok","a":1}"#] {
            assert_eq!(of_body(&json(200, body)).verdict, Verdict::Mistake, "{body}");
        }
        assert_eq!(of_status(&json(204, "")).verdict, Verdict::Mistake);
    }
}
