package io.kvasir.actors.session;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Sessions of the whole cluster. Any thread; never blocks. */
public interface Sessions {
  /**
   * Where a session was served last.
   *
   * @param tenant name of the authenticated tenant; its sessions are its own
   * @param sessionId as the client names it
   * @param deadline from now; what is not known by then is none
   * @return never fails; none also where the node of the last use is not alive any more
   */
  CompletionStage<Optional<Hint>> hint(String tenant, String sessionId, Duration deadline);

  /** Notes a use; may be lost, which costs a hint. */
  void record(String tenant, String sessionId, Use use);

  /**
   * A request that was served.
   *
   * @param nodeId node that computed it
   * @param incarnation its life
   * @param rootHigh key of the chain's root
   * @param blockCount full blocks of prompt and answer
   */
  record Use(
      long nodeId,
      long incarnation,
      long rootHigh,
      long rootLow,
      int blockCount,
      int promptTokens,
      int generatedTokens) {}

  /**
   * What is known of a session.
   *
   * @param last use
   * @param requests so far
   * @param idle time since the last use
   */
  record Hint(Use last, long requests, Duration idle) {}
}
