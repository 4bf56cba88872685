package io.kvasir.actors.gpu;

import io.kvasir.runtime.engine.Choices;
import io.kvasir.runtime.engine.SamplingParameters;
import io.kvasir.runtime.engine.TokenLogprobs;
import io.kvasir.runtime.engine.TokenStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.stream.javadsl.Source;

/**
 * One order that a device has taken: the tokens of its choices as one stream, and the means to end
 * them. Safe from any thread. Whoever receives it runs {@link #events()} once, or the actor cancels
 * it after the attach deadline.
 */
public final class Generation {
  private final long id;
  private final ActorRef<GpuActor.Command> gpu;
  private final SamplingParameters sampling;
  private final String fingerprint;
  private final List<TokenStream> streams;
  private final AtomicBoolean taken = new AtomicBoolean();
  private volatile Runnable listener;

  /**
   * @param vocabSize of the engine
   * @param fingerprint of the engine
   * @throws IllegalArgumentException when more log-probabilities are asked for than are kept
   */
  Generation(
      long id,
      ActorRef<GpuActor.Command> gpu,
      GenerationOrder order,
      int vocabSize,
      String fingerprint) {
    this.id = id;
    this.gpu = gpu;
    this.sampling = order.sampling();
    this.fingerprint = fingerprint;
    List<TokenStream> made = new ArrayList<>(sampling.bestOf());
    for (int choice = 0; choice < sampling.bestOf(); choice++) {
      made.add(
          TokenStream.of(sampling, choice, order.promptTokens().length, vocabSize, this::wake));
    }
    this.streams = List.copyOf(made);
  }

  /** Unique among the orders of one actor. */
  public long id() {
    return id;
  }

  /** Names model, weights and arithmetic of the engine that took it. */
  public String fingerprint() {
    return fingerprint;
  }

  /** Choices generated: best_of. */
  public int choiceCount() {
    return streams.size();
  }

  /**
   * The tokens; may be run once. It buffers nothing beyond the token arrays that the order's
   * max_tokens bounds; cancelling it ends all choices in the engine.
   */
  public Source<GenerationEvent, NotUsed> events() {
    return Source.fromGraph(new GenerationSource(this));
  }

  /** Log-probabilities of a choice's tokens, for those that came; null if not asked for. */
  public TokenLogprobs logprobs(int choice) {
    return streams.get(choice).logprobs();
  }

  /** Log-probabilities of the prompt, once any token or end came; null if not asked for. */
  public TokenLogprobs promptLogprobs() {
    return streams.getFirst().promptLogprobs();
  }

  /**
   * The n choices to keep, best first, once all have ended; all of them in order if best_of = n.
   */
  public List<Integer> kept() {
    if (sampling.bestOf() > sampling.n()) {
      return Choices.best(streams, sampling.n());
    }
    List<Integer> all = new ArrayList<>(streams.size());
    for (int choice = 0; choice < streams.size(); choice++) {
      all.add(choice);
    }
    return all;
  }

  /** Ends all choices; their stream then finishes with CANCELLED. Does nothing after the end. */
  public void cancel() {
    gpu.tell(new GpuActor.Cancel(id));
  }

  /** Ends one choice; the others go on. */
  public void cancel(int choice) {
    gpu.tell(new GpuActor.CancelChoice(id, choice));
  }

  List<TokenStream> streams() {
    return streams;
  }

  /** Takes the stream for one consumer, whose {@code wakeup} runs on the engine thread. */
  void attach(Runnable wakeup) {
    if (!taken.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "events() of generation id=" + id + " ran twice, run it once and broadcast from there");
    }
    listener = wakeup;
  }

  boolean isTaken() {
    return taken.get();
  }

  private void wake() {
    Runnable current = listener;
    if (current != null) {
      current.run();
    }
  }
}
