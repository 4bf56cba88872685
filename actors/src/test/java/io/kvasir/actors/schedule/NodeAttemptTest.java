package io.kvasir.actors.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.gpu.StreamedGeneration;
import io.kvasir.runtime.engine.FinishReason;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenStream;
import io.kvasir.runtime.engine.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

final class NodeAttemptTest {
  private static final long LEASE_NS = 1000;

  private static final class Computed extends StreamedGeneration {
    private boolean cancelled;

    Computed() {
      super(
          new GenerationOrder(
              "t",
              new int[] {1},
              SamplingParameters.builder().seed(1L).maxTokens(100).build(),
              Duration.ofSeconds(1)),
          10,
          "f");
    }

    TokenStream stream() {
      return streams().getFirst();
    }

    void finish() {
      stream()
          .finish(
              FinishReason.LENGTH,
              new Usage(1, PromptSources.cached(1, 0), stream().published(), 0, 0, 0, 0, 1, 2),
              null);
    }

    @Override
    public Serving serving() {
      return Serving.HERE;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public void cancel(int choice) {
      cancelled = true;
    }
  }

  private final Computed computed = new Computed();
  private final List<GenerationReply> told = new ArrayList<>();
  private Consumer<GenerationReply> also = reply -> {};
  private final NodeAttempt attempt =
      new NodeAttempt(
          7,
          1,
          reply -> {
            told.add(reply);
            also.accept(reply);
          },
          "m",
          1,
          LEASE_NS,
          0);

  private void assertTold(int index, int first, int... ids) {
    GenerationReply.Tokens actual = (GenerationReply.Tokens) told.get(index);
    assertEquals(first, actual.first());
    assertEquals(java.util.Arrays.toString(ids), java.util.Arrays.toString(actual.ids()));
  }

  @Test
  void shouldMissNoTokenThatIsPublishedWhileOthersAreBeingTold() {
    attempt.taken(computed);
    computed.stream().publish(5);
    also =
        reply -> {
          also = next -> {};
          // The engine goes on meanwhile; nobody was at the end, so it wakes nobody.
          computed.stream().publish(6);
        };
    attempt.tellNews(1);
    assertEquals(2, told.size());
    assertTold(0, 0, 5);
    assertTold(1, 1, 6);
  }

  @Test
  void shouldSayAgainWhatWasLostAndTheEndBehindIt() {
    attempt.taken(computed);
    for (int id = 0; id < 5; id++) {
      computed.stream().publish(id);
    }
    computed.finish();
    attempt.tellNews(1);
    assertTrue(attempt.toldAll());
    told.clear();
    attempt.resend(0, 3, 2);
    assertEquals(2, told.size());
    assertTold(0, 3, 3, 4);
    assertEquals(5, ((GenerationReply.Finished) told.get(1)).tokenCount());
  }

  @Test
  void shouldSpeakUpOnlyWhenNothingElseWasSaid() {
    attempt.taken(computed);
    attempt.tellAlive(299, 300);
    assertTrue(told.isEmpty());
    attempt.tellAlive(300, 300);
    GenerationReply.Alive alive = (GenerationReply.Alive) told.getFirst();
    assertEquals(1, alive.sent().length);
    assertFalse(alive.ended()[0]);
    computed.stream().publish(1);
    attempt.tellNews(400);
    attempt.tellAlive(650, 300);
    assertEquals(2, told.size());
  }

  @Test
  void shouldKeepALeaseThatHasEndedEnded() {
    AttemptTable table = new AttemptTable(10, 300, 100 * LEASE_NS);
    table.begin(attempt);
    table.taken(7, 1, computed, 1);
    table.renew(new GenerationMessage.Renew(7, 1, null, 1), told::add, LEASE_NS);
    assertTrue(computed.cancelled);
    assertTrue(table.isEmpty());
    assertEquals(List.of(new GenerationReply.Gone(7, 1)), told);
    computed.stream().publish(1);
    table.news(7, 1, LEASE_NS + 1);
    assertEquals(1, told.size());
  }

  @Test
  void shouldGrantNoLongerLeaseThanItsOwnBoundWhateverARenewalAsksFor() {
    AttemptTable table = new AttemptTable(10, 300, 2 * LEASE_NS);
    table.begin(attempt);
    table.taken(7, 1, computed, 1);
    table.renew(new GenerationMessage.Renew(7, 1, null, Integer.MAX_VALUE), told::add, 1);
    assertNotNull(table.live(7, 1, 2 * LEASE_NS));
    assertNull(table.live(7, 1, 2 * LEASE_NS + 1));
    assertTrue(computed.cancelled);
  }
}
