//! The project's own `template.yaml` in a local cloud.

use end_to_end::{keys::KeyEndpoint, service};
use khook::{
    local::{Build, Cloud, Options},
    ui::progress::Progress,
};

/// A new stack, whose tokens are signed by the keys of this endpoint.
pub(crate) async fn deploy() -> (Cloud, KeyEndpoint) {
    let keys = KeyEndpoint::start().await.unwrap();
    let parameters = service::parameters(keys.url());
    let cloud = Cloud::start(&Options { build: Build::for_tests(), parameters }, Progress::Lines).await.unwrap();
    (cloud, keys)
}
