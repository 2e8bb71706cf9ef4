//! The stack's functions, as `template.yaml` has them.

use runtime::config::{ConfigError, Variables};

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
    Bus,
    ProfileValues,
    Delivery,
    Reconciling,
}

use Setting::{
    Apps, Bus, Delivery, Keys, ProfileValues, QuarantineDays, Queue, Reconciling, Retention, SkillAnswer, SkillAuth,
    Sources, Table, Typing,
};

/// Those of every stack.
pub(super) const MEMBERS: [Member; 8] = [
    acknowledging("unlink", "UnlinkFunction", &[Apps, Sources, Queue, Table]),
    acknowledging("account-status", "AccountStatusFunction", &[Apps, Sources, Queue, Table, Keys, Typing]),
    acknowledging("talk-share", "TalkShareFunction", &[Apps, Sources, Queue, Table]),
    acknowledging("talk-channel", "TalkChannelFunction", &[Apps, Sources, Queue, Table]),
    acknowledging("skill", "SkillFunction", &[Apps, Sources, Queue, Table, SkillAuth, SkillAnswer]),
    behind("processor", "ProcessorFunction", &[Table, Retention]),
    behind("janitor", "JanitorFunction", &[Queue, Table, Keys, QuarantineDays]),
    behind("publisher", "PublisherFunction", &[Bus, ProfileValues]),
];

/// Those that a stack has only by a parameter.
pub(super) const OPTIONAL: [Member; 2] = [
    behind("deliverer", "DelivererFunction", &[Delivery]),
    behind(RECONCILER, "ReconcilerFunction", &[Queue, Table, Reconciling]),
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
            Bus => variables.event_bus_name().map(drop),
            ProfileValues => variables.profile_values().map(drop),
            Delivery => {
                let url = variables.delivery_url().map(drop);
                let queue = url.and_then(|()| variables.delivery_queue_url().map(drop));
                queue.and_then(|()| variables.delivery_secret().map(drop))
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
    fn the_acknowledging_functions_need_apps_and_a_queue() {
        let nothing = Variables::new(|_| None);
        for member in acknowledging_members() {
            assert_eq!(member.would_start(&nothing).unwrap_err().variable, "KAKAO_APPS", "{}", member.name);
        }
        assert_eq!(acknowledging_members().count(), 5);
    }
}
