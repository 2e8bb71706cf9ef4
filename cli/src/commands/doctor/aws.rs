//! The account, asked over AWS's APIs.

use std::{collections::HashMap, fmt::Debug, time::Duration};

use aws_config::{Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::query::{QueryOutput, builders::QueryFluentBuilder},
    types::{AttributeValue, IndexStatus, Select, TableDescription},
};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_sqs::types::QueueAttributeName::{
    ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesDelayed as Delayed,
    ApproximateNumberOfMessagesNotVisible as InHand,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use kakao_webhooks::{
    auth::KeySet,
    wire::{AppId, Time},
};
use runtime::{
    reconcile::{ReaderKeys, ReaderKeysError, Run, RunTable, Table as _, all_reader_keys},
    store::{DynamoStore, Pace, ROSTER, Retention, StoreError, inbox_partitions},
};

use super::{
    account::Account,
    facts::{Alarm, Backlog, Function, Inbox, Quota, Read, Resource, Settings, Source, Stack, StoredKeys, Unread},
};
use crate::{
    aws::{
        fault::{is_denial, sentence, stored},
        stack::{no_stack, outputs_of},
    },
    commands::{backlog::letter, quarantine},
};

/// For a call with all its attempts, and for one of them.
const PATIENCE: Duration = Duration::from_secs(15);
const ATTEMPT: Duration = Duration::from_secs(5);
/// How many partitions are asked at once, and how many waiting events are read of each.
const AT_ONCE: usize = 16;
const PER_PARTITION: i32 = 25;
/// The most that one request may name.
const ALARMS_AT_ONCE: usize = 100;

/// One stack in an account and region.
#[derive(Debug)]
pub(super) struct Aws {
    name: String,
    region: Option<Region>,
    stacks: aws_sdk_cloudformation::Client,
    functions: aws_sdk_lambda::Client,
    alarms: aws_sdk_cloudwatch::Client,
    queues: aws_sdk_sqs::Client,
    table: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
    /// For the store that the functions have.
    config: SdkConfig,
}

impl Aws {
    pub(super) fn new(config: SdkConfig, stack: &str) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).operation_attempt_timeout(ATTEMPT).build();
        let config = config.into_builder().timeout_config(timeouts).build();
        Self {
            name: stack.to_owned(),
            region: config.region().cloned(),
            stacks: aws_sdk_cloudformation::Client::new(&config),
            functions: aws_sdk_lambda::Client::new(&config),
            alarms: aws_sdk_cloudwatch::Client::new(&config),
            queues: aws_sdk_sqs::Client::new(&config),
            table: aws_sdk_dynamodb::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            config,
        }
    }

    fn query(&self, table: &str) -> QueryFluentBuilder {
        self.table.query().table_name(table).key_condition_expression("pk = :pk")
    }

    /// The first page of each partition.
    async fn first_pages(
        &self,
        query: QueryFluentBuilder,
        partitions: impl Iterator<Item = String>,
    ) -> Read<Vec<QueryOutput>> {
        let asked = partitions.map(|partition| {
            let query = query.clone().expression_attribute_values(":pk", AttributeValue::S(partition));
            async { query.send().await.map_err(|error| unread("dynamodb:Query", &error)) }
        });
        stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await
    }
}

impl Account for Aws {
    async fn stack(&self) -> Read<Stack> {
        const ACTION: &str = "cloudformation:DescribeStacks";
        let asked = self.stacks.describe_stacks().stack_name(&self.name).send().await;
        let fault = |error| {
            let no_stack = no_stack(self.region.as_ref(), &self.name, &error);
            no_stack.map_or_else(|| unread(ACTION, &error), Unread::Failed)
        };
        let stacks = asked.map_err(fault)?.stacks.unwrap_or_default();
        let stack = stacks.into_iter().next().ok_or_else(|| Unread::Failed("there is no such stack".to_owned()))?;
        let deployed_at = stack.last_updated_time.or(stack.creation_time);
        Ok(Stack {
            status: stack.stack_status.as_ref().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            outputs: outputs_of(stack),
            deployed_at: deployed_at.and_then(|time| Time::from_millis(time.to_millis().ok()?)),
        })
    }

