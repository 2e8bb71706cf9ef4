use super::response::SkillResponse;
use crate::wire::skill::{SkillPayload, Validation, ValidationStatus};

/// The answers that stand written somewhere: rules that are in force. No network, no waiting.
pub trait RuleSet: Send + Sync {
    /// The answer of the first rule that fits a message, in a form that its place takes; `None` where none fits.
    fn answer(&self, payload: &SkillPayload) -> Option<SkillResponse>;

    /// The verdict of the first rule that fits a parameter's value; `None` where none fits.
    fn validate(&self, _validation: &Validation) -> Option<ValidationStatus> {
        None
    }
}
