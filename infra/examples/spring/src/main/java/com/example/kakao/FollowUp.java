package com.example.kakao;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Service;
import org.springframework.transaction.support.TransactionTemplate;

/** Does what Kakao asks for when a user changes. */
@Service
public class FollowUp {
    private static final String ADD_UNKNOWN = "insert into kakao_user (app_id, user_id, version, access)"
            + " values (?, ?, 0, 'allowed') on duplicate key update version = version";
    private final JdbcTemplate jdbc;
    private final TransactionTemplate transaction;
    private final Sessions sessions;

    public FollowUp(JdbcTemplate jdbc, TransactionTemplate transaction, Sessions sessions) {
        this.jdbc = jdbc;
        this.transaction = transaction;
        this.sessions = sessions;
    }

    /** Takes a newer state as the truth, all of it or nothing: what fails is delivered again. */
    public void follow(JsonNode change) {
        // A user whom only a channel knows, by open id: there is no member.
        if (!change.has("user_id")) return;
        transaction.execute(status -> {
            if (keepGreatest(change)) act(change);
            return null;
        });
    }

    /** What came of a login. BACK: the state still says gone. Without the account status webhook, send service-linked. */
    public enum Login { REFUSED, BEGUN, BACK }

    /**
     * For your login, behind Kakao's: reactivates the member, and begins the session where Kakao's word allows it.
     *
     * @param provenAt when Kakao proved the link: the ID token's iat, or the time before the code was exchanged
     */
    public Login logIn(String app, String user, Instant provenAt, Runnable beginSession) {
        return transaction.execute(status -> {
            Login login = judge(app, user, provenAt);
            if (login != Login.REFUSED) {
                jdbc.update("update kakao_user set proven_at = ? where app_id = ? and user_id = ? and coalesce(proven_at, 0) < ?",
                        millis(provenAt), app, user, millis(provenAt));
                jdbc.update("update member set active = true where app_id = ? and user_id = ?", app, user);
                beginSession.run();
            }
            return login;
        });
    }

    /** Locks the user's row, added if it is not there: a change that arrives now waits until the session has begun. */
    private Login judge(String app, String user, Instant provenAt) {
        jdbc.update(ADD_UNKNOWN, app, user);
        Map<String, Object> known = jdbc.queryForMap("select access, sessions_valid_from from kakao_user"
                + " where app_id = ? and user_id = ? for update", app, user);
        Long until = (Long) known.get("sessions_valid_from");
        boolean isVoid = until != null && isVoid(provenAt, Instant.ofEpochMilli(until));
        if (known.get("access").equals("blocked") || isVoid) return Login.REFUSED;
        return known.get("access").equals("gone") ? Login.BACK : Login.BEGUN;
    }

    /** The one rule: only a greater version is taken. The row stays locked until the transaction ends. */
    private boolean keepGreatest(JsonNode change) {
        String app = change.path("app_id").asText(), user = change.path("user_id").asText();
        long version = change.path("version").asLong();
        jdbc.update(ADD_UNKNOWN, app, user);
        return jdbc.update("update kakao_user set version = ?, access = ?, sessions_valid_from = ?"
                        + " where app_id = ? and user_id = ? and version < ?",
                version, change.path("state").path("access").asText(), millis(time(change, "sessions_valid_from")),
                app, user, version) == 1;
    }

    /** Acts on state, not on changed: what an ignored change named is in the state. */
    private void act(JsonNode change) {
        String app = change.path("app_id").asText(), user = change.path("user_id").asText();
        String access = change.path("state").path("access").asText();
        Instant erased = time(change, "erased_until"), until = time(change, "sessions_valid_from");
        if (erased != null) {
            jdbc.update("update member set nickname = null where app_id = ? and user_id = ? and profile_at <= ?",
                    app, user, millis(erased));
        }
        boolean isGone = access.equals("gone") && !isBack(app, user, until);
        if (isGone) {
            jdbc.update("update member set active = false where app_id = ? and user_id = ?", app, user);
        }
        // Redis is in no transaction with the database: last, and safe to do again.
        endSessions(user, isGone || access.equals("blocked") ? Instant.MAX : until);
    }

    /** Whether a login since has proved a new link: then the unlink is late, and ends only what is older. */
    private boolean isBack(String app, String user, Instant until) {
        Long proven = jdbc.queryForObject("select proven_at from kakao_user where app_id = ? and user_id = ?", Long.class, app, user);
        return proven != null && until != null && !isVoid(Instant.ofEpochMilli(proven), until);
    }

    /** Whether a login or session is of that second or before: it may be older than the unlink. */
    private static boolean isVoid(Instant begun, Instant until) {
        return !begun.truncatedTo(ChronoUnit.SECONDS).isAfter(until);
    }

    private void endSessions(String user, Instant until) {
        if (until == null) return;
        sessions.begun(user).forEach((id, begun) -> {
            if (isVoid(begun, until)) sessions.end(id);
        });
    }

    private static Instant time(JsonNode change, String name) {
        JsonNode time = change.path("state").path(name);
        return time.isTextual() ? Instant.parse(time.asText()) : null;
    }

    private static Long millis(Instant time) {
        return time == null ? null : time.toEpochMilli();
    }
}