    async fn resources(&self) -> Read<Vec<Resource>> {
        let mut pages = self.stacks.list_stack_resources().stack_name(&self.name).into_paginator().send();
        let mut resources = vec![];
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unread("cloudformation:ListStackResources", &error))?;
            let known = page.stack_resource_summaries.unwrap_or_default().into_iter().filter_map(|summary| {
                Some(Resource {
                    logical_id: summary.logical_resource_id?,
                    physical_id: summary.physical_resource_id?,
                    kind: summary.resource_type?,
                })
            });
            resources.extend(known);
        }
        Ok(resources)
    }

    async fn function(&self, name: &str, alias: Option<&str>) -> Read<Option<Function>> {
        let asked = self.functions.get_function_configuration().function_name(name);
        match asked.set_qualifier(alias.map(str::to_owned)).send().await {
            Ok(configuration) => function(configuration).map(Some),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(unread("lambda:GetFunctionConfiguration", &error)),
        }
    }

    async fn source(&self, id: &str) -> Read<Option<Source>> {
        match self.functions.get_event_source_mapping().uuid(id).send().await {
            Ok(mapping) => Ok(Some(Source {
                id: id.to_owned(),
                state: mapping.state.unwrap_or_default(),
                reason: mapping.state_transition_reason,
                last_result: mapping.last_processing_result,
                most_at_once: mapping.scaling_config.and_then(|scaling| scaling.maximum_concurrency),
            })),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(unread("lambda:GetEventSourceMapping", &error)),
        }
    }

    async fn alarms(&self, names: &[String]) -> Read<Vec<Alarm>> {
        let mut alarms = vec![];
        for names in names.chunks(ALARMS_AT_ONCE) {
            let asked = self.alarms.describe_alarms().set_alarm_names(Some(names.to_vec()));
            let mut found = asked.max_records(ALARMS_AT_ONCE.try_into().unwrap_or(1)).into_paginator().send();
            while let Some(page) = found.next().await {
                let page = page.map_err(|error| unread("cloudwatch:DescribeAlarms", &error))?;
                alarms.extend(page.metric_alarms.unwrap_or_default().into_iter().map(|alarm| Alarm {
                    is_firing: alarm.state_value == Some(StateValue::Alarm),
                    notifies: alarm.actions_enabled != Some(false) && !alarm.alarm_actions().is_empty(),
                    name: alarm.alarm_name.unwrap_or_default(),
                    description: alarm.alarm_description.unwrap_or_default(),
                }));
            }
        }
        Ok(alarms)
    }

    async fn quota(&self) -> Read<Quota> {
        const ACTION: &str = "lambda:GetAccountSettings";
        let asked = self.functions.get_account_settings().send().await.map_err(|error| unread(ACTION, &error))?;
        let limit =
            asked.account_limit.ok_or_else(|| Unread::Failed("lambda:GetAccountSettings names no limit".to_owned()))?;
        let concurrent = limit.concurrent_executions;
        Ok(Quota { concurrent, unreserved: limit.unreserved_concurrent_executions.unwrap_or(concurrent) })
    }

    async fn backlog(&self, queue_url: &str) -> Read<Backlog> {
        let asked = self.queues.get_queue_attributes().queue_url(queue_url);
        let asked = asked.set_attribute_names(Some(vec![Waiting, Delayed, InHand])).send().await;
        let found = asked.map_err(|error| unread("sqs:GetQueueAttributes", &error))?.attributes.unwrap_or_default();
        let count = |name| found.get(&name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        Ok(Backlog { waiting: count(Waiting) + count(Delayed), in_hand: count(InHand) })
    }

    async fn inbox(&self, table: &str) -> Read<Inbox> {
        let query = self.query(table).limit(PER_PARTITION);
        let mut inbox = Inbox::default();
        for page in self.first_pages(query, inbox_partitions()).await? {
            inbox.events += page.items().len();
            inbox.is_cut |= page.last_evaluated_key.is_some();
            inbox.oldest = page.items().iter().filter_map(received_at).chain(inbox.oldest).min();
        }
        Ok(inbox)
    }

    async fn quarantined(&self, table: &str, now: Time) -> Read<usize> {
        let counted = self.query(table).select(Select::Count);
        let pages = self.first_pages(counted, quarantine::partitions(now)).await?;
        Ok(pages.iter().map(|page| usize::try_from(page.count).unwrap_or_default()).sum())
    }

    async fn stream_view(&self, table: &str) -> Read<Option<String>> {
        let asked = self.table.describe_table().table_name(table).send().await;
        let described = asked.map_err(|error| unread("dynamodb:DescribeTable", &error))?.table;
        let stream = described.and_then(|table| table.stream_specification).filter(|stream| stream.stream_enabled);
        Ok(stream.and_then(|stream| stream.stream_view_type).map(|view| view.as_str().to_owned()))
    }

    async fn stored_keys(&self, table: &str) -> Read<Option<StoredKeys>> {
        let key = || AttributeValue::S("KEYSET".to_owned());
        let asked = self.table.get_item().table_name(table).key("pk", key()).key("sk", key()).send().await;
        let item = asked.map_err(|error| unread("dynamodb:GetItem", &error))?.item;
        Ok(item.map(|item| StoredKeys {
            fetched_at: text(&item, "fetched_at").parse().ok(),
            set: KeySet::from_json(text(&item, "document").as_bytes()),
        }))
    }

    async fn roster_index(&self, table: &str) -> Read<Option<String>> {
        let asked = self.table.describe_table().table_name(table).send().await;
        let described = asked.map_err(|error| unread("dynamodb:DescribeTable", &error))?.table;
        Ok(described.as_ref().and_then(roster_status))
    }

    async fn reader_keys(&self, arn: &str) -> Read<Result<ReaderKeys, ReaderKeysError>> {
        let asked = self.secrets.get_secret_value().secret_id(arn).send().await;
        let secret = asked.map_err(|error| unread("secretsmanager:GetSecretValue", &error))?;
        Ok(all_reader_keys(&secret.secret_string.unwrap_or_default()))
    }

    async fn run(&self, table: &str, app: &AppId) -> Read<Option<Run>> {
        const ACTION: &str = "dynamodb:GetItem";
        let store = DynamoStore::new(&self.config, table.to_owned(), Retention::default(), Pace::Background);
        RunTable(store).run(app).await.map_err(|error| match &error {
            StoreError::TryAgain(text) | StoreError::Never(text) if is_denial(text) => Unread::Denied(ACTION),
            _ => Unread::Failed(stored(ACTION, &error)),
        })
    }
}

