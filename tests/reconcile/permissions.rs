//! Everything that the reconciler ever asks of AWS. `infra/lint/test_iam.py` compares it with what its role allows.

use std::collections::BTreeSet;

use crate::service::{FIRST, Service, snapshot};

#[tokio::test]
async fn the_reconciler_asks_of_aws_exactly_what_is_listed() {
    let mut service = Service::start().await;
    service.members(4).await;
    service.unlink_at_kakao(FIRST);
    service.link_at_kakao(FIRST + 10, 60);
    service.minutes().await;
    let calls = service.pipeline.calls().lines();
    let calls: BTreeSet<_> = calls.into_iter().filter(|call| call.starts_with("reconciler ")).collect();
    snapshot("aws-calls-of-reconciler", &calls);
}
