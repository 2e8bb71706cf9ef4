package com.example.kakao;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** Checks signatures by Standard Webhooks (v1): HMAC-SHA256 over {@code <id>.<timestamp>.<body>}. */
@Component
public class Signature {
    private static final long TOLERANCE_SECONDS = 300;
    private final SecretKeySpec key;

    public Signature(@Value("${kakao.delivery-secret}") String secret) {
        key = new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256");
    }

    /** Whether one of the signatures (two while the secret rotates) is right and the request is recent. */
    public boolean proves(String id, String timestamp, String signatures, byte[] body, Instant now) {
        if (!timestamp.matches("[0-9]{1,12}")) return false;
        if (Math.abs(Long.parseLong(timestamp) - now.getEpochSecond()) > TOLERANCE_SECONDS) return false;
        byte[] expected = ("v1," + sign(id, timestamp, body)).getBytes(StandardCharsets.US_ASCII);
        return Stream.of(signatures.split(" "))
                .anyMatch(sent -> MessageDigest.isEqual(expected, sent.getBytes(StandardCharsets.UTF_8)));
    }

    private String sign(String id, String timestamp, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (GeneralSecurityException impossible) { // Every Java has HmacSHA256.
            throw new IllegalStateException(impossible);
        }
    }
}