fn text<'i>(item: &'i HashMap<String, AttributeValue>, name: &str) -> &'i str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn received_at(item: &HashMap<String, AttributeValue>) -> Option<Time> {
    letter::summary(text(item, "envelope")).ok().map(|summary| summary.received_at)
}

/// # Errors
/// If the variables are encrypted with a key that the caller may not use: the answer then has none.
fn function(configuration: GetFunctionConfigurationOutput) -> Read<Function> {
    let modified_at = configuration.last_modified.as_deref().and_then(modified_at);
    let environment = configuration.environment;
    if environment.as_ref().is_some_and(|environment| environment.error.is_some()) {
        return Err(Unread::Denied("kms:Decrypt"));
    }
    Ok(Function {
        state: configuration.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        last_update: configuration.last_update_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: configuration.state_reason.or(configuration.last_update_status_reason),
        modified_at,
        code_sha256: configuration.code_sha256.unwrap_or_default(),
        version: configuration.version.unwrap_or_default(),
        settings: Settings(
            environment.and_then(|environment| environment.variables).unwrap_or_default().into_iter().collect(),
        ),
    })
}

/// Lambda writes the offset without its colon, as in `2026-01-01T00:00:00.000+0000`.
fn modified_at(text: &str) -> Option<Time> {
    text.replace("+0000", "Z").parse().ok()
}

