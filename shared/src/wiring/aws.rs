use std::collections::BTreeMap;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, identity::IdentityCache,
    stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_sdk_sqs::config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::config::{ConfigError, Variables};

/// What the SDK's own variables say, for a function: endpoints, region, credentials. Lambda sets these variables;
/// what else the SDK would look for (profiles, containers, the instance) isn't there.
///
/// # Errors
/// A variable that can't be used.
pub fn aws_of_function<F>(variables: &Variables<F>) -> Result<SdkConfig, ConfigError>
where
    F: Fn(&str) -> Option<String>,
{
    let is_set = |name| variables.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let ignored = is_set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let endpoint = |name| variables.get(name).filter(|_| !ignored);
    let region = variables.get("AWS_REGION").or_else(|| variables.get("AWS_DEFAULT_REGION"));
    let of_services = SERVICES.iter().filter_map(|(id, name)| Some((*id, endpoint(name)?)));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .identity_cache(IdentityCache::lazy().build())
        // Answers are a few hundred bytes, and each attempt ends in time as a whole.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_set("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_set("AWS_USE_DUALSTACK_ENDPOINT"))
        .service_config(Endpoints(of_services.collect()))
        .http_client(variables.pool()?);
    config.set_endpoint_url(endpoint("AWS_ENDPOINT_URL"));
    Ok(config.build())
}

/// Ids of the services that a function reaches, and the variables of their endpoints.
const SERVICES: [(&str, &str); 3] = [
    ("SQS", "AWS_ENDPOINT_URL_SQS"),
    ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
];

/// The endpoints of single services.
#[derive(Debug)]
struct Endpoints(BTreeMap<&'static str, String>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0.get(key.service_id()).filter(|_| key.env() == "AWS_ENDPOINT_URL").cloned()
    }
}
