//! Kakao's enumerations are open: an unknown value survives a round trip.

/// Declares an enum of texts with an `Other` variant that keeps what is unknown. An unknown value
/// may hold anything, so `Debug` shows its length only.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A value that this version doesn't know, as received.
            Other(String),
        }

        impl $name {
            /// Every value that this version knows, as Kakao writes it.
            pub const KNOWN: &[&str] = &[$($text),+];

            /// The text as Kakao writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                match value {
                    $name::Other(text) => text,
                    known => known.as_str().to_owned(),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Self::Other(text) => write!(f, "Other({} bytes)", text.len()),
                    known => f.write_str(known.as_str()),
                }
            }
        }
    };
}

pub(crate) use open_enum;
