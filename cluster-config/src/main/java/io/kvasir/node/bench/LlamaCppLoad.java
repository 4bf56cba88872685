package io.kvasir.node.bench;

import de.kherud.llama.LlamaIterator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;

/**
 * The closed loop of {@link LoadGenerator} put to llama.cpp's server through its binding: the same
 * requests in the same order, a slot for each client, without the cost of HTTP.
 */
final class LlamaCppLoad {
  private final ServingMix mix;
  private final BiFunction<ServingMix, Long, LlamaIterator> submit;
  private final AtomicLong nextRequest = new AtomicLong();
  private final LongAdder tokens = new LongAdder();
  private final Samples firstTokenMs = new Samples();
  private final Samples totalMs = new Samples();
  private final long windowNs;
  private final long endNs;

  /**
   * @param submit orders the n-th request
   */
  LlamaCppLoad(
      ServingMix mix,
      double rampSeconds,
      double windowSeconds,
      BiFunction<ServingMix, Long, LlamaIterator> submit) {
    this.mix = mix;
    this.submit = submit;
    windowNs = System.nanoTime() + (long) (rampSeconds * 1e9);
    endNs = windowNs + (long) (windowSeconds * 1e9);
  }

  /** Figures by name, times in milliseconds. */
  Map<String, Object> run(int clients) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(clients)) {
      List<Future<?>> running = new ArrayList<>();
      for (int c = 0; c < clients; c++) {
        running.add(threads.submit(this::client));
      }
      for (Future<?> one : running) {
        one.get();
      }
    }
    Map<String, Object> figures = new LinkedHashMap<>();
    double seconds = TimeUnit.NANOSECONDS.toMillis(endNs - windowNs) / 1e3;
    figures.put("tokensPerSecond", tokens.sum() / seconds);
    figures.put("requests", totalMs.count());
    figures.put("firstTokenMs", firstTokenMs.percentile(0.5));
    figures.put("totalMs", totalMs.percentile(0.5));
    return figures;
  }

  private void client() {
    while (System.nanoTime() < endNs) {
      long sentNs = System.nanoTime();
      LlamaIterator answer = submit.apply(mix, nextRequest.getAndIncrement());
      long firstNs = 0;
      while (answer.hasNext()) {
        answer.next();
        long now = System.nanoTime();
        firstNs = firstNs == 0 ? now : firstNs;
        if (now >= endNs) {
          answer.cancel();
          return;
        }
        if (now >= windowNs) {
          tokens.increment();
        }
      }
      ended(sentNs, firstNs);
    }
  }

  private synchronized void ended(long sentNs, long firstNs) {
    long now = System.nanoTime();
    if (now >= windowNs) {
      firstTokenMs.add((firstNs - sentNs) / 1e6);
      totalMs.add((now - sentNs) / 1e6);
    }
  }
}
