use super::StrictJsonError;

/// Why an authentic request's content could not be turned into an event. It is acknowledged and
/// quarantined with this reason; after a fix it can be replayed. The texts name fields, never
/// values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The body is not a JSON object of ours. Look at the quarantined payload: Kakao may have changed
    /// the format.
    #[error("the body can't be read: {0}")]
    Json(#[from] StrictJsonError),
    /// The body is text in no character set that we read.
    #[error("the body is not UTF-8")]
    Encoding,
    /// A field that must be exact, an id, is not UTF-8 or holds half a surrogate pair.
    #[error("the field `{0}` is not valid Unicode")]
    FieldEncoding(&'static str),
    /// A parameter occurs twice, so it is unknown which one counts.
    #[error("the field `{0}` is there twice")]
    Duplicate(String),
    /// A field without which the event can't be placed is not there.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A field is there, but not in a shape that we know.
    #[error("the field `{0}` has an unexpected shape")]
    Shape(&'static str),
    /// A field is a time of day in no time zone: which moment it means is unknown.
    #[error("the field `{0}` is a time with no time zone")]
    NoTimeZone(&'static str),
    /// A field is there that names something, but no name is in it.
    #[error("the field `{0}` is there, but names nothing")]
    NamesNothing(&'static str),
    /// The `app_id` in the content is not the app whose admin key (or token) came with it.
    #[error("the app_id in the content is not the app that the proof belongs to")]
    OtherApp,
    /// The token's members don't agree on whom it concerns.
    #[error("the members of the token don't name the same user")]
    OtherSubject,
    /// The event names no user. Look at its type: it may concern the app itself.
    #[error("the event names no user")]
    NoSubject,
    /// It concerns the stream of events itself, and no user: there is nothing to keep.
    #[error("the event is about the stream of events")]
    StreamEvent,
    /// It reports what happened after it was issued, by more than clocks differ.
    #[error("the time `toe` is too far after the time `iat`")]
    AfterIssue,
    /// Issued after its receipt, by more than clocks differ. Replay it later.
    #[error("the time `iat` is too far after the receipt")]
    FutureTime,
    /// More events in one token than we take from one delivery.
    #[error("more than {0} events in one token")]
    TooManyEvents(usize),
    /// A chatbot's request of another kind than a message: is this value a good one for a parameter?
    #[error("it is a parameter validation request, which is not an event")]
    ParameterValidation,
    /// A request of Kakao's new bot platform, another protocol. Connect the bot to a server of its own.
    #[error("it is a request of the new bot platform, which this version doesn't read; its content is not kept")]
    NewPlatform,
    /// A field is missing, and the query holds a second `?`: the URL registered at Kakao has a query of its own, to
    /// which Kakao appends another one.
    #[error("the field `{0}` is missing: the query holds a second `?`; register the URL without a query of its own")]
    GluedQuery(&'static str),
    /// Readable, but longer as an envelope than the queue accepts.
    #[error("the event is longer than the queue takes")]
    TooLong,
}

impl Unreadable {
    /// A short name for metrics and items: stable, without values.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Encoding | Self::FieldEncoding(_) => "encoding",
            Self::Duplicate(_) => "duplicate_field",
            Self::Missing(_) | Self::NamesNothing(_) => "missing_field",
            Self::Shape(_) | Self::NoTimeZone(_) => "field_shape",
            Self::OtherApp => "other_app",
            Self::OtherSubject => "other_subject",
            Self::NoSubject | Self::StreamEvent => "no_subject",
            Self::AfterIssue => "time_after_issue",
            Self::FutureTime => "future_time",
            Self::TooManyEvents(_) => "too_many_events",
            Self::ParameterValidation => "parameter_validation",
            Self::NewPlatform => "new_platform",
            Self::GluedQuery(_) => "glued_query",
            Self::TooLong => "too_long",
        }
    }

    /// Whether what came may be kept: not where it holds a token with which anyone could speak for the bot.
    #[must_use]
    pub const fn allows_payload(&self) -> bool {
        !matches!(self, Self::NewPlatform)
    }
}
