//! `khook user link|unlink|restore|erase`: service events.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use kakao_webhooks::{
    envelope::{Envelope, Event, Letter, ServiceEvent, ServiceWord},
    wire::{AppId, EventId, Time, UserId},
};
use runtime::edges::Queue;

use crate::{
    aws::{stack::StackTarget, target::QueueTarget},
    random,
    ui::{ask, output, when::event_time},
};

/// A service event about one user.
#[derive(Debug, Args)]
pub struct ServiceReport {
    /// The Kakao app's number
    app_id: AppId,
    /// The member number (회원번호)
    #[arg(value_name = "MEMBER_NUMBER")]
    user_id: UserId,
    /// The event's time (RFC 3339); by default now
    #[arg(long, value_name = "TIME", value_parser = event_time)]
    at: Option<Time>,
    #[command(flatten)]
    queue: QueueTarget,
    #[command(flatten)]
    stack: StackTarget,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

impl ServiceReport {
    /// Asks, and puts the word into the queue.
    ///
    /// # Errors
    /// An invalid user, or a queue that refuses the event.
    pub async fn run(self, word: ServiceWord) -> Result<ExitCode> {
        let Self { app_id, user_id, .. } = self;
        let queue = self.queue.queue(&self.stack).await?;
        let service = self.queue.service(&self.stack);
        let question = format!("Report of user {} of app {app_id} ({service}): {}?", user_id.digits(), meaning(word));
        ask::whether(&question, self.yes).await?;
        let now = runtime::clock::now();
        let envelope = Envelope {
            id: EventId::from_text(&format!("khook-{}", random::hex::<16>()?)),
            app_id: Some(app_id),
            received_at: now,
            request_id: None,
            replayed_at: None,
            letter: Letter::Event(Event::Service(ServiceEvent { word, user_id, at: self.at.unwrap_or(now) })),
        };
        queue.send(&envelope.encode()?).await.context("the queue doesn't take it: nothing was done")?;
        output::line(format!("{} is in the queue ({service})", word.name()))?;
        Ok(ExitCode::SUCCESS)
    }
}

const fn meaning(word: ServiceWord) -> &'static str {
    match word {
        ServiceWord::ServiceLinked => "linked with the app",
        ServiceWord::ServiceUnlinked => "no longer linked; sessions and tokens are void, profile and scopes are erased",
        ServiceWord::ServiceRestored => "earlier events were a mistake, linked and active",
        ServiceWord::ServiceErased => "erase everything up to then",
    }
}
