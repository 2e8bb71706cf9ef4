package com.example.kakao;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Instant;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** Receives the signed requests of kakao-webhooks. */
@RestController
public class KakaoController {
    private final Signature signature;
    private final FollowUp followUp;
    private final ObjectMapper json;

    public KakaoController(Signature signature, FollowUp followUp, ObjectMapper json) {
        this.signature = signature;
        this.followUp = followUp;
        this.json = json;
    }

    /** The signature is over the bytes as they came, so they are taken unparsed. */
    @PostMapping("/kakao")
    public ResponseEntity<Void> receive(
            @RequestHeader(name = "webhook-id", defaultValue = "") String id,
            @RequestHeader(name = "webhook-timestamp", defaultValue = "") String timestamp,
            @RequestHeader(name = "webhook-signature", defaultValue = "") String signatures,
            @RequestBody byte[] body)
            throws IOException {
        if (!signature.proves(id, timestamp, signatures, body, Instant.now())) {
            return ResponseEntity.status(HttpStatus.UNAUTHORIZED).build();
        }
        JsonNode event = json.readTree(body);
        if (event.path("type").asText().equals("user.changed")) followUp.follow(event.path("data"));
        return ResponseEntity.noContent().build();
    }
}
