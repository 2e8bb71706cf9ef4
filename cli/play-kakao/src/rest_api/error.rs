use serde_json::json;

use super::ApiAnswer;

/// Declares the errors of Kakao's REST API: the code, the HTTP status that it comes with, and the cause.
macro_rules! errors {
    ($($variant:ident = $code:literal / $status:literal, $cause:literal);+ $(;)?) => {
        /// An error of Kakao's REST API.
        ///
        /// Source: Kakao Developers, "REST API: Error code" and "Kakao Login: Error code".
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ApiError {
            $(#[doc = $cause] $variant,)+
        }

        impl ApiError {
            /// Each.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its `code`.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The HTTP status of its answer.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                }
            }

            /// Its cause.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self {
                    $(Self::$variant => $cause,)+
                }
            }
        }
    };
}

errors! {
    Internal = -1 / 400, "an error inside Kakao's server";
    Parameter = -2 / 400, "a required parameter is missing, or a value is wrong";
    NotEnabled = -3 / 403, "a setting is missing, or the key may not call this API";
    NoPermission = -5 / 403, "the app has no permission for this API";
    Maintenance = -7 / 400, "the service is under maintenance";
    Header = -8 / 400, "a header is wrong";
    OverQuota = -10 / 429, "the quota is exceeded";
    AppSuspended = -12 / 403, "the app or its owner's account is suspended";
    NotLinked = -101 / 400, "the user is not linked to the app";
    Dormant = -103 / 400, "the account is dormant or does not exist";
    Unauthorized = -401 / 401, "the key is wrong, or the caller's address is not on its list";
    Timeout = -603 / 400, "a timeout inside Kakao's server";
    PlatformMaintenance = -9798 / 400, "the whole platform is under maintenance";
}

impl ApiError {
    /// The answer, with the cause as its message.
    #[must_use]
    pub fn answer(self) -> ApiAnswer {
        self.with_message(self.cause())
    }

    /// The answer with this message.
    #[must_use]
    pub fn with_message(self, message: &str) -> ApiAnswer {
        ApiAnswer::json(self.status(), &json!({"msg": message, "code": self.code()}))
    }
}
