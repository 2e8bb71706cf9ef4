//! The local cloud: the whole service on this machine, from the project's own `template.yaml`, without
//! Docker and without an AWS account. `infra/local/README.md` describes it.

mod answerer;
mod build;
mod delivery;
mod deploy;
mod faults;
pub(crate) mod gate;
pub mod logs;
mod ministack;
mod process;
mod project;
mod reading;
mod receiver;
mod run_folder;
pub mod running;
mod venv;

use anyhow::{Context, Result};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, RuntimeComponents, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::{Builder as ClientBuilder, Connector, proxy::ProxyConfig};

use crate::ui::progress::Progress;

pub use answerer::Answerer;
pub use build::Build;
pub use delivery::{Delivery, SecretFile};
pub use deploy::{LocalFunction, LocalStack};
pub use faults::{Fault, Faults};
pub use process::{Finished, Stream, run};
pub use project::Project;
pub use reading::Reading;
pub use receiver::{Received, Receiver};
pub use venv::{CLOUD, Packages, provision};

/// What a local cloud is made of.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// How the functions are built.
    pub build: Build,
    /// The template's parameters, except those of the delivery, the answerer and the reconciler.
    pub parameters: Vec<(String, String)>,
    /// Where changes are delivered, if they are.
    pub delivery: Option<Delivery>,
    /// What answers the chatbot's messages where no rule does, if there is one.
    pub answerer: Option<Answerer>,
    /// What the reconciler reads, if there is one.
    pub reading: Option<&'o Reading>,
    /// What may go wrong between the functions and AWS; without it they call AWS themselves.
    pub faults: Option<Faults>,
}

/// A running local cloud with the deployed stack. Several may run at once. Dropped, however that comes,
/// it leaves no process, no port and no file.
#[derive(Debug)]
pub struct Cloud {
    // In this order: nothing may write into the folder any more when it goes.
    ministack: ministack::Ministack,
    stack: LocalStack,
    _folder: run_folder::RunFolder,
}

/// The access key that the local cloud takes for its default account's.
const ACCESS_KEY: &str = "local";

impl Cloud {
    /// Provisions, builds, starts and deploys.
    ///
    /// # Errors
    /// Whatever is missing on this machine, with how to fix it.
    pub async fn start(options: &Options<'_>, progress: Progress) -> Result<Self> {
        let project = Project::find()?;
        let python = provision(&project, CLOUD, progress).await?;
        let binaries = build::build(&project, &options.build, progress).await?;
        let folder = run_folder::RunFolder::make(&project).await?;
        let ministack = ministack::start(&python, &folder, options.faults.as_ref(), progress).await?;
        let mut parameters = options.parameters.clone();
        let aws = sdk_config(&ministack.endpoint, deploy::REGION);
        if let Some(delivery) = &options.delivery {
            parameters.extend(delivery.parameters(&aws).await?);
        }
        if let Some(answerer) = &options.answerer {
            parameters.extend(answerer.parameters(&aws).await?);
        }
        if let Some(reading) = options.reading {
            parameters.extend(reading.parameters(&aws).await?);
        }
        let stack = deploy::deploy(&project, &python, &ministack.endpoint, &binaries, &parameters, progress).await?;
        let cloud = Self { ministack, stack, _folder: folder };
        for name in ["TableName", "EventQueueUrl", "DeadLetterQueueUrl", "BusName"] {
            cloud.stack.outputs.get(name).with_context(|| format!("template.yaml has no output {name}"))?;
        }
        Ok(cloud)
    }

    /// Stops it now; dropping does the same.
    pub async fn stop(self) {
        // Waiting for the processes to end would block other tasks of this thread.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    /// The address that stands for the API's: `{base_url}/webhooks/unlink`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.stack.base_url
    }

    /// Where AWS's APIs are.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.ministack.endpoint
    }

    /// The region that it simulates.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.stack.region
    }

    /// What is deployed: outputs, functions, log groups.
    #[must_use]
    pub const fn stack(&self) -> &LocalStack {
        &self.stack
    }

    /// One of the template's outputs; empty if it has no such one.
    #[must_use]
    pub fn output(&self, name: &str) -> &str {
        self.stack.outputs.get(name).map_or("", String::as_str)
    }

    /// The table.
    #[must_use]
    pub fn table_name(&self) -> &str {
        self.output("TableName")
    }

    /// The queue.
    #[must_use]
    pub fn queue_url(&self) -> &str {
        self.output("EventQueueUrl")
    }

    /// The dead-letter queue.
    #[must_use]
    pub fn dead_letter_queue_url(&self) -> &str {
        self.output("DeadLetterQueueUrl")
    }

    /// The log group of a function, by the name of its binary.
    #[must_use]
    pub fn log_group(&self, binary: &str) -> Option<&str> {
        self.stack.functions.get(binary).map(|function| function.log_group.as_str())
    }

    /// How the SDK's clients reach it.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(self.endpoint(), self.region())
    }

    /// How any AWS tool and the functions themselves reach it: variables and their values.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint().to_owned()),
            ("AWS_REGION", self.region().to_owned()),
            ("AWS_DEFAULT_REGION", self.region().to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("TABLE_NAME", self.table_name().to_owned()),
            ("EVENT_QUEUE_URL", self.queue_url().to_owned()),
            ("DEAD_LETTER_QUEUE_URL", self.dead_letter_queue_url().to_owned()),
            ("UNPUBLISHED_QUEUE_URL", self.output("UnpublishedQueueUrl").to_owned()),
            ("EVENT_BUS_NAME", self.output("BusName").to_owned()),
        ]
    }
}

/// How the SDK's clients reach a local cloud: whatever account or profile the shell names stays out.
#[must_use]
pub fn sdk_config(endpoint: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY, ACCESS_KEY, None, None, "local cloud");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(direct_client())
        .build()
}

/// A client that asks no proxy: what the shell names is for the world outside.
fn direct_client() -> SharedHttpClient {
    ClientBuilder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::disabled());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build_http()
    })
}
