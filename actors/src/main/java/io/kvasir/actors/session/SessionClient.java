package io.kvasir.actors.session;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.session.SessionMessage.Ask;
import io.kvasir.actors.session.SessionMessage.Note;
import io.kvasir.actors.session.SessionMessage.Told;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.typed.ActorRef;

/** The {@link Sessions}: asks the shard region and forgets the question at its deadline. */
final class SessionClient implements Sessions {
  private static final int KEY_BYTES = 16;

  private final ClusterView view;
  private final int maxOutstanding;
  private final SessionMetrics metrics;
  private final Map<Long, CompletableFuture<Told>> pending = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private volatile ActorRef<SessionMessage> region;
  private volatile ActorRef<SessionMessage> replyTo;

  SessionClient(ClusterView view, int maxOutstanding, SessionMetrics metrics) {
    this.view = view;
    this.maxOutstanding = maxOutstanding;
    this.metrics = metrics;
  }

  /** Where sessions are asked and where they answer; before the first call. */
  void connect(ActorRef<SessionMessage> toRegion, ActorRef<SessionMessage> back) {
    region = toRegion;
    replyTo = back;
  }

  /** A session answered. */
  void onTold(Told told) {
    CompletableFuture<Told> question = pending.get(told.id());
    if (question != null) {
      question.complete(told);
    }
  }

  @Override
  public CompletionStage<Optional<Hint>> hint(String tenant, String sessionId, Duration deadline) {
    metrics.asked();
    if (pending.size() >= maxOutstanding) {
      metrics.late();
      return CompletableFuture.completedFuture(Optional.empty());
    }
    long id = ids.incrementAndGet();
    CompletableFuture<Told> question = new CompletableFuture<>();
    pending.put(id, question);
    region.tell(new Ask(key(tenant, sessionId), tenant, id, replyTo));
    return question
        .completeOnTimeout(null, deadline.toNanos(), TimeUnit.NANOSECONDS)
        .thenApply(
            told -> {
              pending.remove(id);
              return judge(told);
            });
  }

  @Override
  public void record(String tenant, String sessionId, Use use) {
    region.tell(new Note(key(tenant, sessionId), tenant, use));
  }

  /** Ends what is under way: none. */
  void close() {
    pending.values().forEach(question -> question.complete(null));
  }

  private Optional<Hint> judge(Told told) {
    if (told == null) {
      metrics.late();
      return Optional.empty();
    }
    if (told.last() == null) {
      return Optional.empty();
    }
    NodeInfo node = view.find(told.last().nodeId());
    if (node == null || node.incarnation() != told.last().incarnation()) {
      return Optional.empty();
    }
    metrics.known();
    return Optional.of(new Hint(told.last(), told.requests(), Duration.ofMillis(told.idleMs())));
  }

  /** Names a session of a tenant: of bounded length whatever the client sends. */
  static String key(String tenant, String sessionId) {
    byte[] owner = tenant.getBytes(StandardCharsets.UTF_8);
    byte[] id = sessionId.getBytes(StandardCharsets.UTF_8);
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(owner.length).array());
      digest.update(owner);
      return HexFormat.of().formatHex(digest.digest(id), 0, KEY_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256, which every JDK must have", e);
    }
  }
}
