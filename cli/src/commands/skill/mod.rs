//! `khook skill rules`: the rules by which the chatbot answers.
//!
//! | module | what it does |
//! |---|---|
//! | `file` | a file of rules: what is wrong with it, and what stands out |
//! | `watch` | a file of rules that `khook dev` keeps in its table |
//! | `changes` | what differs between two documents |
//! | `check`, `put`, `show` | the subcommands |

mod changes;
mod check;
pub mod file;
mod put;
mod show;
pub mod watch;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{aws::target::StackTable, ui::output};

/// What is done with the chatbot.
#[derive(Debug, Subcommand)]
pub enum Skill {
    /// Check, store and show the rules by which the chatbot answers
    #[command(
        subcommand,
        after_help = "Examples:\n  khook skill rules check answers.json --try 영업시간\n  \
                      khook skill rules put answers.json --stack kakao-webhooks\n  \
                      khook skill rules show\n\n\
                      Permissions on AWS: dynamodb:GetItem, dynamodb:PutItem and dynamodb:DeleteItem on the table."
    )]
    Rules(Rules),
}

/// What is done with the rules.
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Check a file of rules against the form and every limit of Kakao's, without a network
    #[command(after_help = "All mistakes are listed with their places. Remarks are about what is allowed and hardly \
                            meant: a rule that can never fit, one whose reply group chat rooms don't take, or a member that Kakao \
                            doesn't know.\n\n\
                            The exit status is 0 if the file is in order, 1 if it has mistakes, 2 if it can't be \
                            read.\n\n\
                            Examples:\n  khook skill rules check answers.json\n  \
                            khook skill rules check answers.json --try '@봄 시간' --room --bot-name 봄\n  \
                            khook skill rules check answers.json --try 3월32일 --validation")]
    Check(Check),
    /// Store a file of rules, after a look at what changes; the chatbot uses them within 30 seconds
    #[command(after_help = "A file with mistakes is not stored.\n\n\
                            Examples:\n  khook skill rules put answers.json\n  \
                            khook skill rules put answers.json --stack kakao-webhooks --yes")]
    Put {
        /// The file
        file: PathBuf,
        /// Whose rules.
        #[command(flatten)]
        table: StackTable,
        /// Don't ask
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the stored rules, and when they were stored
    #[command(after_help = "Examples:\n  khook skill rules show\n  \
                            khook skill rules show --stack kakao-webhooks --json")]
    Show {
        /// Whose rules.
        #[command(flatten)]
        table: StackTable,
        /// Print JSON, with the document as it was stored
        #[arg(long)]
        json: bool,
    },
    /// Remove the stored rules: SkillAnswers (SKILL_ANSWERS) is used again
    #[command(after_help = "Example:\n  khook skill rules clear --stack kakao-webhooks")]
    Clear {
        /// Whose rules.
        #[command(flatten)]
        table: StackTable,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// A file, and a message to try on it.
#[derive(Debug, Args)]
pub struct Check {
    /// The file
    file: PathBuf,
    /// Show which rule fits a message with these words, and what it replies
    #[arg(long = "try", value_name = "WORDS")]
    words: Option<String>,
    /// Try the rules for parameter validations: the words are what the user wrote as the value
    #[arg(long, requires = "words", conflicts_with_all = ["block", "intent", "room"])]
    validation: bool,
    /// The bot's name, whose mention (`@name `) before the words is ignored
    #[arg(long, value_name = "NAME", requires = "words")]
    bot_name: Option<String>,
    /// The block's id or name in that message
    #[arg(long, value_name = "ID or NAME", requires = "words")]
    block: Option<String>,
    /// The intent's id or name in that message
    #[arg(long, value_name = "ID or NAME", requires = "words")]
    intent: Option<String>,
    /// That message is written in a group chat room
    #[arg(long, requires = "words")]
    room: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Skill {
    /// Runs it.
    ///
    /// # Errors
    /// A file that can't be read, no confirmation, or a table that can't be used.
    pub async fn run(self) -> Result<ExitCode> {
        let Self::Rules(rules) = self;
        match rules {
            Rules::Check(check) => output::or_unknown(check.run()),
            Rules::Put { file, table, yes, json } => put::put(&file, &table, yes, json).await,
            Rules::Show { table, json } => show::show(&table, json).await,
            Rules::Clear { table, yes } => put::clear(&table, yes).await,
        }
    }
}
