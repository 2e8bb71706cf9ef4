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
    https::Pool,
};

/// What the SDK's own variables say, for a function: endpoints, region, credentials. Lambda sets these variables;
/// what else the SDK would look for (profiles, containers, the instance) isn't there.
///
/// # Errors
/// A variable that can't be used.
pub fn aws_of_function<F>(variables: &Variables<F>) -> Result<SdkConfig, ConfigError>
where
    F: Fn(&str) -> Option<String>,
{
    Ok(of_pool(variables, variables.pool()?))
}

/// The same over these connections.
pub(super) fn of_pool<F>(variables: &Variables<F>, pool: Pool) -> SdkConfig
where
    F: Fn(&str) -> Option<String>,
{
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
        .service_config(Endpoints(of_services.collect()))
        .http_client(pool);
    config.set_endpoint_url(endpoint(variables, ALL_SERVICES));
    config.build()
}

const ALL_SERVICES: &str = "AWS_ENDPOINT_URL";
const QUEUE: &str = "AWS_ENDPOINT_URL_SQS";
const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
const DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

fn is_set<F: Fn(&str) -> Option<String>>(variables: &Variables<F>, name: &str) -> bool {
    variables.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

fn region<F: Fn(&str) -> Option<String>>(variables: &Variables<F>) -> Option<String> {
    variables.get("AWS_REGION").or_else(|| variables.get("AWS_DEFAULT_REGION"))
}

fn endpoint<F: Fn(&str) -> Option<String>>(variables: &Variables<F>, name: &str) -> Option<String> {
    variables.get(name).filter(|_| !is_set(variables, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
}

/// Where the client of the queue with this URL will go, as far as that can be said without it: for a connection that is
/// opened before. None for FIPS and for dual stack, whose hosts aren't the URL's, and which the client doesn't join with an endpoint; whoever is there waits for a handshake when
/// something is first sent.
pub(super) fn queue_endpoint<F: Fn(&str) -> Option<String>>(variables: &Variables<F>, url: &str) -> Option<Uri> {
    let named = endpoint(variables, QUEUE).or_else(|| endpoint(variables, ALL_SERVICES));
    let is_usual = !is_set(variables, FIPS) && !is_set(variables, DUAL_STACK);
    is_usual.then(|| named.unwrap_or_else(|| url.to_owned()))?.parse().ok()
}

/// Ids of the services that a function reaches, and the variables of their endpoints.
const SERVICES: [(&str, &str); 3] =
    [("SQS", QUEUE), ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"), ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE")];

/// The endpoints of single services.
#[derive(Debug)]
struct Endpoints(BTreeMap<&'static str, String>);

impl LoadServiceConfig for Endpoints {
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
}
