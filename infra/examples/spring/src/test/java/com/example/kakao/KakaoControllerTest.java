package com.example.kakao;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.web.servlet.MockMvc;

/** Signed requests against the real controller, H2 as MySQL, and sessions in memory. */
class KakaoControllerTest {
    private static final byte[] KEY = "secret of the tests alone!".getBytes(StandardCharsets.UTF_8);
    private static final String SECRET = "whsec_" + Base64.getEncoder().encodeToString(KEY);
    private static final String USER = "18446744073709551557";
    private static final Instant AT = Instant.parse("2026-03-01T00:00:10.000Z");
    private static final Map<String, Object> UNTIL = Map.of("erased_until", AT.toString());
    private static final Map<String, Object> UNLINKED = Map.of("erased_until", AT.toString(), "sessions_valid_from", AT.toString());
    private static int databases;

    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, Instant> begun = new TreeMap<>();
    private boolean redisFails;
    private JdbcTemplate jdbc;
    private FollowUp followUp;
    private MockMvc http;

    @BeforeEach
    void start() throws Exception {
        jdbc = LocalServer.database("test" + ++databases);
        followUp = LocalServer.followUp(jdbc, new InMemory());
        http = LocalServer.dispatcher(followUp, SECRET);
        logIn(AT.minusSeconds(86_400));
    }

    private final class InMemory implements Sessions {
        @Override
        public Map<String, Instant> begun(String userId) {
            return userId.equals(USER) ? Map.copyOf(begun) : Map.of();
        }

        @Override
        public void end(String sessionId) {
            if (redisFails) throw new IllegalStateException("Redis is away");
            begun.remove(sessionId);
        }
    }

    /** As the service does it: the member is active, the profile is fresh, a session begins. */
    private void logIn(Instant at) {
        jdbc.update("replace into member values ('123456', ?, true, 'Ryan', ?)", USER, at.toEpochMilli());
        begun.put(at.toString(), at);
    }

    /** As the service's login does it, with the example's statements. */
    private FollowUp.Login logInAgain(Instant provenAt) {
        return followUp.logIn("123456", USER, provenAt, () -> begun.put(provenAt.toString(), provenAt));
    }

    private Map<String, Object> change(long version, String access, Map<String, Object> more) {
        Map<String, Object> state = new HashMap<>(Map.of("access", access, "version", version));
        state.put("user_id", USER);
        state.putAll(more);
        return Map.of("v", 2, "id", "123456:" + USER + ":" + version, "app_id", "123456", "user_id", USER,
                "version", version, "written_at", AT.toString(), "changed", List.of("access"), "state", state);
    }

    private Map<String, Object> change(long version, String access) {
        return change(version, access, Map.of());
    }

