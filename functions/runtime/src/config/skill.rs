//! The chatbot: who may send its messages, and what it answers.

use std::sync::Arc;

use kakao_webhooks::{
    auth::SkillAuth,
    skill::{Echo, Fixed, Listed, Responder, RuleSet},
};

use super::{ConfigError, Variables, malformed};

impl Variables<'_> {
    /// `SKILL_AUTH`, which may be absent.
    ///
    /// # Errors
    /// There, but not what [`SkillAuth::from_json`] reads.
    pub fn skill_auth(&self) -> Result<Option<SkillAuth>, ConfigError> {
        let read = |text: String| SkillAuth::from_json(&text);
        self.get("SKILL_AUTH").map(read).transpose().map_err(|error| {
            malformed("SKILL_AUTH", &error, "Set it to the header's name and the digest that khook hash-key prints")
        })
    }

    /// The rules of `SKILL_ANSWERS`, a list of answers. None where it is absent.
    ///
    /// # Errors
    /// A list that can't be used, or an answer in it that Kakao wouldn't take.
    pub fn skill_rules(&self) -> Result<Arc<dyn RuleSet>, ConfigError> {
        const FIX: &str = r#"Set it to a JSON list such as [{"utterance":"영업시간","text":"10시부터 20시까지입니다.","quick_replies":["위치"]}]"#;
        let list = self.get("SKILL_ANSWERS").unwrap_or_else(|| "[]".to_owned());
        let listed = Listed::from_json(&list, Box::new(Echo));
        Ok(Arc::new(listed.map_err(|error| malformed("SKILL_ANSWERS", &error, FIX))?))
    }

    /// What the skill answers where no rule fits: `SKILL_TEXT`, or else the user's own words.
    #[must_use]
    pub fn skill_otherwise(&self) -> Box<dyn Responder> {
        match self.get("SKILL_TEXT") {
            Some(text) => Box::new(Fixed(text)),
            None => Box::new(Echo),
        }
    }
}
