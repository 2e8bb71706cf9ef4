package com.example.kakao;

import static java.util.stream.Collectors.toMap;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.logging.LogManager;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.RequestBuilder;
import org.springframework.test.web.servlet.setup.MockMvcBuilders;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Serves the real controllers on a free port of loopback, with H2 as MySQL: prints its URL, then runs each line of its
 * input as SQL and prints the rows. The answerer's is there if it has a secret. The JDK's HTTP server is before Spring's dispatcher, which needs no servlet container.
 */
final class LocalServer {
    private static final ObjectMapper JSON = new ObjectMapper();

    private LocalServer() {}

    static JdbcTemplate database(String name) throws IOException {
        String url = "jdbc:h2:mem:" + name + ";MODE=MySQL;DATABASE_TO_LOWER=TRUE;DB_CLOSE_DELAY=-1";
        JdbcTemplate jdbc = new JdbcTemplate(new DriverManagerDataSource(url));
        jdbc.execute(Files.readString(Path.of("src/main/resources/schema.sql")));
        return jdbc;
    }

    static FollowUp followUp(JdbcTemplate jdbc, Sessions sessions) {
        TransactionTemplate transaction = new TransactionTemplate(new DataSourceTransactionManager(jdbc.getDataSource()));
        return new FollowUp(jdbc, transaction, sessions);
    }

    static MockMvc dispatcher(FollowUp followUp, String secret) {
        return MockMvcBuilders.standaloneSetup(new KakaoController(new Signature(secret), followUp, JSON)).build();
    }

    private static AnswerController answerer(String secret) {
        AnswerController answerer = new AnswerController();
        answerer.secret = secret;
        answerer.url = System.getenv("OPENAI_URL");
        answerer.apiKey = System.getenv("OPENAI_API_KEY");
        answerer.model = System.getenv("OPENAI_MODEL");
        return answerer;
    }

    public static void main(String[] arguments) throws IOException {
        LogManager.getLogManager().reset();
        JdbcTemplate jdbc = database("local");
        jdbc.execute("create table session (id varchar(40), app_id varchar(20), user_id varchar(20), started_at bigint)");
        String secret = System.getenv("KAKAO_ANSWERER_SECRET");
        MockMvc http = secret == null
                ? dispatcher(followUp(jdbc, new SessionTable(jdbc)), System.getenv("KAKAO_DELIVERY_SECRET"))
                : MockMvcBuilders.standaloneSetup(answerer(secret)).build();
        // One request at a time: H2 fails where MySQL waits for a row's lock.
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> answer(exchange, http));
        server.start();
        System.out.println("http://127.0.0.1:" + server.getAddress().getPort());
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = input.readLine()) != null; ) {
            System.out.println(JSON.writeValueAsString(rows(jdbc, line)));
        }
        System.exit(0);
    }

    private static List<Object> rows(JdbcTemplate jdbc, String statement) {
        if (statement.startsWith("select ")) return List.of(jdbc.queryForList(statement).stream().map(Map::values).toArray());
        jdbc.execute(statement);
        return List.of();
    }

    private static void answer(HttpExchange exchange, MockMvc http) throws IOException {
        var request = post(exchange.getRequestURI()).content(exchange.getRequestBody().readAllBytes());
        exchange.getRequestHeaders().forEach((name, values) -> request.header(name, values.toArray()));
        MockHttpServletResponse response = answer(http, request);
        byte[] body = response.getContentAsByteArray();
        exchange.getResponseHeaders().set("Content-Type", String.valueOf(response.getContentType()));
        exchange.sendResponseHeaders(response.getStatus(), body.length == 0 ? -1 : body.length);
        if (body.length > 0) exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static MockHttpServletResponse answer(MockMvc http, RequestBuilder request) {
        try {
            return http.perform(request).andReturn().getResponse();
        } catch (Exception failure) { // As a servlet container does.
            failure.printStackTrace();
            MockHttpServletResponse response = new MockHttpServletResponse();
            response.setStatus(500);
            return response;
        }
    }

    /** In the place of Redis. */
    private static final class SessionTable implements Sessions {
        private final JdbcTemplate jdbc;

        private SessionTable(JdbcTemplate jdbc) {
            this.jdbc = jdbc;
        }

        @Override
        public Map<String, Instant> begun(String userId) {
            return jdbc.queryForList("select id, started_at from session where user_id = ?", userId).stream()
                    .collect(toMap(row -> (String) row.get("id"), row -> Instant.ofEpochMilli((Long) row.get("started_at"))));
        }

        @Override
        public void end(String sessionId) {
            jdbc.update("delete from session where id = ?", sessionId);
        }
    }
}
