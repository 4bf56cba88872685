package io.kvasir.actors.schedule;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

/** What a gateway's desk remembers, as of its last tick. Any thread. */
public final class ScheduleMetrics implements MeterBinder {
  private volatile int requests;
  private volatile int entries;
  private volatile long bytes;

  ScheduleMetrics() {}

  /** The desk, each tick. */
  void observe(int requestsNow, LoadBook book) {
    requests = requestsNow;
    entries = book.entryCount();
    bytes = book.estimatedBytes();
  }

  /** Requests under way. */
  public int requests() {
    return requests;
  }

  /** Load reports, requests sent and sessions that are remembered. */
  public int entries() {
    return entries;
  }

  /** Heap that these take, estimated. */
  public long bytes() {
    return bytes;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Gauge.builder("kvasir.schedule_requests", this, ScheduleMetrics::requests)
        .description("Requests that this gateway has under way")
        .register(registry);
    Gauge.builder("kvasir.schedule_entries", this, ScheduleMetrics::entries)
        .description("Load reports, requests and sessions that this gateway remembers")
        .register(registry);
    Gauge.builder("kvasir.schedule_bytes", this, ScheduleMetrics::bytes)
        .description("Heap taken by what this gateway remembers, estimated")
        .register(registry);
  }
}
