//! The command line.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    changes::Changes,
    check::{self, Check},
    delivery::Delivery,
    demo::Demo,
    dev::Dev,
    dlq::Dlq,
    doctor::{self, Doctor},
    erasures::{self, Erasures},
    hash_key::HashKey,
    inbox::Inbox,
    ips::{self, Ips},
    kakao::Kakao,
    keys::Keys,
    publish::{self, Publish},
    quarantine::Quarantine,
    reconcile::Reconcile,
    send::Send,
    shell::{Completions, Man},
    skill::Skill,
    undelivered::Undelivered,
    user::User,
};

/// The operator's and developer's tool of kakao-webhooks
#[derive(Debug, Parser)]
#[command(version = version(), about, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The version, and for a release the commit that it was built from.
#[must_use]
pub fn version() -> &'static str {
    option_env!("KHOOK_BUILD").unwrap_or(concat!(env!("CARGO_PKG_VERSION"), " (not a release)"))
}

const EXAMPLES: &str = "\
Examples:
  khook demo                                 runs the service on this machine
  khook dev                                  the same until Ctrl-C, with logs
  khook send unlink --user 1234567890        simulates Kakao against it
  khook user show 123456 1234567890 --json   the resulting state
  khook check https://hooks.example.com/v1   what Kakao would find there
  khook doctor kakao-webhooks                what is wrong with a stack
  khook dlq list                             what could not be processed
  khook undelivered list                     what was not delivered
  khook reconcile status                     what webhooks missed
  khook erasures                             who left, and what is left of them
  khook skill rules check answers.json       what is wrong with answers
  khook delivery test                        whether signatures are verified
  khook hash-key < admin-key.txt             the digest for KakaoApps
  khook keys serve --rotate-every 60         a key set that rotates

