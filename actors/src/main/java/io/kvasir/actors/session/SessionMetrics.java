package io.kvasir.actors.session;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** Figures of a node's part of the sessions. Any thread. */
public final class SessionMetrics implements MeterBinder {
  private final AtomicInteger open = new AtomicInteger();
  private final LongAdder asked = new LongAdder();
  private final LongAdder known = new LongAdder();
  private final LongAdder late = new LongAdder();
  private final LongAdder demoted = new LongAdder();

  SessionMetrics() {}

  void opened() {
    open.incrementAndGet();
  }

  void closed() {
    open.decrementAndGet();
  }

  void asked() {
    asked.increment();
  }

  void known() {
    known.increment();
  }

  void late() {
    late.increment();
  }

  void demoted() {
    demoted.increment();
  }

  /** Sessions in this node's memory. */
  public int open() {
    return open.get();
  }

  /** Hints that this node asked for. */
  public long askedCount() {
    return asked.sum();
  }

  /** Hints that were known in time, of a node that is alive. */
  public long knownCount() {
    return known.sum();
  }

  /** Hints that did not come before their deadline. */
  public long lateCount() {
    return late.sum();
  }

  /** Sessions put away whose KV was demoted. */
  public long demotedCount() {
    return demoted.sum();
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Gauge.builder("kvasir.sessions", this, SessionMetrics::open)
        .description("Sessions in this node's memory")
        .register(registry);
    counter(registry, "asked", "Hints asked for", asked);
    counter(registry, "known", "Hints known in time", known);
    counter(registry, "late", "Hints past their deadline", late);
    counter(registry, "demoted", "Idle sessions whose KV was demoted", demoted);
  }

  private static void counter(MeterRegistry registry, String name, String text, LongAdder value) {
    FunctionCounter.builder("kvasir.session_hints_" + name, value, LongAdder::doubleValue)
        .description(text)
        .register(registry);
  }
}
