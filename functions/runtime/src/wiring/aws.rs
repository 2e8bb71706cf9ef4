use std::collections::BTreeMap;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, identity::IdentityCache,
    stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_sdk_sqs::config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use http::Uri;

use crate::{
    config::{ConfigError, Variables},
    http::Pool,
};

/// What the SDK's own variables say, for a function: endpoints, region, credentials. Lambda sets these variables;
/// what else the SDK would look for (profiles, containers, the instance) isn't there.
///
/// # Errors
/// A variable that can't be used.
pub fn aws_of_function(variables: &Variables<'_>) -> Result<SdkConfig, ConfigError> {
    Ok(of_pool(variables, variables.pool()?))
}

/// The same for a function that reaches hosts outside AWS, too, and its connections.
///
/// # Errors
/// As [`aws_of_function`].
pub fn web_of_function(variables: &Variables<'_>) -> Result<(SdkConfig, Pool), ConfigError> {
    let pool = variables.pool_of_the_web()?;
    Ok((of_pool(variables, pool.clone()), pool))
}

/// The same over these connections.
pub(super) fn of_pool(variables: &Variables<'_>, pool: Pool) -> SdkConfig {
    let of_services = SERVICES.iter().filter_map(|(id, name)| Some((*id, endpoint(variables, name)?)));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region(variables).map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .identity_cache(IdentityCache::lazy().build())
        // Answers are a few hundred bytes, and each attempt ends in time as a whole.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_set(variables, FIPS))
        .use_dual_stack(is_set(variables, DUAL_STACK))
        .service_config(ServiceEndpoints(of_services.collect()))
        .http_client(pool);
    config.set_endpoint_url(endpoint(variables, ALL_SERVICES));
    config.build()
}

const ALL_SERVICES: &str = "AWS_ENDPOINT_URL";
const QUEUE: &str = "AWS_ENDPOINT_URL_SQS";
const TABLE: &str = "AWS_ENDPOINT_URL_DYNAMODB";
const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

fn is_set(variables: &Variables<'_>, name: &str) -> bool {
    variables.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

fn region(variables: &Variables<'_>) -> Option<String> {
    variables.get("AWS_REGION").or_else(|| variables.get("AWS_DEFAULT_REGION"))
}

fn endpoint(variables: &Variables<'_>, name: &str) -> Option<String> {
    variables.get(name).filter(|_| !is_set(variables, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
}

/// Where the client of the queue with this URL will go: for a connection that is opened before the client needs it.
/// `None` with FIPS and dual stack, whose hosts only the SDK knows: there the first request waits for a handshake.
pub(super) fn queue_endpoint(variables: &Variables<'_>, url: &str) -> Option<Uri> {
    usual_endpoint(variables, QUEUE, Some(url.to_owned()))
}

/// The same for the table's client. `None` without a region, too.
pub(super) fn table_endpoint(variables: &Variables<'_>) -> Option<Uri> {
    let in_region = region(variables).map(|region| {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://dynamodb.{region}.amazonaws.com{suffix}")
    });
    usual_endpoint(variables, TABLE, in_region)
}

/// The endpoint that the service's own variable names, or the one for all services, or the default.
fn usual_endpoint(variables: &Variables<'_>, name: &str, default: Option<String>) -> Option<Uri> {
    let named = endpoint(variables, name).or_else(|| endpoint(variables, ALL_SERVICES));
    let is_usual = !is_set(variables, FIPS) && !is_set(variables, DUAL_STACK);
    named.or(default).filter(|_| is_usual)?.parse().ok()
}

/// Ids of the services that a function reaches, and the variables of their endpoints.
const SERVICES: [(&str, &str); 5] = [
    ("SQS", QUEUE),
    ("DynamoDB", TABLE),
    ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    ("Lambda", "AWS_ENDPOINT_URL_LAMBDA"),
    ("Secrets Manager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
];

/// The endpoints of single services.
#[derive(Debug)]
struct ServiceEndpoints(BTreeMap<&'static str, String>);

impl LoadServiceConfig for ServiceEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0.get(key.service_id()).filter(|_| key.env() == "AWS_ENDPOINT_URL").cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queues_endpoint_is_the_one_that_its_client_will_find() {
        let url = "https://sqs.ap-northeast-2.amazonaws.com/1/events";
        let (own, all) = ((QUEUE, "http://localhost:1"), (ALL_SERVICES, "http://localhost:2"));
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        for (variables, expected) in [
            (&[][..], Some(url)),
            (&[all], Some("http://localhost:2/")),
            (&[all, own], Some("http://localhost:1/")),
            (&[own, ignored], Some(url)),
            (&[(FIPS, "true")], None),
            (&[(DUAL_STACK, "TRUE")], None),
            (&[(FIPS, "true"), own], None),
            (&[(QUEUE, "no URL")], None),
        ] {
            let found =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let endpoint = queue_endpoint(&Variables::new(found), url).map(|uri| uri.to_string());
            assert_eq!(endpoint.as_deref(), expected, "{variables:?}");
        }
    }
    #[test]
    fn the_tables_endpoint_is_that_of_its_region_or_the_one_that_is_named() {
        let (seoul, beijing) = (("AWS_REGION", "ap-northeast-2"), ("AWS_REGION", "cn-north-1"));
        let (own, all) = ((TABLE, "http://localhost:1"), (ALL_SERVICES, "http://localhost:2"));
        for (variables, expected) in [
            (&[][..], None),
            (&[seoul], Some("https://dynamodb.ap-northeast-2.amazonaws.com/")),
            (&[beijing], Some("https://dynamodb.cn-north-1.amazonaws.com.cn/")),
            (&[seoul, all], Some("http://localhost:2/")),
            (&[all, own], Some("http://localhost:1/")),
            (&[seoul, (FIPS, "true")], None),
        ] {
            let found =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let endpoint = table_endpoint(&Variables::new(found)).map(|uri| uri.to_string());
            assert_eq!(endpoint.as_deref(), expected, "{variables:?}");
        }
    }
}
