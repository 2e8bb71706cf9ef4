package com.example.kakao;

import java.time.Instant;
import java.util.Map;

/** The sessions of the service's members. */
public interface Sessions {
    /** When each session of a member began, by the session's id. */
    Map<String, Instant> begun(String userId);

    void end(String sessionId);
}
