use std::process::ExitCode;

use anyhow::Result;

use crate::{random, ui::output};

/// `khook delivery secret new`.
pub(super) fn new() -> Result<ExitCode> {
    output::line(random::signing_secret()?)?;
    output::say(
        "Store it as the text of a secret in AWS Secrets Manager, name that secret's ARN in DeliverySecret, and give it \
         to the receiver. To rotate: make the text `<new> <old>` (separated by a blank; deliveries then have both \
         signatures), give the receiver the new one, and five minutes later remove the old one from the text.",
    );
    Ok(ExitCode::SUCCESS)
}
