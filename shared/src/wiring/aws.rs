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
    Ok(config(variables, variables.pool()?))
}

/// The same over these connections.
pub(super) fn config<F>(variables: &Variables<F>, pool: Pool) -> SdkConfig
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
const TABLE: &str = "AWS_ENDPOINT_URL_DYNAMODB";
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

/// Where DynamoDB's client will go, as far as that can be said without making it: for a connection that is opened
/// before. None elsewhere than in AWS's usual regions (China's and others' have names of their own), for FIPS and for dual stack; whoever is
/// there waits for a handshake when the inbox is first needed.
pub(super) fn table_endpoint<F: Fn(&str) -> Option<String>>(variables: &Variables<F>) -> Option<Uri> {
    let named = endpoint(variables, TABLE).or_else(|| endpoint(variables, ALL_SERVICES));
    let is_usual = !is_set(variables, FIPS) && !is_set(variables, DUAL_STACK);
    let of_region = || {
        let region = region(variables).filter(|_| is_usual)?;
        let elsewhere = ["cn-", "us-iso", "eu-iso", "eusc-"];
        let is_elsewhere = elsewhere.iter().any(|prefix| region.starts_with(prefix));
        (!is_elsewhere).then(|| format!("https://dynamodb.{region}.amazonaws.com"))
    };
    named.or_else(of_region)?.parse().ok()
}

/// Ids of the services that a function reaches, and the variables of their endpoints.
const SERVICES: [(&str, &str); 3] =
    [("SQS", "AWS_ENDPOINT_URL_SQS"), ("DynamoDB", TABLE), ("EventBridge", "AWS_ENDPOINT_URL_EVENTBRIDGE")];

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
    fn the_tables_endpoint_is_the_one_that_its_client_will_find() {
        let usual = ("AWS_REGION", "ap-northeast-2");
        let (own, all) = ((TABLE, "http://localhost:1"), (ALL_SERVICES, "http://localhost:2"));
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        for (variables, expected) in [
            (&[usual][..], Some("https://dynamodb.ap-northeast-2.amazonaws.com/")),
            (&[("AWS_DEFAULT_REGION", "us-gov-west-1")], Some("https://dynamodb.us-gov-west-1.amazonaws.com/")),
            (&[usual, all], Some("http://localhost:2/")),
            (&[usual, all, own], Some("http://localhost:1/")),
            (&[usual, own, ignored], Some("https://dynamodb.ap-northeast-2.amazonaws.com/")),
            (&[("AWS_REGION", "cn-north-1")], None),
            (&[usual, (FIPS, "true")], None),
            (&[usual, (DUAL_STACK, "TRUE")], None),
            (&[usual, (TABLE, "no URL")], None),
            (&[], None),
        ] {
            let found =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let endpoint = table_endpoint(&Variables::new(found)).map(|uri| uri.to_string());
            assert_eq!(endpoint.as_deref(), expected, "{variables:?}");
        }
    }
}