/// The status of the index `roster`. A local cloud describes an index without one: it is ready there.
fn roster_status(table: &TableDescription) -> Option<String> {
    let index = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(ROSTER))?;
    Some(index.index_status().unwrap_or(&IndexStatus::Active).as_str().to_owned())
}

fn unread<E, R>(action: &'static str, error: &SdkError<E, R>) -> Unread
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: Debug + 'static,
{
    match error.code() {
        // The message names the caller.
        Some(code) if is_denial(code) => Unread::Denied(action),
        None if matches!(error, SdkError::TimeoutError(_)) => Unread::Late(action),
        _ => Unread::Failed(sentence(action, error)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription;
    use aws_sdk_lambda::{
        error::ErrorMetadata,
        operation::get_account_settings::GetAccountSettingsError,
        types::{EnvironmentError, EnvironmentResponse},
    };

    use super::*;
    use crate::aws::stack::tests::{answering, refused as refusal};

    #[tokio::test]
    async fn a_stack_that_does_not_exist_is_said_so_in_a_sentence_with_its_region() {
        let aws = answering(400, &refusal("ValidationError", "Stack with id nosuch does not exist")).await;
        let judgement = Aws::new(aws, "nosuch").stack().await.unwrap_err().judgement();
        assert_eq!(
            (&*judgement.seen, &*judgement.fix),
            ("there is no stack `nosuch` in ap-northeast-2", "are its name and the region (AWS_REGION) right?")
        );
    }

    #[test]
    fn lambdas_times_are_read_with_and_without_a_colon() {
        for text in ["2026-01-01T00:00:00.000+0000", "2026-01-01T00:00:00.000Z"] {
            assert_eq!(modified_at(text).map(|time| time.to_string()), Some("2026-01-01T00:00:00.000Z".to_owned()));
        }
        assert_eq!(modified_at("yesterday"), None);
    }

    #[test]
    fn an_index_that_is_described_without_a_status_is_ready_and_one_that_is_not_described_is_missing() {
        let index = |name: &str, status| {
            GlobalSecondaryIndexDescription::builder().index_name(name).set_index_status(status).build()
        };
        for (index, status) in [
            (index(ROSTER, None), Some("ACTIVE")),
            (index(ROSTER, Some(IndexStatus::Creating)), Some("CREATING")),
            (index("other", Some(IndexStatus::Active)), None),
        ] {
            let table = TableDescription::builder().global_secondary_indexes(index).build();
            assert_eq!(roster_status(&table).as_deref(), status, "{table:?}");
        }
    }

    #[test]
    fn variables_that_cannot_be_decrypted_do_not_count_as_missing() {
        let error = EnvironmentError::builder().error_code("AccessDeniedException").build();
        let environment = EnvironmentResponse::builder().error(error).build();
        let configuration = GetFunctionConfigurationOutput::builder().environment(environment).build();
        assert_eq!(function(configuration).unwrap_err(), Unread::Denied("kms:Decrypt"));
    }

    #[test]
    fn a_denial_names_the_action_and_not_who_was_denied() {
        let refused = |code: &str| {
            let metadata = ErrorMetadata::builder().code(code).message("User: somebody is not authorized").build();
            let error: SdkError<_, ()> = SdkError::service_error(GetAccountSettingsError::generic(metadata), ());
            unread("sqs:GetQueueAttributes", &error)
        };
        for code in ["AccessDenied", "AccessDeniedException", "com.amazonaws.sqs#AccessDenied"] {
            assert_eq!(refused(code), Unread::Denied("sqs:GetQueueAttributes"), "{code}");
        }
        assert!(matches!(refused("ThrottlingException"), Unread::Failed(_)));
    }
}
