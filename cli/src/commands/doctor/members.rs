//! The stack's functions, as `template.yaml` has them.

use runtime::config::{AnswererAddress, ConfigError, Variables};

/// A function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Its binary.
    pub(super) name: &'static str,
    /// Its name in the template.
    pub(super) logical_id: &'static str,
    /// Whether it answers Kakao.
    pub(super) acknowledges: bool,
    /// What it reads when it starts.
    reads: &'static [Setting],
}

/// Something that a function reads when it starts, and doesn't start without.
#[derive(Clone, Copy, Debug)]
enum Setting {
    Apps,
    Sources,
    Queue,
    Table,
    Retention,
    QuarantineDays,
    Keys,
    Typing,
    SkillAuth,
    SkillAnswer,
    Asking,
    Answering,
    Bus,
    ProfileValues,
    Delivery,
    Reconciling,
}

use Setting::{
    Answering, Apps, Asking, Bus, Delivery, Keys, ProfileValues, QuarantineDays, Queue, Reconciling, Retention,
    SkillAnswer, SkillAuth, Sources, Table, Typing,
};

/// Those of every stack.
pub(super) const MEMBERS: [Member; 9] = [
    acknowledging("unlink", "UnlinkFunction", &[Apps, Sources, Queue, Table]),
    acknowledging("account-status", "AccountStatusFunction", &[Apps, Sources, Queue, Table, Keys, Typing]),
    acknowledging("talk-share", "TalkShareFunction", &[Apps, Sources, Queue, Table]),
    acknowledging("talk-channel", "TalkChannelFunction", &[Apps, Sources, Queue, Table]),
    acknowledging("skill", "SkillFunction", &[Apps, Sources, Queue, Table, SkillAuth, SkillAnswer, Asking]),
    behind("processor", "ProcessorFunction", &[Table, Retention]),
    behind("janitor", "JanitorFunction", &[Queue, Table, Keys, QuarantineDays]),
    behind("publisher", "PublisherFunction", &[Bus, ProfileValues]),
    behind("recorder", "RecorderFunction", &[Table, Retention]),
];

/// Those that a stack has only by a parameter.
pub(super) const OPTIONAL: [Member; 3] = [
    behind("deliverer", "DelivererFunction", &[Delivery]),
    behind(RECONCILER, "ReconcilerFunction", &[Queue, Table, Reconciling]),
    behind("answerer", "AnswererFunction", &[Table, Answering]),
];

/// The function that compares the states with Kakao's list of members.
pub(super) const RECONCILER: &str = "reconciler";

/// All that a stack may have.
pub(super) fn all_members() -> impl Iterator<Item = Member> {
    MEMBERS.into_iter().chain(OPTIONAL)
}

const fn acknowledging(name: &'static str, logical_id: &'static str, reads: &'static [Setting]) -> Member {
    Member { name, logical_id, acknowledges: true, reads }
}

const fn behind(name: &'static str, logical_id: &'static str, reads: &'static [Setting]) -> Member {
    Member { name, logical_id, acknowledges: false, reads }
}

/// Those that answer Kakao.
pub(super) fn acknowledging_members() -> impl Iterator<Item = Member> {
    MEMBERS.into_iter().filter(|member| member.acknowledges)
}

impl Member {
    /// The first that it would not start with.
    ///
    /// # Errors
    /// The library's own word, which shows no value.
    pub(super) fn would_start(self, variables: &Variables<'_>) -> Result<(), ConfigError> {
        self.reads.iter().try_for_each(|setting| match setting {
            Apps => variables.apps().map(drop),
            Sources => variables.sources().map(drop),
            Queue => variables.event_queue_url().map(drop),
            Table => variables.table_name().map(drop),
            Retention => variables.retention().map(drop),
            QuarantineDays => variables.quarantine_days().map(drop),
            Keys => variables.key_endpoint().map(drop),
            Typing => variables.typing().map(drop),
            SkillAuth => variables.skill_auth().map(drop),
            SkillAnswer => variables.skill_rules().map(drop),
            Asking => variables.asking().and_then(|_| variables.callback_origin().map(drop)),
            Answering => {
                variables.answer_queue_url()?;
                variables.callback_origin()?;
                match variables.skill_answerer()? {
                    AnswererAddress::Lambda(_) => Ok(()),
                    AnswererAddress::Https(_) => variables.skill_answerer_secret().map(drop),
                }
            }
            Bus => variables.event_bus_name().map(drop),
            ProfileValues => variables.profile_values().map(drop),
            Delivery => {
                let url = variables.delivery_url().map(drop);
                let queue = url.and_then(|()| variables.delivery_queue_url().map(drop));
                let secret = queue.and_then(|()| variables.delivery_secret().map(drop));
                secret.and_then(|()| variables.retention().map(drop))
            }
            Reconciling => {
                let keys = variables.kakao_reader_keys().map(drop);
                let url = keys.and_then(|()| variables.kakao_api_url().map(drop));
                let most = url.and_then(|()| variables.reconcile_max_unlinks().map(drop));
                most.and_then(|()| variables.reconcile_at().map(drop))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_templates_functions_are_all_of_them() {
        let template = include_str!("../../../../template.yaml");
        let mut lines = template.lines().peekable();
        let mut found = BTreeSet::new();
        while let Some(line) = lines.next() {
            if lines.peek().is_some_and(|next| next.trim() == "Type: AWS::Serverless::Function") {
                found.insert(line.trim().trim_end_matches(':').to_owned());
            }
        }
        assert_eq!(found, all_members().map(|member| member.logical_id.to_owned()).collect());
        for member in all_members() {
            assert!(template.contains(&format!("Binary: {} }}", member.name)), "{}", member.name);
        }
    }

    #[test]
    fn those_by_parameter_have_a_condition_in_the_template() {
        let template = include_str!("../../../../template.yaml");
        let head = |member: Member| format!("\n  {}:\n    Type: AWS::Serverless::Function\n", member.logical_id);
        let is_conditional = |member| template.contains(&format!("{}    Condition: ", head(member)));
        assert!(OPTIONAL.into_iter().all(is_conditional) && !MEMBERS.into_iter().any(is_conditional));
    }

    #[test]
    fn an_answerer_at_a_url_does_not_start_without_its_secret() {
        let answerer = OPTIONAL.into_iter().find(|member| member.name == "answerer").unwrap();
        let with = |url: &'static str| {
            answerer.would_start(&Variables::new(move |name| match name {
                "TABLE_NAME" => Some("t".to_owned()),
                "ANSWER_QUEUE_URL" => Some("https://sqs.example.com/1/answers".to_owned()),
                "SKILL_ANSWERER" => Some(url.to_owned()),
                _ => None,
            }))
        };
        assert_eq!(with("https://example.com/answer").unwrap_err().variable, "SKILL_ANSWERER_SECRET");
        assert!(with("arn:aws:lambda:ap-northeast-2:123456789012:function:answers").is_ok());
    }

    #[test]
    fn the_acknowledging_functions_need_apps_and_a_queue() {
        let nothing = Variables::new(|_| None);
        for member in acknowledging_members() {
            assert_eq!(member.would_start(&nothing).unwrap_err().variable, "KAKAO_APPS", "{}", member.name);
        }
        assert_eq!(acknowledging_members().count(), 5);
    }
}
