package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.session.Sessions;
import io.kvasir.actors.session.Sessions.Hint;
import io.kvasir.actors.session.Sessions.Tail;
import io.kvasir.actors.session.Sessions.Use;
import io.kvasir.runtime.blocks.BlockId;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;

/**
 * What is asked of directory and sessions before a node is chosen, and told afterwards. A late
 * answer is none. Any thread.
 */
final class Lookups {
  /**
   * The answers.
   *
   * @param keys of the prompt's blocks; null = hashing them took too long, or nobody was asked
   * @param askedNs when the directory was asked, of this process's clock
   * @param hint null = none, or not asked
   */
  record Known(Holdings holdings, BlockKeys keys, long askedNs, Hint hint) {
    static final Known LATE = new Known(Holdings.LATE, null, 0, null);
    static final Known UNASKED = new Known(Holdings.NONE, null, 0, null);

    /**
     * What a node is told, so that it need not ask again; null = nothing.
     *
     * @param nodeId the node
     * @param maxAge of an answer: holders change
     * @param alive which nodes to name: the directory goes on with one that has died
     */
    List<WireHolder> told(long nodeId, Duration maxAge, LongPredicate alive, long nowNs) {
      boolean fresh = nowNs - askedNs < maxAge.toNanos();
      return keys == null || holdings.late() || !fresh
          ? null
          : WireHolder.of(holdings, nodeId, alive);
    }
  }

  private record Held(Holdings holdings, BlockKeys keys, long askedNs) {
    static final Held LATE = new Held(Holdings.LATE, null, 0);
  }

  private final Directory directory;
  private final Sessions sessions;
  private final Duration deadline;
  private final Executor workers;

  /**
   * @param directory null = nobody knows what is cached where
   * @param sessions null = nobody but this gateway knows where a session was
   * @param workers where keys are hashed
   */
  Lookups(Directory directory, Sessions sessions, Duration deadline, Executor workers) {
    this.directory = directory;
    this.sessions = sessions;
    this.deadline = deadline;
    this.workers = workers;
  }

  /** Whether there is anybody to be asked about such a request. */
  boolean worthAsking(RoutedRequest request) {
    return directory != null && request.model.keys() != null;
  }

  /** Asks both at once. */
  CompletionStage<Known> ask(RoutedRequest request, boolean sessionKnown) {
    boolean asksSession = sessions != null && request.session() != null && !sessionKnown;
    CompletionStage<Optional<Hint>> hint =
        asksSession
            ? sessions.hint(request.tenant(), request.session(), deadline)
            : CompletableFuture.completedFuture(Optional.empty());
    return holdings(request)
        .thenCombine(
            hint,
            (held, last) ->
                new Known(held.holdings(), held.keys(), held.askedNs(), last.orElse(null)));
  }

  private CompletionStage<Held> holdings(RoutedRequest request) {
    int[] prompt = request.prompt();
    String tenant = request.tenant();
    KeyScheme scheme = request.model.keys();
    CompletableFuture<Held> answer =
        CompletableFuture.supplyAsync(() -> scheme.keys(tenant, prompt, prompt.length), workers)
            .thenCompose(this::lookup)
            .exceptionally(broken -> Held.LATE);
    // Hashing may wait for workers: twice the deadline is the end of it.
    return answer.completeOnTimeout(Held.LATE, 2 * deadline.toMillis(), TimeUnit.MILLISECONDS);
  }

  private CompletionStage<Held> lookup(BlockKeys keys) {
    long askedNs = System.nanoTime();
    return keys.blockCount() == 0
        ? CompletableFuture.completedFuture(new Held(Holdings.NONE, keys, askedNs))
        : directory
            .lookup(keys, deadline)
            .exceptionally(broken -> Holdings.LATE)
            .thenApply(holdings -> new Held(holdings, keys, askedNs));
  }

  /** Tells the session where it was served. */
  void used(RoutedRequest request, NodeInfo node, int[] generated) {
    int[] prompt = request.prompt();
    String tenant = request.tenant();
    String session = request.session();
    KeyScheme keys = request.model.keys();
    BlockShape shape = request.model.shape();
    if (sessions == null || session == null || keys == null || prompt.length < keys.slots()) {
      return;
    }
    workers.execute(
        () -> {
          int[] all = Arrays.copyOf(prompt, prompt.length + generated.length);
          System.arraycopy(generated, 0, all, prompt.length, generated.length);
          BlockKeys chain = keys.keys(tenant, all, all.length);
          BlockId root = chain.root();
          sessions.record(
              tenant,
              session,
              new Use(
                  node.nodeId(),
                  node.incarnation(),
                  root.high(),
                  root.low(),
                  chain.blockCount(),
                  prompt.length,
                  generated.length,
                  shape == null ? null : Tail.of(shape.domainDigest(), chain)));
        });
  }
}
