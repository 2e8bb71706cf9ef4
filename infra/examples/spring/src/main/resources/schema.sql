create table if not exists kakao_user (
    app_id varchar(20) not null,
    user_id varchar(20) not null, -- The member number has up to 64 bits, unsigned.
    version bigint not null,
    access varchar(16) not null,
    sessions_valid_from bigint, -- Milliseconds since 1970, as in all columns of times.
    proven_at bigint, -- When a login here last proved the link. Null: no login since the installation.
    primary key (app_id, user_id)
);
create table if not exists member (
    app_id varchar(20) not null,
    user_id varchar(20) not null,
    active boolean not null,
    nickname varchar(80),
    profile_at bigint not null, -- When the profile was fetched from Kakao.
    primary key (app_id, user_id)
);
