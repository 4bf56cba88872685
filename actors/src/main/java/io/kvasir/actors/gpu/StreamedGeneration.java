package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.Choices;
import io.kvasir.runtime.engine.ResumedChoice;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenLogprobs;
import io.kvasir.runtime.engine.TokenStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/**
 * A generation over one {@link TokenStream} a choice, whoever writes them: an engine of this
 * process, or the actor that receives another node's tokens. Safe from any thread.
 */
public abstract class StreamedGeneration implements Generation {
  /** Runs wake-ups of consumers. */
  @FunctionalInterface
  public interface Readers {
    /**
     * Writing thread: runs it here, or soon on another thread; must not block or throw.
     *
     * @param urgent whether a choice has its first new token or its end; what is not may wait for
     *     more tokens to come
     */
    void wake(Runnable wakeup, boolean urgent);
  }

  private final SamplingParameters sampling;
  private final String fingerprint;
  private final List<TokenStream> streams;
  private final Readers readers;
  private final AtomicBoolean taken = new AtomicBoolean();
  private volatile Runnable listener;

  /**
   * @param vocabSize of the model
   * @throws IllegalArgumentException when more log-probabilities are asked for than are kept
   */
  protected StreamedGeneration(GenerationOrder order, int vocabSize, String fingerprint) {
    this(order, vocabSize, fingerprint, (wakeup, urgent) -> wakeup.run());
  }

  /**
   * @param vocabSize of the model
   * @param readers runs the consumer's wake-ups
   * @throws IllegalArgumentException when more log-probabilities are asked for than are kept
   */
  protected StreamedGeneration(
      GenerationOrder order, int vocabSize, String fingerprint, Readers readers) {
    this.readers = readers;
    this.sampling = order.sampling();
    this.fingerprint = fingerprint;
    List<TokenStream> made = new ArrayList<>(sampling.bestOf());
    for (int choice = 0; choice < sampling.bestOf(); choice++) {
      ResumedChoice resumed =
          order.resume().isEmpty() ? ResumedChoice.FRESH : order.resume().get(choice);
      made.add(
          TokenStream.of(
              sampling, choice, order.promptTokens().length, vocabSize, resumed, waking(choice)));
    }
    this.streams = List.copyOf(made);
  }

  @Override
  public final String fingerprint() {
    return fingerprint;
  }

  @Override
  public final int choiceCount() {
    return streams.size();
  }

  @Override
  public final Source<GenerationEvent, NotUsed> events(int interval) {
    return Source.fromGraph(new GenerationSource(this, interval));
  }

  @Override
  public final TokenLogprobs logprobs(int choice) {
    return streams.get(choice).logprobs();
  }

  @Override
  public final TokenLogprobs promptLogprobs() {
    return streams.getFirst().promptLogprobs();
  }

  @Override
  public final List<Integer> kept() {
    if (sampling.bestOf() > sampling.n()) {
      return Choices.best(streams, sampling.n());
    }
    List<Integer> all = new ArrayList<>(streams.size());
    for (int choice = 0; choice < streams.size(); choice++) {
      all.add(choice);
    }
    return all;
  }

  /** One a choice; written by one thread, read by one. */
  public final List<TokenStream> streams() {
    return streams;
  }

  /** Whether somebody reads it. */
  public final boolean isTaken() {
    return taken.get();
  }

  /**
   * Takes the streams for one consumer, who does without {@link #events()}.
   *
   * @param wakeup runs when there is news after everything was consumed, on the writing thread or
   *     on one that it has handed this over to; must not block or throw
   */
  public final void attach(Runnable wakeup) {
    if (!taken.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "events() of a generation ran twice, run it once and broadcast from there");
    }
    listener = wakeup;
  }

  private Runnable waking(int choice) {
    return () -> {
      Runnable current = listener;
      if (current != null) {
        TokenStream stream = streams.get(choice);
        boolean first = stream.published() == stream.resumedTokens() + 1;
        readers.wake(current, first || stream.finishReason() != null);
      }
    };
  }
}
