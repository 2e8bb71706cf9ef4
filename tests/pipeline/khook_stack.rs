//! khook's real binary finds a stack's table and queues in its outputs.

use std::fs;

use axum::Router;
use end_to_end::{
    Pipeline,
    faults::{Gate, Server},
    khook_binary::{self, Done},
    service::APP_ID,
    table,
};
use khook::kakao::Kakao;
use serde_json::json;

use crate::kakao::unlink;

const USER: &str = "3142858600";

/// CloudFormation, which knows one stack with the pipeline's table and queue.
async fn cloud_formation(pipeline: &Pipeline) -> Server {
    cloud_formation_with(&[("TableName", table::NAME), ("EventQueueUrl", &pipeline.queue.url())]).await
}

/// CloudFormation, which knows one stack with these outputs.
async fn cloud_formation_with(outputs: &[(&str, &str)]) -> Server {
    let output = |(name, value): &(&str, &str)| {
        format!("<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let outputs: String = outputs.iter().map(output).collect();
    let described = format!(
        "<DescribeStacksResponse xmlns='http://cloudformation.amazonaws.com/doc/2010-05-15/'><DescribeStacksResult>\
         <Stacks><member><StackName>s</StackName><StackStatus>CREATE_COMPLETE</StackStatus>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>{outputs}</Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    );
    Server::start(Router::new().fallback(async move || described), Gate::default()).await.unwrap()
}

async fn khook(pipeline: &Pipeline, cloud: &Server, variables: &[(&str, String)], arguments: &[&str]) -> Done {
    let endpoints = [
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", cloud.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", pipeline.table.endpoint()),
        ("AWS_ENDPOINT_URL_SQS", pipeline.queue.endpoint()),
    ];
    khook_binary::run(&[&endpoints, variables].concat(), arguments).await.unwrap()
}

#[tokio::test]
async fn a_named_stack_is_enough_to_read_its_table_and_write_to_its_queue() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let cloud = cloud_formation(&pipeline).await;
    pipeline.deliver(&unlink(USER)).await.unwrap();
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let by_variable = [("KHOOK_STACK", "s".to_owned())];
    let user = ["user", "show", APP_ID, USER, "--json"];
    assert_eq!(khook(&pipeline, &cloud, &by_variable, &user).await.json()["access"], "gone");
    let by_option = [&user[..], &["--stack", "s"]].concat();
    assert_eq!(khook(&pipeline, &cloud, &[], &by_option).await.json()["access"], "gone");
    pipeline.queue.take();
    khook(&pipeline, &cloud, &by_variable, &["user", "link", APP_ID, USER, "--yes"]).await.printed();
    assert_eq!(pipeline.queue.bodies().len(), 1);
}

#[tokio::test]
async fn what_the_stack_and_a_variable_name_is_a_wrong_usage() {
    let pipeline = Pipeline::start().await.unwrap();
    let cloud = cloud_formation(&pipeline).await;
    let both = [("KHOOK_STACK", "s".to_owned()), ("TABLE_NAME", "t".to_owned())];
    let done = khook(&pipeline, &cloud, &both, &["user", "show", APP_ID, USER]).await;
    assert_eq!(done.code, Some(2), "{}", done.error);
    assert!(
        done.error.contains("TABLE_NAME (--table) and KHOOK_STACK (--stack) both name the table"),
        "{}",
        done.error
    );
    let done = khook(&pipeline, &cloud, &both[..1], &["publish", "--user", APP_ID, USER]).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    assert!(done.error.contains("the stack `s` has no output BusName: is it one of"), "{}", done.error);
    let done = khook(&pipeline, &cloud, &both[..1], &["undelivered", "list"]).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    assert!(done.error.contains("no output UndeliveredQueueUrl: is its DeliveryUrl set?"), "{}", done.error);
}

#[tokio::test]
async fn a_list_without_undelivered_changes_says_how_many_the_stack_still_tries_to_deliver() {
    let pipeline = Pipeline::start().await.unwrap();
    let (undelivered, deliveries) = (pipeline.queue.dead_letter_url(), pipeline.queue.url());
    let outputs = [("UndeliveredQueueUrl", &*undelivered), ("DeliveryQueueUrl", &*deliveries)];
    let cloud = cloud_formation_with(&outputs).await;
    let variables = [("KHOOK_STACK", "s".to_owned()), ("AWS_ENDPOINT_URL_SQS", pipeline.queue.endpoint())];
    let list = ["undelivered", "list"];
    let listed = khook(&pipeline, &cloud, &variables, &list).await.printed();
    assert_eq!(listed, "There are no undelivered changes.\n");
    pipeline.queue.put("one");
    pipeline.queue.put("another");
    let listed = khook(&pipeline, &cloud, &variables, &list).await.printed();
    assert_eq!(listed, "There are no undelivered changes; 2 are still being tried.\n");
}

#[tokio::test]
async fn a_named_stack_is_enough_to_list_and_drop_its_unpublished_changes() {
    let pipeline = Pipeline::start().await.unwrap();
    let id = pipeline.queue.dead_letters().put(r#"{"why":"w","keys":{"pk":{"S":"USER#1#2"}}}"#);
    let cloud = cloud_formation_with(&[("UnpublishedQueueUrl", &pipeline.queue.dead_letter_url())]).await;
    let variables = [("KHOOK_STACK", "s".to_owned()), ("AWS_ENDPOINT_URL_SQS", pipeline.queue.endpoint())];
    let listed = khook(&pipeline, &cloud, &variables, &["dlq", "list", "--unpublished", "--json"]).await.json();
    assert_eq!((&listed[0]["message_id"], &listed[0]["user"]), (&id.clone().into(), &"1 2".into()));
    let unasked = khook(&pipeline, &cloud, &variables, &["dlq", "drop", &id, "--unpublished"]).await;
    assert!(unasked.error.contains("Delete 1 unpublished change (stack `s`) for good?"), "{}", unasked.error);
    let dropped = khook(&pipeline, &cloud, &variables, &["dlq", "drop", &id, "--unpublished", "--yes"]).await.printed();
    assert_eq!(dropped, "1 deleted (stack `s`)\n");
}

#[tokio::test]
async fn a_user_of_whom_the_running_khook_dev_knows_nothing_may_be_of_an_earlier_run() {
    let pipeline = Pipeline::start().await.unwrap();
    let root = std::env::temp_dir().join(format!("end-to-end-khook-dev-{}", std::process::id()));
    for folder in ["infra/local", ".local"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["template.yaml", "infra/local/deploy.py"] {
        fs::write(root.join(file), "").unwrap();
    }
    let running = json!({
        "base_url": "http://127.0.0.1:1/v1", "endpoint": pipeline.table.endpoint(), "region": "ap-northeast-2",
        "table": table::NAME, "queue_url": "q", "dead_letter_queue_url": "d", "bus": "b",
        "kakao": Kakao::generate().unwrap(),
    });
    fs::write(root.join(".local/dev.json"), running.to_string()).unwrap();
    let show = ["user", "show", APP_ID, USER];
    let asked = khook_binary::command(&[], &show).unwrap().current_dir(&root).output().await.unwrap();
    fs::remove_dir_all(root).unwrap();
    let hint = "`khook dev` begins empty each time";
    let error = String::from_utf8(asked.stderr).unwrap();
    assert!(error.contains("nothing is known of user") && error.contains(hint), "{error}");
    let named = khook_binary::of(&pipeline, &show).await.unwrap().refused();
    assert!(named.contains("nothing is known of user") && !named.contains(hint), "{named}");
}
