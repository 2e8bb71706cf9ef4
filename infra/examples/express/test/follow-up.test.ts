/** Signed requests over HTTP against the real app and an SQLite database. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, beforeEach, test } from "node:test";

import { Webhook } from "standardwebhooks";

import { createApp } from "../src/app.js";
import type { Change } from "../src/follow-up.js";
import { Memory } from "./memory.js";

const SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cyBhbG9uZSE=";
const USER = { app_id: "123456", user_id: "18446744073709551557" };
const AT = Date.parse("2026-03-01T00:00:10.000Z");
const UNTIL = { erased_until: written(AT) };

let memory: Memory;
let server: Server | undefined;

beforeEach(async () => {
  server?.close();
  memory = new Memory();
  const app = createApp(memory, SECRET).set("env", "test"); // Express logs no stack.
  server = createServer(app);
  await new Promise<void>((listening) => server!.listen(0, "127.0.0.1", listening));
  await logIn(AT - 86_400_000);
});
after(() => server?.close());

function written(at: number): string {
  return new Date(at).toISOString();
}

function change(version: number, access: string, state: object = {}) {
  return {
    v: 2, id: `123456:18446744073709551557:${version}`, ...USER, version, written_at: written(AT), changed: ["access"],
    state: { ...USER, version, access, updated_at: written(AT), ...state },
  };
}

/** As the service does it: the member is active, the profile is fresh, a session begins. */
async function logIn(at: number): Promise<void> {
  await memory.run("insert or replace into member values (?, ?, true, 'Ryan', ?)", [USER.app_id, USER.user_id, at]);
  await memory.run("insert into session values (?, ?, ?, ?)", [written(at), USER.app_id, USER.user_id, at]);
}

interface Sending {
  type?: string;
  at?: number;
  headers?: (signature: string) => Record<string, string>;
}

async function deliver(data: { id: string; [name: string]: unknown }, { type = "user.changed", at = Date.now(), headers = () => ({}) }: Sending = {}) {
  const body = JSON.stringify({ type, timestamp: written(AT), data });
  const signature = new Webhook(SECRET).sign(data.id, new Date(at), body);
  const signed = { "webhook-id": data.id, "webhook-timestamp": `${Math.floor(at / 1000)}`, "webhook-signature": signature };
  const url = `http://127.0.0.1:${(server!.address() as AddressInfo).port}/kakao`;
  const all = { "content-type": "application/json", ...signed, ...headers(signature) };
  return (await fetch(url, { method: "POST", body, headers: all })).status;
}

function assertMember(access: string | undefined, sessions: number, active = true, nickname: string | null = "Ryan"): void {
  assert.deepEqual(memory.rows("select access from kakao_user"), access === undefined ? [] : [[access]]);
  assert.deepEqual(memory.rows("select count(*) from session"), [[sessions]]);
  assert.deepEqual(memory.rows("select active, nickname from member"), [[Number(active), nickname]]);
}

test("every change that is published is followed", async () => {
  const file = new URL("../../../published.json", import.meta.url);
  const published = JSON.parse(await readFile(file, "utf8")) as (Change & { id: string; [name: string]: unknown })[];
  for (const sample of published) assert.equal(await deliver(sample), 204, sample.id);
  const members = published.filter((sample) => sample.user_id !== undefined);
  const wanted = members.map(({ user_id, version, state }) => [user_id, version, state.access]);
  assert.deepEqual(memory.rows("select user_id, version, access from kakao_user order by version"), wanted);
});

test("a first change is kept and a newer one replaces it", async () => {
  assert.equal(await deliver(change(5, "allowed")), 204);
  assertMember("allowed", 1);
  assert.equal(await deliver(change(9, "blocked")), 204);
  assertMember("blocked", 0);
});

test("a duplicate and an older change are accepted without effect", async () => {
  await deliver(change(7, "gone", UNTIL));
  await deliver(change(8, "allowed", UNTIL));
  await logIn(AT + 3_600_000);
  for (const late of [change(7, "gone", UNTIL), change(8, "blocked"), change(1, "blocked")]) {
    assert.equal(await deliver(late), 204);
  }
  assertMember("allowed", 1);
});

test("gone ends sessions, deactivates and forgets the profile", async () => {
  assert.equal(await deliver(change(5, "gone", UNTIL)), 204);
  assertMember("gone", 0, false, null);
});

test("blocked ends sessions and forgets nothing", async () => {
  assert.equal(await deliver(change(5, "blocked")), 204);
  assertMember("blocked", 0);
});

test("a new link opens the door and keeps what is newer than the erasure", async () => {
  await deliver(change(5, "gone", UNTIL));
  assert.equal(await deliver(change(6, "allowed", UNTIL)), 204);
  assertMember("allowed", 0, false, null);
  await logIn(AT + 1);
  assert.equal(await deliver(change(7, "allowed", UNTIL)), 204);
  assertMember("allowed", 1);
});

test("a link that overtakes the unlink still ends sessions and forgets", async () => {
  assert.equal(await deliver(change(6, "allowed", { ...UNTIL, sessions_valid_from: written(AT) })), 204);
  assertMember("allowed", 0, true, null);
});

test("sessions of that second or before end and later ones stay", async () => {
  for (const at of [AT, AT + 999, AT + 1000]) await logIn(at);
  assert.equal(await deliver(change(5, "allowed", { sessions_valid_from: written(AT + 5) })), 204);
  assert.deepEqual(memory.rows("select id from session"), [["2026-03-01T00:00:11.000Z"]]);
});

test("what is not proven is refused", async () => {
  const gone = change(5, "gone");
  const wrong: [string, string][] = [["id", "1"], ["timestamp", "soon"]];
  for (const signature of ["", "none", "v1,", "v1,AAAA", "v2,AAAA"]) wrong.push(["signature", signature]);
  for (const [name, value] of wrong) {
    assert.equal(await deliver(gone, { headers: () => ({ [`webhook-${name}`]: value }) }), 401, `${name}: ${value}`);
  }
  for (const minutes of [-6, 6]) {
    assert.equal(await deliver(gone, { at: Date.now() + minutes * 60_000 }), 401, `${minutes} minutes`);
  }
  assertMember(undefined, 1);
});

test("while the secret rotates either signature will do", async () => {
  const headers = (signature: string) => ({ "webhook-signature": `v1,AAAA ${signature}` });
  assert.equal(await deliver(change(5, "gone"), { headers }), 204);
});

test("unknown members, types and values are ignored", async () => {
  assert.equal(await deliver({ ...change(5, "allowed", { moon: "full" }), changed: ["moon"], sun: 1 }), 204);
  assertMember("allowed", 1);
  assert.equal(await deliver(change(6, "gone"), { type: "user.sang" }), 204);
  assert.equal(await deliver(change(7, "puzzled")), 204);
  assertMember("puzzled", 1);
  const ofOpenId = { v: 2, id: "123456:abc:8", app_id: "123456", open_id: "abc", version: 8, state: {} };
  assert.equal(await deliver(ofOpenId), 204);
  assertMember("puzzled", 1);
});

test("what fails changes nothing and the next delivery does it all", async () => {
  const gone = change(5, "gone", UNTIL);
  memory.rows("alter table member rename to away");
  assert.equal(await deliver(gone), 500);
  memory.rows("alter table away rename to member");
  assertMember(undefined, 1);
  assert.equal(await deliver(gone), 204);
  assertMember("gone", 0, false, null);
});
