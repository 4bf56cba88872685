package io.kvasir.chaos.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/**
 * Clients that ask one question after another until they are told to stop. What came of each is
 * kept. Any thread.
 */
public final class SteadyLoad implements AutoCloseable {
  private static final int MAX_SAMPLES = 1_000_000;

  private final ApiClient api;
  private final IntFunction<Question> questions;
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final AtomicInteger next = new AtomicInteger();
  private final CountDownLatch running;
  private final List<Sample> samples = new ArrayList<>();
  private final List<String> errors = new ArrayList<>();

  /**
   * One answer.
   *
   * @param endNs when it came, by the monotonic clock
   */
  public record Sample(int number, long startNs, long endNs, Answer answer) {}

  /**
   * Begins.
   *
   * @param clients that ask at once
   * @param questions by their number, counted from 0
   */
  public SteadyLoad(ApiClient api, int clients, IntFunction<Question> questions) {
    this.api = api;
    this.questions = questions;
    this.running = new CountDownLatch(clients);
    for (int i = 0; i < clients; i++) {
      Thread.ofVirtual().start(this::ask);
    }
  }

  private void ask() {
    try {
      while (!stopped.get()) {
        int number = next.getAndIncrement();
        long startNs = System.nanoTime();
        try {
          Answer answer = api.ask(questions.apply(number));
          add(new Sample(number, startNs, System.nanoTime(), answer));
        } catch (InterruptedException never) {
          Thread.currentThread().interrupt();
          return;
        } catch (Exception broken) {
          fail("question %d: %s".formatted(number, broken));
        }
      }
    } finally {
      running.countDown();
    }
  }

  private synchronized void add(Sample sample) {
    if (samples.size() < MAX_SAMPLES) {
      samples.add(sample);
    }
  }

  private synchronized void fail(String sentence) {
    if (errors.size() < MAX_SAMPLES) {
      errors.add(sentence);
    }
  }

  /** Answers so far. */
  public synchronized int count() {
    return samples.size();
  }

  /** Answers so far, in the order in which they came. */
  public synchronized List<Sample> samples() {
    return List.copyOf(samples);
  }

  /** Answers that came in [fromNs, toNs). */
  public synchronized List<Sample> samples(long fromNs, long toNs) {
    return samples.stream()
        .filter(sample -> sample.endNs() - fromNs >= 0 && sample.endNs() - toNs < 0)
        .toList();
  }

  /** What clients were refused, or how their connections ended. */
  public synchronized List<String> errors() {
    return List.copyOf(errors);
  }

  /** Share of prompt tokens that were not computed; 0 of nothing. */
  public static double hitRate(List<Sample> samples) {
    long prompt = samples.stream().mapToLong(sample -> sample.answer().promptTokens()).sum();
    long hit = samples.stream().mapToLong(sample -> sample.answer().hit()).sum();
    return prompt == 0 ? 0 : (double) hit / prompt;
  }

  /** Asks nothing more and waits for the answers under way. */
  @Override
  public void close() {
    stopped.set(true);
    try {
      running.await();
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
  }
}
