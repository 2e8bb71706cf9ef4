package com.example.kakao;

import static java.util.stream.Collectors.toMap;

import java.time.Instant;
import java.util.Map;
import org.springframework.session.FindByIndexNameSessionRepository;
import org.springframework.session.Session;
import org.springframework.stereotype.Component;

/** Spring Session's sessions in Redis. The principal's name is the member number, as Spring Security has it with user-name-attribute=id. */
@Component
public class RedisSessions implements Sessions {
    private final FindByIndexNameSessionRepository<? extends Session> repository;

    public RedisSessions(FindByIndexNameSessionRepository<? extends Session> repository) {
        this.repository = repository;
    }

    @Override
    public Map<String, Instant> begun(String userId) {
        return repository.findByPrincipalName(userId).entrySet().stream()
                .collect(toMap(Map.Entry::getKey, entry -> entry.getValue().getCreationTime()));
    }

    @Override
    public void end(String sessionId) {
        repository.deleteById(sessionId);
    }
}
