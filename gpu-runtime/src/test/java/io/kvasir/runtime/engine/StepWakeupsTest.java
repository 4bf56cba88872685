package io.kvasir.runtime.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class StepWakeupsTest {
  private final List<String> heard = new ArrayList<>();

  private final StepWakeups wakeups =
      new StepWakeups() {
        @Override
        public void begin() {
          heard.add("begin");
        }

        @Override
        public void end() {
          heard.add("end");
        }

        @Override
        public void rest() {
          heard.add("rest");
        }
      };

  @Test
  void shouldHandOverAllTokensOfAStepBetweenTwoCalls() {
    try (EngineHarness h = EngineHarness.open(8 << 20, 64)) {
      SamplingParameters two = EngineHarness.greedy(2);
      List<TokenStream> streams = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        int number = i;
        int[] prompt = EngineHarness.prompts(1, 3, 3, i).getFirst();
        TokenStream stream =
            TokenStream.of(
                two, 0, prompt.length, h.model.vocabSize(), () -> heard.add("wake " + number));
        streams.add(stream);
        h.accept(new GenerationRequest(h.nextId(), "a", prompt, two, 0, List.of(), stream));
      }
      while (!h.core.idle()) {
        h.core.step(wakeups);
        streams.forEach(stream -> stream.consumedUpTo(stream.published()));
      }
      h.core.step(wakeups);
      assertEquals(
          List.of(
              "begin",
              "wake 0",
              "wake 1",
              "end",
              // The last token and the end of each.
              "begin",
              "wake 0",
              "wake 0",
              "wake 1",
              "wake 1",
              "end",
              "rest"),
          heard);
    }
  }
}
