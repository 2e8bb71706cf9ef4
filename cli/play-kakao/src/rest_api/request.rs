use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
};

use serde_json::Value;

/// Declares the calls that are simulated: the method and the path of each, and whether its parameters are a form.
macro_rules! calls {
    ($($variant:ident = $method:literal $path:literal, $what:literal);+ $(;)?) => {
        /// A call of Kakao's REST API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ApiCall {
            $(#[doc = $what] $variant,)+
        }

        impl ApiCall {
            /// Each.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its method.
            #[must_use]
            pub const fn method(self) -> &'static str {
                match self {
                    $(Self::$variant => $method,)+
                }
            }

            /// Its path.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$variant => $path,)+
                }
            }
        }
    };
}

calls! {
    UserIds = "GET" "/v1/user/ids", "The list of an app's members.";
    AppUsers = "GET" "/v2/app/users", "Several members at once.";
    UserMe = "GET" "/v2/user/me", "One member.";
    UserScopes = "GET" "/v2/user/scopes", "What a member agrees to.";
    Unlink = "POST" "/v1/user/unlink", "Ends a member's link.";
    SystemIps = "GET" "/v1/system/ips", "The addresses that Kakao calls from.";
}

impl ApiCall {
    /// The call that this path stands for.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.iter().find(|call| call.path() == path).copied()
    }
}

/// A request to the API, as it arrives.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query of a GET, or the form of a POST (`application/x-www-form-urlencoded`).
    pub parameters: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// Where it comes from.
    pub caller: IpAddr,
}

impl ApiRequest {
    /// A well-formed request from loopback: the call, the admin key and the parameters.
    #[must_use]
    pub fn new(call: ApiCall, admin_key: &str, parameters: &[(&str, &str)]) -> Self {
        Self {
            method: call.method().to_owned(),
            path: call.path().to_owned(),
            parameters: form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish(),
            authorization: Some(format!("KakaoAK {admin_key}")),
            caller: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// The admin key that it names.
    pub(super) fn admin_key(&self) -> Option<&str> {
        self.authorization.as_deref()?.strip_prefix("KakaoAK ")
    }

    /// The parameter of this name; the first if there are several.
    pub(super) fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.parameters.as_bytes()).find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The parameter as a member number: the API knows them as 64-bit integers with a sign.
    pub(super) fn id(&self, name: &str) -> Option<u64> {
        self.parameter(name)?.parse().ok().and_then(|id: i64| id.try_into().ok())
    }

    /// The member numbers of a JSON array.
    pub(super) fn ids(&self, name: &str) -> Option<Vec<u64>> {
        self.array(name)?.iter().map(Value::as_u64).collect()
    }

    /// The texts of a JSON array.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.array(name)?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    }

    fn array(&self, name: &str) -> Option<Vec<Value>> {
        serde_json::from_str(&self.parameter(name)?).ok()
    }
}
