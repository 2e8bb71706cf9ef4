//! Who sent it: nothing unproven gets past this module. An [`Unverified`] request gives away only what
//! proving needs; only a [`Verified`] one can be read.

mod apps;
mod digest;
mod kakao_ak;
mod key_set;
mod request;
mod skill_auth;
mod sources;
mod token;

pub use apps::{App, Apps, AppsError};
pub use digest::{Digest, InvalidDigest};
pub use kakao_ak::KeyFault;
pub use key_set::{KeyId, KeySet, KeySetError, PublicKey};
pub use request::{Unverified, Verified};
pub use skill_auth::{SkillAuth, SkillAuthError};
pub use sources::{SourceCheck, Sources, SourcesError, Unlisted};
pub use token::{Claims, NamedEvent, SignedToken, TokenRefusal, Typing, UnverifiedToken, VerifiedToken};
