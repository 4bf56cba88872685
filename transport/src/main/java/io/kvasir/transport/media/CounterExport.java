package io.kvasir.transport.media;

import io.aeron.Aeron;
import io.aeron.Counter;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportCounters;

/**
 * Mirrors a transport's counters as Aeron counters, where any process that can read the driver's
 * folder sees them. Type id = {@link #TYPE_BASE} + the counter's stable id; the label ends in the
 * client id. They vanish with the client. Agent only.
 */
public final class CounterExport {
  /** Type id of the counter with id 0. */
  public static final int TYPE_BASE = 19_000;

  private final Aeron aeron;
  private final long[] registrations = new long[TransportCounter.values().length];
  private final Counter[] mirrors = new Counter[registrations.length];

  CounterExport(Aeron aeron) {
    this.aeron = aeron;
    for (TransportCounter counter : TransportCounter.values()) {
      String label = "kvasir-transport: " + counter.meaning() + " - client=" + aeron.clientId();
      registrations[counter.ordinal()] = aeron.asyncAddCounter(TYPE_BASE + counter.id(), label);
    }
  }

  void copy(TransportCounters source) {
    for (TransportCounter counter : TransportCounter.values()) {
      int index = counter.ordinal();
      if (mirrors[index] == null) {
        mirrors[index] = aeron.getCounter(registrations[index]);
      }
      if (mirrors[index] != null && !mirrors[index].isClosed()) {
        mirrors[index].setRelease(source.get(counter));
      }
    }
  }
}