In a clone of the project: `cargo demo`, `cargo dev` and `cargo khook <command>`.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole service on this machine, simulate Kakao against it, and show what changes
    #[command(after_help = "It builds the functions, sets up a local cloud in .local (which needs only Python \
                            3.11 or newer), deploys template.yaml and sends every webhook in every shape, forged \
                            requests and duplicates. The exit status is 0 if every result was as expected. Nothing \
                            keeps running.")]
    Demo(Demo),
    /// Run the whole service on this machine until Ctrl-C, and follow its logs
    #[command(after_help = "While it runs, `khook send`, `khook user` and the other commands use it by default.\n\n\
                            The console is a page on this machine that shows what comes, what it is answered and why, \
                            and where each event is. Its address is printed first; --open opens it.\n\n\
                            With --deliver-to, every change is posted to your receiver on this machine, signed. The \
                            secret is in the file that it prints, and stays the same.\n\n\
                            With --skill-rules, the chatbot answers by the rules in a file, and by the changed ones \
                            whenever it is saved.\n\n\
                            Examples:\n  khook dev --deliver-to http://localhost:8080/kakao\n  \
                            khook dev --skill-rules answers.json")]
    Dev(Dev),
    /// Simulate Kakao: send a webhook to the running `khook dev` or to any address
    #[command(
        subcommand,
        after_help = "Examples:\n  khook send unlink --user 1234567890 --as form\n  \
                                        khook send account-status --event user-linked --user 1234567890\n  \
                                        khook send skill --check --url https://hooks.example.com/v1\n\n\
                                        Keys are never arguments: use KAKAO_ADMIN_KEY, KAKAO_SKILL_KEY or a file. \
                                        `khook send <webhook> --help` has more."
    )]
    Send(Send),
    /// Check an address from outside, as Kakao sees it: every known mistake, and how to fix it
    #[command(after_help = check::EXAMPLES)]
    Check(Check),
    /// Check a deployed stack from outside and inside: what is wrong with it, and how to fix it
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(Doctor),
    /// Show a user's state and history, or send a service event about a user
    #[command(
        subcommand,
        after_help = "Examples:\n  khook user show 123456 1234567890\n  \
                                        khook user history 123456 1234567890 --stack kakao-webhooks --json"
    )]
    User(User),
    /// List, show, replay or drop authentic events that could not be used
    #[command(subcommand, after_help = "Examples:\n  khook quarantine list\n  khook quarantine replay --all")]
    Quarantine(Quarantine),
    /// List, show, replay or drop messages that the processor could not process
    #[command(
        subcommand,
        after_help = "Examples:\n  khook dlq list\n  khook dlq replay --all\n  \
                      khook dlq replay --all --stack kakao-webhooks\n\n\
                      Permissions on AWS: sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:DeleteMessage and \
                      sqs:GetQueueAttributes on the dead-letter queue; for a replay sqs:SendMessage on the event queue."
    )]
    Dlq(Dlq),
    /// List, show, replay or drop acknowledged events that the queue did not accept
    #[command(subcommand, after_help = "Examples:\n  khook inbox list\n  khook inbox replay --all")]
    Inbox(Inbox),
    /// List, show, replay or drop changes that the service's endpoint did not accept
    #[command(
        subcommand,
        after_help = "Examples:\n  khook undelivered list\n  khook undelivered replay --all\n\n\
                      Permissions on AWS: sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:DeleteMessage and \
                      sqs:GetQueueAttributes on the undelivered queue; for a replay sqs:SendMessage, and for the count of \
                      changes that are still being tried sqs:GetQueueAttributes, on the delivery queue."
    )]
    Undelivered(Undelivered),
    /// Make the secret that signs deliveries, or test the receiver of deliveries
    #[command(
        subcommand,
        after_help = "Examples:\n  khook delivery secret new\n  khook delivery test --stack kakao-webhooks"
    )]
    Delivery(Delivery),
    /// Print the changes that the running `khook dev` publishes
    #[command(subcommand, after_help = "Example:\n  khook changes tail")]
    Changes(Changes),
    /// List who left: when, by which event, when the service knew, and what is still held of them
    #[command(after_help = erasures::EXAMPLES)]
    Erasures(Erasures),
    /// Show the networks that Kakao publishes, and how SourceCidrs differs from them
    #[command(after_help = ips::EXAMPLES)]
    Ips(Ips),
    /// Publish users' states on the bus again, for a consumer that is new or has lost changes
    #[command(after_help = publish::EXAMPLES)]
    Publish(Publish),
    /// Compare the states with Kakao's own list of members: how far that is, start it, approve it, end it
    #[command(
        subcommand,
        after_help = "Examples:\n  khook reconcile status\n  khook reconcile diff 123456\n  \
                      khook reconcile run 123456 --wait\n\n\
                      Permissions on AWS: dynamodb:Query, dynamodb:GetItem and dynamodb:PutItem on the table; for `run` \
                      and `diff` also dynamodb:Scan and dynamodb:UpdateItem, which fill the roster."
    )]
    Reconcile(Reconcile),
    /// Check, store and show the rules by which the chatbot answers
    #[command(
        subcommand,
        after_help = "Examples:\n  khook skill rules check answers.json\n  \
                      khook skill rules put answers.json --stack kakao-webhooks"
    )]
    Skill(Skill),
    /// Ask Kakao's REST API by hand about members of an app
    #[command(
        subcommand,
        after_help = "The key comes from --key-file or a hidden prompt; it is never an argument. KAKAO_API_URL names \
                      another address of the API. Without both, an app that the running `khook dev` simulates is \
                      asked about there. These calls count for the app's quota.\n\n\
                      Examples:\n  khook kakao users 123456 --key-file key.txt --limit 10\n  \
                      khook kakao me 123456 1234567890\n  khook kakao scopes 123456 1234567890 --json"
    )]
    Kakao(Kakao),
    /// Print the SHA-256 of a key, for KakaoApps and SkillAuth
    #[command(after_help = "The key comes from a hidden prompt, or from standard input; never from the command \
                            line, where others could see it.\n\nExamples:\n  khook hash-key\n  \
                            khook hash-key < admin-key.txt\n  khook hash-key --any < skill-key.txt")]
    HashKey(HashKey),
    /// Simulate Kakao's keys: make them, publish their key set, rotate it
    #[command(
        subcommand,
        after_help = "Examples:\n  khook keys new --key-file keys.json\n  \
                                        khook keys serve --key-file keys.json --port 8765 --rotate-every 60"
    )]
    Keys(Keys),
    /// Print the script by which a shell completes khook's commands and options
    #[command(
        after_help = "Examples:\n  khook completions bash > ~/.local/share/bash-completion/completions/khook\n  \
                            khook completions zsh > ~/.zfunc/_khook"
    )]
    Completions(Completions),
    /// Write the manual pages of all commands into a folder
    #[command(hide = true)]
    Man(Man),
}