    private static String sign(String id, long timestamp, String body) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        byte[] signature = mac.doFinal((id + "." + timestamp + "." + body).getBytes(StandardCharsets.UTF_8));
        return "v1," + Base64.getEncoder().encodeToString(signature);
    }

    private int deliver(Map<String, Object> data) throws Exception {
        return deliver("user.changed", data, Instant.now(), Map.of());
    }

    private int deliver(String type, Map<String, Object> data, Instant at, Map<String, String> wrong) throws Exception {
        String id = data.get("id").toString();
        String body = json.writeValueAsString(Map.of("type", type, "timestamp", AT.toString(), "data", data));
        Map<String, String> headers = new HashMap<>();
        headers.put("webhook-id", id);
        headers.put("webhook-timestamp", Long.toString(at.getEpochSecond()));
        headers.put("webhook-signature", sign(id, at.getEpochSecond(), body));
        headers.replaceAll((name, right) -> wrong.getOrDefault(name, right).replace("<right>", right));
        var request = post("/kakao").header("content-type", "application/json").content(body);
        headers.forEach(request::header);
        return http.perform(request).andReturn().getResponse().getStatus();
    }

    private void assertMember(String access, int sessions, boolean active, String nickname) {
        List<String> known = jdbc.queryForList("select access from kakao_user", String.class);
        assertEquals(access == null ? List.of() : List.of(access), known);
        assertEquals(sessions, begun.size());
        Map<String, Object> member = jdbc.queryForMap("select active, nickname from member");
        assertEquals(active, member.get("active"));
        assertEquals(nickname, member.get("nickname"));
    }

    @Test
    void every_change_that_is_published_is_followed() throws Exception {
        List<String> wanted = new ArrayList<>();
        for (JsonNode sample : json.readTree(Path.of("../published.json").toFile())) {
            assertEquals(204, deliver(json.convertValue(sample, new TypeReference<Map<String, Object>>() {})));
            if (sample.has("user_id")) wanted.add(sample.get("user_id").asText() + sample.get("version") + sample.get("state").get("access").asText());
        }
        assertTrue(wanted.size() > 10);
        assertEquals(wanted, jdbc.queryForList("select concat(user_id, version, access) from kakao_user order by version", String.class));
    }

    @Test
    void a_first_change_is_kept_and_a_newer_one_replaces_it() throws Exception {
        assertEquals(204, deliver(change(5, "allowed")));
        assertMember("allowed", 1, true, "Ryan");
        assertEquals(204, deliver(change(9, "blocked")));
        assertMember("blocked", 0, true, "Ryan");
    }

    @Test
    void a_duplicate_and_an_older_change_are_accepted_without_effect() throws Exception {
        deliver(change(7, "gone", UNTIL));
        deliver(change(8, "allowed", UNTIL));
        logIn(AT.plusSeconds(3_600));
        for (var late : List.of(change(7, "gone", UNTIL), change(8, "blocked"), change(1, "blocked"))) {
            assertEquals(204, deliver(late));
        }
        assertMember("allowed", 1, true, "Ryan");
    }

    @Test
    void gone_ends_sessions_deactivates_and_forgets_the_profile() throws Exception {
        assertEquals(204, deliver(change(5, "gone", UNTIL)));
        assertMember("gone", 0, false, null);
    }

    @Test
    void blocked_ends_sessions_and_forgets_nothing() throws Exception {
        assertEquals(204, deliver(change(5, "blocked")));
        assertMember("blocked", 0, true, "Ryan");
    }

    @Test
    void a_new_link_opens_the_door_and_keeps_what_is_newer_than_the_erasure() throws Exception {
        deliver(change(5, "gone", UNTIL));
        assertEquals(204, deliver(change(6, "allowed", UNTIL)));
        assertMember("allowed", 0, false, null);
        logIn(AT.plusMillis(1));
        assertEquals(204, deliver(change(7, "allowed", UNTIL)));
        assertMember("allowed", 1, true, "Ryan");
    }

    @Test
    void a_link_that_overtakes_the_unlink_still_ends_sessions_and_forgets() throws Exception {
        Map<String, Object> until = Map.of("erased_until", AT.toString(), "sessions_valid_from", AT.toString());
        assertEquals(204, deliver(change(6, "allowed", until)));
        assertMember("allowed", 0, true, null);
    }

    @Test
    void sessions_of_that_second_or_before_end_and_later_ones_stay() throws Exception {
        for (Instant at : List.of(AT, AT.plusMillis(999), AT.plusSeconds(1))) logIn(at);
        assertEquals(204, deliver(change(5, "allowed", Map.of("sessions_valid_from", AT.plusMillis(5).toString()))));
        assertEquals(List.of(AT.plusSeconds(1)), new ArrayList<>(begun.values()));
    }

    @Test
    void a_login_reactivates_a_member_who_is_back_and_a_change_does_not() throws Exception {
        deliver(change(5, "gone", UNLINKED));
        deliver(change(6, "allowed", UNLINKED));
        assertMember("allowed", 0, false, null);
        assertEquals(FollowUp.Login.BEGUN, logInAgain(AT.plusSeconds(1)));
        assertMember("allowed", 1, true, null);
    }

    @Test
    void a_login_that_is_newer_than_the_unlink_is_let_in_although_no_webhook_says_so() throws Exception {
        deliver(change(5, "gone", UNLINKED));
        for (Instant at : List.of(AT.minusSeconds(60), AT, AT.plusMillis(999))) {
            assertEquals(FollowUp.Login.REFUSED, logInAgain(at));
        }
        assertMember("gone", 0, false, null);
        assertEquals(FollowUp.Login.BACK, logInAgain(AT.plusSeconds(1)));
        assertMember("gone", 1, true, null);
    }

    @Test
    void an_unlink_that_arrives_after_a_new_login_ends_only_what_is_older() throws Exception {
        assertEquals(FollowUp.Login.BEGUN, logInAgain(AT.plusSeconds(1)));
        assertEquals(204, deliver(change(5, "gone", UNLINKED)));
        assertMember("gone", 1, true, null);
        assertEquals(List.of(AT.plusSeconds(1)), new ArrayList<>(begun.values()));
        Map<String, Object> again = Map.of("erased_until", AT.toString(), "sessions_valid_from", AT.plusSeconds(1).toString());
        assertEquals(204, deliver(change(6, "gone", again)));
        assertMember("gone", 0, false, null);
    }

    @Test
    void a_login_of_the_second_of_the_unlink_does_not_outlive_it() throws Exception {
        assertEquals(FollowUp.Login.BEGUN, logInAgain(AT.plusMillis(999)));
        assertEquals(204, deliver(change(5, "gone", UNLINKED)));
        assertMember("gone", 0, false, null);
    }

    @Test
    void no_login_is_let_in_while_the_account_is_disabled() throws Exception {
        deliver(change(5, "blocked"));
        assertEquals(FollowUp.Login.REFUSED, logInAgain(AT.plusSeconds(3_600)));
        assertMember("blocked", 0, true, "Ryan");
    }

    @Test
    void a_first_login_needs_no_change_and_one_whose_session_fails_changes_nothing() throws Exception {
        assertEquals(FollowUp.Login.BEGUN, logInAgain(AT));
        deliver(change(5, "gone", UNLINKED));
        Runnable fails = () -> { throw new IllegalStateException("Redis is away"); };
        assertThrows(IllegalStateException.class, () -> followUp.logIn("123456", USER, AT.plusSeconds(1), fails));
        assertMember("gone", 0, false, null);
    }

    @Test
    void what_is_not_proven_is_refused() throws Exception {
        List<Map<String, String>> wrong = new ArrayList<>();
        for (String signature : List.of("", "none", "v1,", "v1,AAAA", "v2,AAAA")) wrong.add(Map.of("webhook-signature", signature));
        for (String timestamp : List.of("", "soon", "-1", "9".repeat(40))) wrong.add(Map.of("webhook-timestamp", timestamp));
        wrong.add(Map.of("webhook-id", "1"));
        for (var headers : wrong) {
            assertEquals(401, deliver("user.changed", change(5, "gone"), Instant.now(), headers), headers::toString);
        }
        for (long seconds : List.of(-360L, 360L)) {
            assertEquals(401, deliver("user.changed", change(5, "gone"), Instant.now().plusSeconds(seconds), Map.of()));
        }
        assertEquals(401, http.perform(post("/kakao").content("{}")).andReturn().getResponse().getStatus());
        assertMember(null, 1, true, "Ryan");
    }

    @Test
    void while_the_secret_rotates_either_signature_will_do() throws Exception {
        Map<String, String> both = Map.of("webhook-signature", "v1,AAAA <right>");
        assertEquals(204, deliver("user.changed", change(5, "gone"), Instant.now(), both));
    }

    /** Made by the Python library `standardwebhooks`. */
    @Test
    void a_signature_of_another_implementation_is_accepted() {
        Signature signature = new Signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        byte[] body = "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8);
        String sent = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        Instant at = Instant.ofEpochSecond(1_614_265_330);
        assertTrue(signature.proves("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", sent, body, at));
    }

    @Test
    void unknown_members_types_and_values_are_ignored() throws Exception {
        Map<String, Object> strange = new HashMap<>(change(5, "allowed", Map.of("moon", "full")));
        strange.putAll(Map.of("changed", List.of("moon"), "sun", 1));
        assertEquals(204, deliver(strange));
        assertMember("allowed", 1, true, "Ryan");
        assertEquals(204, deliver("user.sang", change(6, "gone"), Instant.now(), Map.of()));
        assertEquals(204, deliver(change(7, "puzzled")));
        assertMember("puzzled", 1, true, "Ryan");
        assertEquals(204, deliver(Map.of("v", 2, "id", "123456:abc:8", "app_id", "123456", "open_id", "abc", "version", 8)));
        assertMember("puzzled", 1, true, "Ryan");
    }

    @Test
    void what_fails_changes_nothing_and_the_next_delivery_does_it_all() throws Exception {
        redisFails = true;
        assertThrows(Exception.class, () -> deliver(change(5, "gone", UNTIL))); // A 500 in a server.
        redisFails = false;
        assertMember(null, 1, true, "Ryan");
        assertEquals(204, deliver(change(5, "gone", UNTIL)));
        assertMember("gone", 0, false, null);
    }
}
