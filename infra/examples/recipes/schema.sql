-- Times are milliseconds since 1970 in UTC. A member number has up to 64 bits: keep it as text.

create table member (
    id integer primary key,              -- Your own user id. It appears nowhere at Kakao.
    password_hash varchar(100),          -- Null: the member logs in with Kakao only.
    nickname varchar(80),                -- What the member wrote in your service.
    marketing boolean not null default false,  -- Consent to advertising, which Kakao does not know.
    left_at bigint,                      -- The mark of a member who left. Stays when the item has expired.
    purged_at bigint                     -- Emptied then. The row stays for orders and invoices.
);

-- Own user id and member number. One person has another member number in each Kakao app.
create table kakao_identity (
    app_id varchar(20) not null,
    user_id varchar(20) not null,
    member_id integer not null references member (id),
    email varchar(200),                  -- What Kakao gave at the login at proven_at.
    proven_at bigint not null,           -- When Kakao last proved that this member is linked.
    primary key (app_id, user_id),
    unique (app_id, member_id)
);

-- The last state that was taken, for members and other users alike: the one rule needs its version.
create table kakao_user (
    app_id varchar(20) not null,
    user_id varchar(20) not null,
    version bigint not null,
    access varchar(16) not null,
    linked_at bigint,                    -- The link's time while it is linked, else null.
    gone_at bigint,                      -- Since when access is gone, else null.
    primary key (app_id, user_id)
);

create table kakao_consent (
    app_id varchar(20) not null,
    user_id varchar(20) not null,
    scope varchar(80) not null,
    granted boolean not null,
    at bigint not null,
    primary key (app_id, user_id, scope)
);

create table channel_friend (
    app_id varchar(20) not null,
    id_type varchar(8) not null,         -- user_id, or open_id of a user who did not consent.
    id varchar(80) not null,
    channel varchar(80) not null,
    status varchar(16) not null,
    at bigint not null,
    primary key (app_id, id_type, id, channel)
);

create table session (
    id varchar(40) primary key,
    member_id integer not null references member (id),
    app_id varchar(20),                  -- The Kakao app of the login. Null: by password.
    started_at bigint not null
);

-- Members whom the service unlinks at Kakao, until Kakao has answered.
create table pending_unlink (
    app_id varchar(20) not null,
    user_id varchar(20) not null,
    proven_at bigint not null,           -- As in kakao_identity, whose row may be deleted before Kakao answers.
    primary key (app_id, user_id)
);

-- Service events on their way to EventQueueUrl, written in the transaction that makes them true.
create table outbox (
    id varchar(40) primary key,
    type varchar(20) not null,
    app_id varchar(20) not null,
    user_id varchar(20) not null,
    at bigint not null
);