/// The arguments without a `--` right behind `dev` or `demo`. Behind cargo's own commands it separates the program's
/// options, so `cargo dev -- --deliver-to <url>` is typed; the alias has one already.
#[must_use]
pub fn without_separator(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if let [_, command, separator, ..] = arguments.as_slice()
        && (command == "dev" || command == "demo")
        && separator == "--"
    {
        arguments.remove(2);
    }
    arguments
}

impl Cli {
    /// Whether Ctrl-C is the normal way to end this command.
    #[must_use]
    pub const fn stays(&self) -> bool {
        match &self.command {
            Command::Dev(_) => true,
            Command::Keys(keys) => keys.stays(),
            Command::Changes(changes) => changes.stays(),
            _ => false,
        }
    }

    /// Whether this command starts processes of its own: a local cloud.
    #[must_use]
    pub const fn has_processes(&self) -> bool {
        matches!(&self.command, Command::Dev(_) | Command::Demo(_))
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Demo(demo) => demo.run().await,
            Command::Dev(dev) => dev.run().await,
            Command::Send(send) => send.run().await,
            Command::Check(check) => check.run().await,
            Command::Doctor(doctor) => doctor.run().await,
            Command::User(user) => user.run().await,
            Command::Quarantine(quarantine) => quarantine.run().await,
            Command::Dlq(dlq) => dlq.run().await,
            Command::Inbox(inbox) => inbox.run().await,
            Command::Undelivered(undelivered) => undelivered.run().await,
            Command::Delivery(delivery) => delivery.run().await,
            Command::Changes(changes) => changes.run().await,
            Command::Erasures(erasures) => erasures.run().await,
            Command::Ips(ips) => ips.run().await,
            Command::Publish(publish) => publish.run().await,
            Command::Skill(skill) => skill.run().await,
            Command::Kakao(kakao) => kakao.run().await,
            Command::Reconcile(reconcile) => reconcile.run().await,
            Command::HashKey(hash_key) => hash_key.run().await,
            Command::Keys(keys) => keys.run().await,
            Command::Completions(completions) => completions.run(Self::command()),
            Command::Man(man) => man.run(Self::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(command: &mut clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        found.push((path.clone(), command.render_long_help().to_string()));
        for inner in command.get_subcommands_mut() {
            all(inner, &path, found);
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_a_word_on_every_option() {
        let mut found = Vec::new();
        let mut command = Cli::command();
        command.build();
        all(&mut command, "", &mut found);
        assert_eq!(found.len(), 71);
        for (path, help) in found {
            assert!(help.contains("Usage:"), "{path}\n{help}");
        }
        let mut commands = vec![command];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn no_example_is_wider_than_a_terminal_of_80_columns() {
        let (mut commands, mut wide) = (vec![Cli::command()], vec![]);
        while let Some(command) = commands.pop() {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_wide = |line: &&str| line.starts_with("  ") && console::measure_text_width(line) > 79;
            wide.extend(text.lines().filter(is_wide).map(|line| format!("{}: {line}", command.get_name())));
            commands.extend(command.get_subcommands().cloned());
        }
        assert_eq!(wide, Vec::<String>::new());
    }

    #[test]
    fn no_paragraph_is_broken_where_a_terminal_of_80_columns_breaks_it_again() {
        let (mut commands, mut broken) = (vec![Cli::command()], vec![]);
        while let Some(command) = commands.pop() {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            broken.extend(lines.windows(2).filter_map(|pair| match *pair {
                [line, next] if console::measure_text_width(line) > 79 && !next.is_empty() => Some(line.to_owned()),
                _ => None,
            }));
            commands.extend(command.get_subcommands().cloned());
        }
        assert_eq!(broken, Vec::<String>::new());
    }

    #[test]
    fn no_command_takes_a_key_as_an_argument() {
        for line in [
            "khook quarantine replay",
            "khook quarantine drop a --all",
            "khook hash-key abc",
            "khook send unlink --user 1 --admin-key abc",
            "khook user show 1",
            "khook dlq replay",
            "khook dlq drop a --all",
            "khook dlq list --limit 0",
            "khook inbox drop",
            "khook undelivered replay",
            "khook undelivered drop a --all",
            "khook delivery test --secret whsec_abc",
            "khook delivery test --url http://a.example/",
            "khook delivery secret new whsec_abc",
            "khook dev --deliver-to http://a.example/",
            "khook changes tail --bus b",
            "khook ips --key abc",
            "khook ips abc",
            "khook check",
            "khook check https://a.example --admin-key abc",
            "khook check https://a.example --send",
            "khook check https://a.example --kind other",
            "khook doctor a b",
            "khook doctor a --key b",
            "khook publish",
            "khook publish --user 1",
            "khook publish --user 1 2 --since 2026-01-01T00:00:00Z",
            "khook publish --since yesterday",
            "khook reconcile",
            "khook kakao me 1",
            "khook kakao me 1 2 --key abc",
            "khook kakao users 1 --limit 101",
            "khook kakao users 1 2 --from 3",
            "khook kakao scopes 1",
            "khook reconcile run 123456 234567",
            "khook reconcile approve abc",
            "khook reconcile diff --wait",
            "khook skill rules",
            "khook skill rules put",
            "khook skill rules check answers.json --room",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
        for line in [
            "khook send talk-channel --event added --open-id abc",
            "khook send account-status --event user-linked --user 1 --forge kid --key f --kid k",
            "khook send account-status --event user-linked --user 1 --key f",
            "khook keys serve --port 1 --key-file f --rotate-every 1 --keep-old 0",
            "khook user history 1 2 --json --limit 3 --table t",
            "khook user unlink 1 2 --at 2026-01-01T00:00:00Z --yes --queue u",
            "khook quarantine replay a b",
            "khook quarantine drop --all --yes",
            "khook dlq replay a b --anyway --limit 5 --dead-letter-queue d --queue u",
            "khook inbox replay --all --limit 5 --table t --queue u",
            "khook undelivered replay a b --limit 5 --undelivered-queue d --delivery-queue u",
            "khook delivery test --url https://a.example/x --secret-file f --json",
            "khook dev --deliver-to http://localhost:8080/kakao",
            "khook changes tail",
            "khook publish --user 1 2 --table t --bus b --profile-values",
            "khook publish --since 2026-01-01T00:00:00Z --dry-run --yes",
            "khook check https://a.example/skill --skill-header x-k --skill-key-file f --send --json",
            "khook check https://a.example/x --kind unlink --admin-key-file f --header x-k",
            "khook kakao me 1 2 --key-file f --json",
            "khook kakao users 1 --from 2 --limit 100",
            "khook kakao users 1 2 3 4",
            "khook kakao scopes 1 2",
            "khook reconcile status --table t --json",
            "khook reconcile run 123456 --wait --yes --stack s",
            "khook reconcile diff --again --json --yes",
            "khook reconcile approve 123456 --yes",
            "khook reconcile cancel --yes",
            "khook doctor",
            "khook doctor stack --url https://a.example/v1 --json",
            "khook ips --key-file f --cidrs 192.0.2.0/24 --url http://127.0.0.1:1 --json",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
