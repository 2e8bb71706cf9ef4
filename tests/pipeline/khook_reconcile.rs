//! `khook reconcile`, the real binary: runs are shown, started, compared, approved and ended through the table alone.

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderValue},
};
use end_to_end::{
    Pipeline,
    faults::{Gate, Server},
    khook_binary::{self, Done},
    patience::becomes,
    service::{APP_ID, OTHER_APP_ID},
    table,
};
use kakao_webhooks::{
    envelope::{Envelope, ReconcilerEvent, ReconcilerWord},
    wire::{AppId, Time},
};
use runtime::{
    reconcile::{Brake, Counts, Difference, Note, Phase, Purpose, Run, RunTable, Table as _},
    store::{DynamoStore, Pace, Retention, Saved},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

async fn khook(pipeline: &Pipeline, arguments: &[&str]) -> Done {
    khook_binary::of(pipeline, &[&["reconcile"], arguments].concat()).await.unwrap()
}

/// What the reconciler writes to.
fn runs(pipeline: &Pipeline) -> RunTable {
    let aws = khook::local::sdk_config(&pipeline.table.endpoint(), "ap-northeast-2");
    RunTable(DynamoStore::new(&aws, table::NAME.to_owned(), Retention::default(), Pace::Background))
}

fn app() -> AppId {
    APP_ID.parse().unwrap()
}

/// A run of an app in this state, as the reconciler leaves it.
async fn left(pipeline: &Pipeline, app_id: &str, purpose: Purpose, state: Phase, counts: Counts) -> Run {
    let now = runtime::clock::now();
    let app: AppId = app_id.parse().unwrap();
    let before = runs(pipeline).run(&app).await.unwrap();
    let mut run = Run::new("20260101T183000.000Z-0a1b".to_owned(), purpose, before.as_ref(), now);
    (run.state, run.counts) = (state, counts);
    match state {
        Phase::Held => run.held_because = Some(Brake::TooManyMissing),
        Phase::Failed => run.fail("Kakao does not accept the key: no (code -401)".to_owned(), now),
        _ => run.finish(now),
    }
    save(pipeline, &app, &run).await;
    runs(pipeline).run(&app).await.unwrap().unwrap()
}

async fn save(pipeline: &Pipeline, app: &AppId, run: &Run) {
    assert_eq!(runs(pipeline).save(app, run, None).await.unwrap(), Saved::Done);
}

async fn current(pipeline: &Pipeline) -> Run {
    runs(pipeline).run(&app()).await.unwrap().unwrap()
}

/// What the reconciler does once khook has started a run: it ends it like this.
async fn ends(pipeline: &Pipeline, edit: impl Fn(&mut Run)) {
    let is_started = || async {
        let run = runs(pipeline).run(&app()).await.unwrap();
        run.is_some_and(|run| run.state == Phase::Listing)
    };
    becomes("a run", &true, is_started).await;
    let mut run = current(pipeline).await;
    edit(&mut run);
    run.finish(runtime::clock::now());
    save(pipeline, &app(), &run).await;
}

fn found(listed: u64, linked: u64, unlinked: u64) -> Counts {
    Counts { listed, known: listed, shared: listed, linked, unlinked, ..Counts::default() }
}

/// A state as an earlier release wrote it.
fn older(pk: &str, link: Option<&str>) -> Value {
    let mut item = json!({"pk": {"S": pk}, "sk": {"S": "STATE"}, "version": {"N": "41"}, "access": {"S": "allowed"}});
    if let Some(status) = link {
        item["link"] = json!({"M": {"status": {"S": status}, "at": {"S": "2026-01-01T00:00:00.000Z"}}});
    }
    item
}

fn in_roster(pipeline: &Pipeline) -> Vec<String> {
    let items = pipeline.items_of("").unwrap();
    let is_in = |item: &&serde_json::Map<String, Value>| item.contains_key("roster");
    items.iter().filter(is_in).map(|item| item["pk"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn without_a_run_every_command_says_when_there_will_be_one() {
    let pipeline = Pipeline::start().await.unwrap();
    for command in [&["status"][..], &["run"], &["approve"], &["cancel", APP_ID]] {
        let error = khook(&pipeline, command).await.refused();
        assert!(error.contains("starts the first one within a minute") && error.contains("KakaoReaderKeys"), "{error}");
    }
    assert_eq!(khook(&pipeline, &["diff"]).await.code, Some(2));
    let listed = khook(&pipeline, &["status", "--json"]).await;
    assert_eq!((listed.out.as_str(), listed.code), ("[]\n", Some(1)));
    assert_eq!(pipeline.items_of("RECONCILE#").unwrap().len(), 0);
}

#[tokio::test]
async fn an_app_without_a_run_is_refused_with_those_that_have_one() {
    let pipeline = Pipeline::start().await.unwrap();
    left(&pipeline, APP_ID, Purpose::Correct, Phase::Done, found(2, 0, 0)).await;
    for command in ["status", "run", "diff", "approve", "cancel"] {
        let yes = if command == "status" { &[][..] } else { &["--yes"] };
        let error = khook(&pipeline, &[&[command, "999999"], yes].concat()).await.refused();
        assert!(error.contains("app 999999 has no run") && error.contains(APP_ID), "{command}: {error}");
    }
}

#[tokio::test]
async fn the_status_shows_each_app_with_what_to_do() {
    let pipeline = Pipeline::start().await.unwrap();
    left(&pipeline, APP_ID, Purpose::Correct, Phase::Failed, found(0, 0, 0)).await;
    left(&pipeline, OTHER_APP_ID, Purpose::Correct, Phase::Done, found(1_234, 5, 6)).await;
    let printed = khook(&pipeline, &["status"]).await.printed();
    for text in [APP_ID, OTHER_APP_ID, "failed", "1,234 listed", "5 linked, 6 unlinked", "khook reconcile run"] {
        assert!(printed.contains(text), "{text}: {printed}");
    }
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    let one = khook(&pipeline, &["status", OTHER_APP_ID, "--json"]).await.json();
    assert_eq!(
        (one.as_array().unwrap().len(), &one[0]["state"], &one[0]["counts"]["linked"]),
        (1, &json!("done"), &json!(5))
    );
}

#[tokio::test]
async fn a_run_that_works_is_not_replaced_and_a_held_one_only_after_a_question() {
    let pipeline = Pipeline::start().await.unwrap();
    for state in [Phase::Listing, Phase::Confirming] {
        let before = left(&pipeline, APP_ID, Purpose::Correct, state, found(2, 0, 0)).await;
        for command in ["run", "diff"] {
            let error = khook(&pipeline, &[command, "--yes"]).await.refused();
            assert!(error.contains(&before.run_id) && error.contains(state.name()), "{error}");
        }
        assert_eq!(current(&pipeline).await, before);
    }
    let held = left(&pipeline, APP_ID, Purpose::Correct, Phase::Held, found(2, 0, 0)).await;
    let done = khook(&pipeline, &["run"]).await;
    assert_eq!(done.code, Some(2), "{}", done.error);
    assert!(done.error.contains("--yes") && done.error.contains("is held"), "{}", done.error);
    assert_eq!(current(&pipeline).await, held);
    let started = khook(&pipeline, &["run", "--yes", "--json"]).await.json();
    let run = current(&pipeline).await;
    assert_eq!((&started[0]["run_id"], &started[0]["state"]), (&json!(run.run_id), &json!("listing")));
    assert_eq!((run.state, run.purpose, run.revision), (Phase::Listing, Purpose::Correct, held.revision + 1));
    assert!(run.run_id != held.run_id && run.held_because.is_none() && run.last_started_at.is_some());
}

#[tokio::test]
async fn the_first_run_can_be_started_before_the_reconciler_is() {
    let pipeline = Pipeline::start().await.unwrap();
    khook(&pipeline, &["run", APP_ID]).await.printed();
    assert_eq!((current(&pipeline).await.revision, current(&pipeline).await.state), (1, Phase::Listing));
    khook(&pipeline, &["status", APP_ID]).await.printed();
}

#[tokio::test]
async fn without_an_app_id_all_apps_are_started_after_a_question_and_the_others_ask_for_one() {
    let pipeline = Pipeline::start().await.unwrap();
    for app_id in [APP_ID, OTHER_APP_ID] {
        left(&pipeline, app_id, Purpose::Correct, Phase::Done, found(2, 0, 0)).await;
    }
    for command in ["diff", "approve", "cancel"] {
        let done = khook(&pipeline, &[command, "--yes"]).await;
        assert_eq!(done.code, Some(2), "{command} {}", done.error);
        assert!(done.error.contains("name one of the apps"), "{}", done.error);
    }
    assert!(khook(&pipeline, &["run"]).await.refused().contains("2 apps"));
    let printed = khook(&pipeline, &["run", "--yes"]).await.printed();
    assert!(printed.contains(&format!("App {APP_ID}: run ")) && printed.contains(&format!("App {OTHER_APP_ID}: run ")));
}

#[tokio::test]
async fn waiting_ends_with_the_run_and_its_exit_status() {
    let pipeline = Pipeline::start().await.unwrap();
    left(&pipeline, APP_ID, Purpose::Correct, Phase::Done, found(2, 0, 0)).await;
    let (done, ()) = tokio::join!(
        khook(&pipeline, &["run", "--wait"]),
        ends(&pipeline, |run| (run.state, run.counts) = (Phase::Done, found(3, 1, 0))),
    );
    let printed = done.printed();
    assert!(printed.contains("done: 3 listed, 3 known; corrected: 1 linked"), "{printed}");
    for state in [Phase::Failed, Phase::Held] {
        let (done, ()) = tokio::join!(
            khook(&pipeline, &["run", "--wait", "--yes"]),
            ends(&pipeline, |run| match state {
                Phase::Held => (run.state, run.held_because) = (state, Some(Brake::NothingInCommon)),
                _ => run.fail("Kakao refuses the app: no (code -12)".to_owned(), runtime::clock::now()),
            })
        );
        assert_eq!(done.code, Some(1), "{} {}", done.out, done.error);
        assert!(done.out.contains(state.name()), "{}", done.out);
    }
}

#[tokio::test]
async fn older_items_are_put_into_the_roster_once_and_keep_their_version() {
    let pipeline = Pipeline::start().await.unwrap();
    let user = |number: &str| format!("USER#{APP_ID}#{number}");
    for item in [
        older(&user("7"), Some("linked")),
        older(&user("8"), None),
        older(&user("9"), Some("unlinked")),
        older(&format!("OPENID#{APP_ID}#abc"), Some("linked")),
        json!({"pk": {"S": user("10")}, "sk": {"S": "SHARES"}, "count": {"N": "1"}}),
    ] {
        pipeline.table.put(&item).unwrap();
    }
    khook(&pipeline, &["run", APP_ID]).await.printed();
    assert_eq!(in_roster(&pipeline), [user("7"), user("8")]);
    for (number, link) in [("7", "linked"), ("8", "unknown")] {
        let item = pipeline.table.item(&user(number), "STATE").unwrap().unwrap();
        let shard = format!("{APP_ID}#{}", number.parse::<u64>().unwrap() % 8);
        assert_eq!((&item["roster"], &item["roster_link"]), (&json!(shard), &json!(link)));
        assert_eq!((&item["roster_id"], &item["version"]), (&json!(number.parse::<u64>().unwrap()), &json!(41)));
    }
    let shown = khook_binary::of(&pipeline, &["user", "show", APP_ID, "7", "--json"]).await.unwrap().printed();
    assert!(!shown.contains("roster"), "{shown}");
    let shown = khook_binary::of(&pipeline, &["user", "show", APP_ID, "7"]).await.unwrap().printed();
    assert!(!shown.contains("roster"), "{shown}");

    // It is done once. What is written from now on has the attributes.
    let filled = pipeline.table.item("RECONCILE#ROSTER", "FILLED").unwrap().unwrap();
    assert_eq!(filled["filled"], json!(2));
    assert!(filled.contains_key("finished_at"), "{filled:?}");
    pipeline.table.put(&older(&user("11"), Some("linked"))).unwrap();
    khook(&pipeline, &["cancel", "--yes"]).await.printed();
    khook(&pipeline, &["run"]).await.printed();
    assert_eq!(in_roster(&pipeline).len(), 2);
    assert_eq!(pipeline.table.item("RECONCILE#ROSTER", "FILLED").unwrap().unwrap(), filled);
}

#[tokio::test]
async fn a_table_of_several_pages_is_looked_at_whole() {
    let pipeline = Pipeline::start().await.unwrap();
    let members: Vec<String> = (1_000..2_001).map(|number| format!("USER#{APP_ID}#{number}")).collect();
    for member in &members {
        pipeline.table.put(&older(member, Some("linked"))).unwrap();
    }
    khook(&pipeline, &["run", APP_ID]).await.printed();
    assert_eq!(in_roster(&pipeline), members);
    let written = pipeline.table.item("RECONCILE#ROSTER", "FILLED").unwrap().unwrap();
    assert_eq!(written["filled"], json!(1_001));
    assert!(written["scanned"].as_u64().unwrap() >= 1_001 && written.contains_key("finished_at"), "{written:?}");
}

#[tokio::test]
async fn an_interrupted_fill_goes_on_behind_the_item_where_it_was() {
    let members: Vec<String> = (7..12).map(|number| format!("USER#{APP_ID}#{number}")).collect();
    let mut filled = 0;
    for behind in &members {
        let pipeline = Pipeline::start().await.unwrap();
        for member in &members {
            pipeline.table.put(&older(member, Some("linked"))).unwrap();
        }
        let position = json!({"M": {"partition": {"S": behind}, "sort": {"S": "STATE"}}});
        let interrupted = json!({"pk": {"S": "RECONCILE#ROSTER"}, "sk": {"S": "FILLED"}, "scanned": {"N": "40"},
            "filled": {"N": "30"}, "position": position, "updated_at": {"S": "2026-01-01T00:00:00.000Z"}});
        pipeline.table.put(&interrupted).unwrap();
        khook(&pipeline, &["run", APP_ID]).await.printed();
        let found = in_roster(&pipeline);
        assert!(!found.contains(behind), "{behind}: {found:?}");
        let written = pipeline.table.item("RECONCILE#ROSTER", "FILLED").unwrap().unwrap();
        assert_eq!(written["filled"], json!(30 + found.len()));
        assert!(written.contains_key("finished_at") && !written.contains_key("position"), "{written:?}");
        filled += found.len();
    }
    // Behind the first of five are four, behind the last none, in whatever order the table is read.
    assert_eq!(filled, 4 + 3 + 2 + 1);
}

/// A way to the table on which another writer of an item is faster than any UpdateItem.
async fn with_a_faster_writer(endpoint: String, item: &Value) -> Server {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let put = json!({"TableName": table::NAME, "Item": item}).to_string();
    let send = move |mut headers: HeaderMap, target: HeaderValue, body: Bytes| {
        headers.insert("x-amz-target", target);
        headers.remove("content-length");
        let request = client.post(&endpoint).headers(headers).body(body);
        async move {
            let response = request.send().await.unwrap();
            (response.status(), response.bytes().await.unwrap())
        }
    };
    let forward = async move |headers: HeaderMap, body: Bytes| {
        let target = headers["x-amz-target"].clone();
        if target.to_str().unwrap().ends_with("UpdateItem") {
            let put_item = HeaderValue::from_static("DynamoDB_20120810.PutItem");
            assert_eq!(send(headers.clone(), put_item, put.clone().into()).await.0, 200);
        }
        send(headers, target, body).await
    };
    Server::start(Router::new().fallback(forward), Gate::default()).await.unwrap()
}

#[tokio::test]
async fn an_item_that_is_written_while_it_is_filled_is_left_to_its_writer() {
    let pipeline = Pipeline::start().await.unwrap();
    let user = format!("USER#{APP_ID}#7");
    pipeline.table.put(&older(&user, Some("linked"))).unwrap();
    let mut newer = older(&user, Some("unlinked"));
    newer["version"] = json!({"N": "42"});
    let way = with_a_faster_writer(pipeline.table.endpoint(), &newer).await;
    let aws = khook::local::sdk_config(&way.url(), "ap-northeast-2");
    let runs = RunTable(DynamoStore::new(&aws, table::NAME.to_owned(), Retention::default(), Pace::Background));
    let fill = runs.fill_roster(None, runtime::clock::now()).await.unwrap();
    assert_eq!((fill.filled, fill.is_finished(), in_roster(&pipeline)), (0, true, vec![]));
    assert_eq!(pipeline.table.item(&user, "STATE").unwrap().unwrap()["version"], json!(42));
}

#[tokio::test]
async fn a_comparison_is_printed_and_offered_for_an_hour() {
    let pipeline = Pipeline::start().await.unwrap();
    left(&pipeline, APP_ID, Purpose::Correct, Phase::Done, found(2, 0, 0)).await;
    let at: Time = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let compared = async |pipeline: &Pipeline| {
        let is_on = || async { current(pipeline).await.state == Phase::Listing };
        becomes("a comparison", &true, is_on).await;
        let run = current(pipeline).await;
        assert_eq!(run.purpose, Purpose::Compare);
        for (number, linked_at_kakao) in [("7", true), ("8", false)] {
            let difference = Difference { user_id: number.parse().unwrap(), linked_at_kakao, at };
            runs(pipeline).put_difference(&app(), &run.run_id, &difference).await.unwrap();
        }
        ends(pipeline, |run| (run.state, run.counts) = (Phase::Done, found(5, 1, 1))).await;
    };
    let (done, ()) = tokio::join!(khook(&pipeline, &["diff", "--json"]), compared(&pipeline));
    assert_eq!(done.code, Some(1), "{}", done.error);
    let found: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        found["differences"],
        json!([{"user_id": "7", "at_kakao": "linked", "here": "not linked", "since": "2026-01-02T03:04:05.678Z"},
            {"user_id": "8", "at_kakao": "not linked", "here": "linked", "since": null}])
    );
    assert_eq!(found["total"], json!(2));
    // Its own result, again, and no new run.
    let before = current(&pipeline).await;
    let again = khook(&pipeline, &["diff"]).await;
    assert!(again.code == Some(1) && again.error.contains("--again"), "{}", again.error);
    assert!(again.out.contains("1 only at Kakao, 1 only here"), "{}", again.out);
    assert_eq!(current(&pipeline).await, before);
    // A new one, in which nothing differs.
    let (done, ()) = tokio::join!(
        khook(&pipeline, &["diff", "--again"]),
        ends(&pipeline, |run| (run.state, run.counts) = (Phase::Done, self::found(5, 0, 0))),
    );
    assert!(done.printed().contains("differences: none"));
    let run = current(&pipeline).await;
    assert!(run.run_id != before.run_id && run.last_finished == before.last_finished && run.last_finished.is_some());
}

#[tokio::test]
async fn an_interrupted_diff_waits_for_the_same_comparison() {
    let pipeline = Pipeline::start().await.unwrap();
    let variables = [("TABLE_NAME", table::NAME.to_owned()), ("AWS_ENDPOINT_URL_DYNAMODB", pipeline.table.endpoint())];
    let diff = || khook_binary::command(&variables, &["reconcile", "diff", APP_ID]).unwrap().spawn().unwrap();
    let mut interrupted = diff();
    let state = || async { runs(&pipeline).run(&app()).await.unwrap().map(|run| run.state) };
    becomes("a comparison", &Some(Phase::Listing), state).await;
    interrupted.kill().await.unwrap();
    let on = current(&pipeline).await;

    let mut again = diff();
    let mut said = BufReader::new(again.stderr.take().unwrap()).lines();
    while !said.next_line().await.unwrap().unwrap().contains("Going on with the comparison") {}
    ends(&pipeline, |run| (run.state, run.counts) = (Phase::Done, found(2, 0, 0))).await;
    let done = again.wait_with_output().await.unwrap();
    assert!(done.status.success() && String::from_utf8(done.stdout).unwrap().contains("differences: none"));
    assert_eq!(current(&pipeline).await.run_id, on.run_id);
}

#[tokio::test]
async fn an_interrupted_wait_says_that_the_run_goes_on_and_another_one_waits_for_the_same_run() {
    let pipeline = Pipeline::start().await.unwrap();
    let variables = [("TABLE_NAME", table::NAME.to_owned()), ("AWS_ENDPOINT_URL_DYNAMODB", pipeline.table.endpoint())];
    for command in [&["reconcile", "run", APP_ID, "--wait"][..], &["reconcile", "diff", APP_ID]] {
        let mut waiting = khook_binary::command(&variables, command).unwrap().spawn().unwrap();
        let mut said = BufReader::new(waiting.stderr.take().unwrap()).lines();
        while !said.next_line().await.unwrap().unwrap().contains("Reconciling app") {}
        let interrupt = format!("kill -INT {}", waiting.id().unwrap());
        assert!(Command::new("sh").args(["-c", &interrupt]).status().await.unwrap().success());
        let mut last = String::new();
        while let Some(line) = said.next_line().await.unwrap() {
            last = line;
        }
        assert_eq!(waiting.wait().await.unwrap().code(), Some(130));
        for text in ["goes on", "khook reconcile status 123456", "khook reconcile cancel 123456"] {
            assert!(last.contains(&text.replace("123456", APP_ID)), "{text}: {last}");
        }
        let on = current(&pipeline).await;
        assert_eq!(on.state, Phase::Listing);

        let mut again = khook_binary::command(&variables, command).unwrap().spawn().unwrap();
        let mut said = BufReader::new(again.stderr.take().unwrap()).lines();
        while !said.next_line().await.unwrap().unwrap().contains(&on.started_at.to_string()) {}
        ends(&pipeline, |run| (run.state, run.counts) = (Phase::Done, found(2, 0, 0))).await;
        assert!(again.wait_with_output().await.unwrap().status.success());
        assert_eq!(current(&pipeline).await.run_id, on.run_id);
    }
}

#[tokio::test]
async fn an_app_that_was_mistyped_before_any_run_is_in_the_way_of_no_other() {
    let pipeline = Pipeline::start().await.unwrap();
    khook(&pipeline, &["run", "999"]).await.printed();
    let mistyped: AppId = "999".parse().unwrap();
    // The right one can be started though the other one has a run.
    khook(&pipeline, &["run", APP_ID]).await.printed();
    let mut run = runs(&pipeline).run(&mistyped).await.unwrap().unwrap();
    run.fail_without_key(&mistyped, runtime::clock::now());
    save(&pipeline, &mistyped, &run).await;
    let listed = khook(&pipeline, &["status", "--json"]).await.json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["app_id"]), (1, &json!(APP_ID)));
    left(&pipeline, APP_ID, Purpose::Correct, Phase::Done, found(2, 0, 0)).await;
    khook(&pipeline, &["run"]).await.printed();
    assert_eq!(current(&pipeline).await.state, Phase::Listing);
    let shown = khook(&pipeline, &["status", "999"]).await.printed();
    assert!(shown.contains("no usable key of app 999"), "{shown}");
}

#[tokio::test]
async fn a_comparison_that_fails_or_is_held_is_no_result() {
    let pipeline = Pipeline::start().await.unwrap();
    left(&pipeline, APP_ID, Purpose::Compare, Phase::Held, found(2, 0, 0)).await;
    let done = khook(&pipeline, &["diff"]).await;
    assert_eq!(done.code, Some(2), "{}", done.error);
    assert!(done.error.contains("khook reconcile approve") && done.out.is_empty(), "{}", done.error);
}

#[tokio::test]
async fn what_held_a_run_is_shown_and_approved_of() {
    let pipeline = Pipeline::start().await.unwrap();
    let counts = Counts { listed: 60, known: 100, shared: 60, missing: 40, ..Counts::default() };
    let held = left(&pipeline, APP_ID, Purpose::Correct, Phase::Held, counts).await;
    let members = (31_428_586..31_428_626).map(|number: u64| number.to_string().parse().unwrap()).collect();
    let note = Note { behind: None, members };
    assert_eq!(runs(&pipeline).save(&app(), &held, Some(&note)).await.unwrap(), Saved::Done);
    let held = current(&pipeline).await;
    let asked = khook(&pipeline, &["approve"]).await;
    assert_eq!(asked.code, Some(2), "{}", asked.error);
    for text in ["is held", "31428586", "31428595", "these 40 members", "--yes"] {
        assert!(asked.error.contains(text), "{text}: {}", asked.error);
    }
    assert!(!asked.error.contains("31428596"), "{}", asked.error);
    assert_eq!(current(&pipeline).await, held);
    khook(&pipeline, &["approve", APP_ID, "--yes"]).await.printed();
    let run = current(&pipeline).await;
    assert_eq!((run.state, run.held_because), (Phase::Confirming, None));
    let error = khook(&pipeline, &["approve", "--yes"]).await.refused();
    assert!(error.contains("not held: it is confirming"), "{error}");
}

#[tokio::test]
async fn a_run_is_cancelled_while_it_works_or_is_held_and_not_at_its_end() {
    let pipeline = Pipeline::start().await.unwrap();
    for state in [Phase::Listing, Phase::Confirming, Phase::Held] {
        left(&pipeline, APP_ID, Purpose::Correct, state, found(2, 0, 0)).await;
        assert!(khook(&pipeline, &["cancel"]).await.refused().contains("--yes"));
        assert_eq!(khook(&pipeline, &["cancel", "--yes", "--json"]).await.json()["state"], json!("failed"));
        let run = current(&pipeline).await;
        assert_eq!((run.state, run.last_error.as_deref()), (Phase::Failed, Some("cancelled by an operator")));
        assert!(run.finished_at.is_some() && run.leased_until.is_none());
        let error = khook(&pipeline, &["cancel", "--yes"]).await.refused();
        assert!(error.contains("nothing to cancel"), "{error}");
    }
}

#[tokio::test]
async fn the_history_names_what_the_reconciler_found() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let (user_id, now) = ("31428586".parse().unwrap(), runtime::clock::now());
    for word in [ReconcilerWord::ReconciledLinked, ReconcilerWord::ReconciledUnlinked] {
        let found = ReconcilerEvent { word, user_id, at: now };
        let run_id = format!("20260101T183000.000Z-{}", word.name().len());
        let envelope = Envelope::of_reconciler(app(), &run_id, found, now);
        assert_eq!(pipeline.process_texts(&[envelope.encode().unwrap()]).await.unwrap(), Vec::<usize>::new());
    }
    let history = khook_binary::of(&pipeline, &["user", "history", APP_ID, "31428586"]).await.unwrap().printed();
    for text in [" reconciled-linked ", " reconciled-unlinked "] {
        assert!(history.contains(text) && !history.contains("reconciler reconciled"), "{text}: {history}");
    }
}
