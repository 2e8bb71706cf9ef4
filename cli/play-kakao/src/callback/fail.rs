/// Declares what Kakao answers to a callback that it does not take: the message, and its cause.
macro_rules! fails {
    ($($variant:ident = $message:literal, $cause:literal);+ $(;)?) => {
        /// Why Kakao does not take what came to a callback URL.
        ///
        /// Source: Kakao business guide, "AI chatbot callback", table of the messages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CallbackFail {
            $(#[doc = $cause] $variant,)+
        }

        impl CallbackFail {
            /// Each.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The `message` of the answer.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)+
                }
            }
        }
    };
}

fails! {
    TestToken = "Invalid callback token for testing purposes", "The message was written in the bot test.";
    Token = "Invalid callback token", "The token was never issued, has expired, or was used.";
    UseCallback = "skill server settings are incorrect, use callback true",
        "The first answer had no `useCallback`, or has not reached Kakao yet.";
    BotId = "Invalid bot ID", "The URL names another bot.";
    Json = "Invalid json response", "The reply is not JSON.";
    SkillJson = "Invalid skill-json format", "The reply breaks a rule.";
    Internal501 = "Internal server error 501", "An error of Kakao's own.";
    Internal504 = "Internal server error 504", "A timeout of Kakao's own.";
    Internal505 = "Internal server error 505", "An error of Kakao's own.";
    Internal999 = "Internal server error 999", "An error of Kakao's own that has no other number.";
}
