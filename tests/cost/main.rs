//! What a webhook costs: the real binaries, and in front of their table a meter that records DynamoDB's units.
//!
//! The counts depend on the code. The prices ([`prices`]) are a table with a date, and `docs/cost.md` has both.
//!
//! ```sh
//! cargo test -p end-to-end --test cost -- --nocapture                # prints each budget and what is used of it
//! WRITE_DOCS=1 cargo test -p end-to-end --test cost                  # writes the tables of docs/cost.md
//! ```

#[cfg(test)]
mod bill;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod meter;
#[cfg(test)]
mod page;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod service;

#[cfg(test)]
mod tests {
    use end_to_end::{
        Fixture, Request,
        binaries::workspace,
        service::{ADMIN_KEY, APP_ID},
    };

    use crate::{
        bill::{Measured, RECORDED},
        budget,
        delivering::Delivering,
        page,
        prices::Prices,
        reconcile::Reconciling,
        service::{Service, Use},
    };

    /// One of each webhook, for the cold start of every process. Each is about another user than
    /// what is measured.
    const WARM_UP: [&str; 5] = [
        "unlink/post-form",
        "account-status/sessions-revoked",
        "talk-share/get",
        "talk-channel/blocked",
        "skill/message-with-app-user",
    ];
    const MEASURED: [(&str, &str); 7] = [
        ("unlink", "unlink/get"),
        ("account status: linked", "account-status/user-linked"),
        ("account status: profile", "account-status/user-profile-changed"),
        ("talk share, a user's first", "talk-share/post-form"),
        ("talk share without a user", "talk-share/post-json"),
        ("talk channel", "talk-channel/added"),
        ("chatbot message", "skill/message"),
    ];

    /// The next event of a user of whom one was sent to warm up: with this id in this header.
    const NEXT: [(&str, &str, (&str, &str)); 2] = [
        ("talk share, the user's next", "talk-share/get", ("X-Kakao-Resource-ID", "share-resource-0009")),
        ("chatbot message of a member", "skill/message-with-app-user", ("X-Request-Id", "skill-request-0009")),
    ];

    /// The same from the same user, a second later, under another id.
    fn later(mut request: Request, (header, id): (&str, &str)) -> Request {
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
        request.received_at += 1_000;
        request.header(header, id)
    }

    fn request(service: &Service, fixture: &str) -> Request {
        Fixture::load(fixture).unwrap().request(service.pipeline.keys.key()).unwrap()
    }

    /// With `KakaoReaderKeys`, an unlink takes the member out of the index, too.
    async fn unlink_with_index() -> Use {
        let mut service = Service::start_with_index().await.unwrap();
        service.link("3142857143").await.unwrap();
        let first = request(&service, "unlink/post-form");
        service.warm_up(&[first]).await.unwrap();
        let unlink = request(&service, "unlink/get");
        service.use_of(&unlink, 200..300).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_page_says_what_each_webhook_asks_of_aws_and_what_that_costs() {
        let mut service = Service::start().await.unwrap();
        let first = WARM_UP.map(|fixture| request(&service, fixture));
        service.warm_up(&first).await.unwrap();
        let mut measured = vec![];
        for (name, fixture) in MEASURED {
            let request = request(&service, fixture);
            measured.push((name, service.use_of(&request, 200..300).await.unwrap()));
        }
        for (name, fixture, id) in NEXT {
            let next = later(request(&service, fixture), id);
            measured.push((name, service.use_of(&next, 200..300).await.unwrap()));
        }
        let again = request(&service, "unlink/get");
        measured.push(("the same unlink again", service.use_of(&again, 200..300).await.unwrap()));
        let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id=1&referrer_type=ACCOUNT_DELETE");
        let forged = Request::new("GET", &path).header("Authorization", &format!("KakaoAK {}", "0".repeat(32)));
        measured.push(("a wrong key", service.use_of(&forged, 401..402).await.unwrap()));
        service.refuse_next_message();
        let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id=3142857199&referrer_type=UNLINK_FROM_APPS");
        let unlink = Request::new("GET", &path).header("Authorization", &format!("KakaoAK {ADMIN_KEY}"));
        let sent_twice = service.use_of(&unlink, 200..300).await.unwrap();
        let five_minutes = service.five_minutes().await.unwrap();
        let reconciling = Reconciling::measure().await.unwrap();
        let metrics = service.metrics().await.unwrap();
        let recording = service.recording(RECORDED).await.unwrap();
        let measured = Measured {
            prices: Prices::load().unwrap(),
            template: std::fs::read_to_string(workspace().join("template.yaml")).unwrap(),
            webhooks: measured,
            unlink_with_index: unlink_with_index().await,
            recording,
            five_minutes,
            metrics,
            reconciling,
            delivering: Delivering::measure().await.unwrap(),
        };
        budget::check(&measured);
        // Costs that were planted, and measured as all others.
        let [unlink, indexed] = [*measured.webhook("unlink"), measured.unlink_with_index];
        assert_eq!(sent_twice.sqs_requests, unlink.sqs_requests + 1);
        assert_eq!(indexed.units.writes, unlink.units.writes + 1.0);
        for planted in [sent_twice, indexed] {
            assert_eq!(budget::broken(&measured.with("unlink", planted)), ["a million of \"unlink\""]);
        }
        page::check_or_write(&measured);
    }
}
