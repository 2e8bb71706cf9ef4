/** Does what Kakao asks for when a user changes. Works on any SQL database that has transactions. */

export interface Sql {
  /** Runs one statement with `$1`, `$2`, … and returns how many rows it changed. */
  run(statement: string, values: (string | number | boolean)[]): Promise<number>;
}

export interface Database {
  /** All of `work` or nothing. */
  transaction(work: (sql: Sql) => Promise<void>): Promise<void>;
}

/** The members that are used here of the `detail` in infra/schemas/user-changed.json. */
export interface Change {
  app_id: string;
  user_id?: string;
  version: number;
  state: { access?: string; sessions_valid_from?: string; erased_until?: string };
}

export const SCHEMA = `
  create table kakao_user (app_id varchar(20), user_id varchar(20), version bigint not null, access varchar(16) not null,
                           sessions_valid_from bigint not null, primary key (app_id, user_id));
  create table member (app_id varchar(20), user_id varchar(20), active boolean not null, nickname varchar(80),
                       profile_at bigint not null, primary key (app_id, user_id));
  create table session (id varchar(40) primary key, app_id varchar(20), user_id varchar(20), started_at bigint not null)`;

const ADD_UNKNOWN = `insert into kakao_user (app_id, user_id, version, access, sessions_valid_from)
                     values ($1, $2, 0, 'allowed', 0) on conflict do nothing`;
// The one rule: only a greater version is taken. The row stays locked until the transaction ends.
const KEEP_GREATEST = `update kakao_user set version = $1, access = $2, sessions_valid_from = $3
                       where app_id = $4 and user_id = $5 and version < $1`;
const END_SESSIONS = "delete from session where app_id = $1 and user_id = $2 and ($3 or started_at <= $4)";
const FORGET_PROFILE = "update member set nickname = null where app_id = $1 and user_id = $2 and profile_at <= $3";
const DEACTIVATE = "update member set active = false where app_id = $1 and user_id = $2";

/** Takes a newer state as the truth. Acts on `state`, not on `changed`: what an ignored change named is in it. */
export async function follow(sql: Sql, { app_id, user_id, version, state }: Change): Promise<void> {
  // A user whom only a channel knows, by open id: there is no member.
  if (user_id === undefined || state.access === undefined) return;
  // Whatever began in that second or before is void.
  const voidUntil = Math.floor(millis(state.sessions_valid_from) / 1000) * 1000 + 999;
  const shut = ["blocked", "gone"].includes(state.access);

  await sql.run(ADD_UNKNOWN, [app_id, user_id]);
  const newer = await sql.run(KEEP_GREATEST, [version, state.access, voidUntil, app_id, user_id]);
  if (newer === 0) return;
  await sql.run(END_SESSIONS, [app_id, user_id, shut, voidUntil]);
  await sql.run(FORGET_PROFILE, [app_id, user_id, millis(state.erased_until)]);
  if (state.access === "gone") await sql.run(DEACTIVATE, [app_id, user_id]);
}

const millis = (time?: string): number => (time === undefined ? 0 : Date.parse(time));
