package io.kvasir.transport;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Locale;

/**
 * A transport's counters as Micrometer meters {@code kvasir.transport.<name>}, tagged with the
 * node.
 */
public final class TransportMeters implements MeterBinder {
  private final BlockTransport transport;

  /**
   * @param transport whose counters are shown
   */
  public TransportMeters(BlockTransport transport) {
    this.transport = transport;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    TransportCounters counters = transport.counters();
    String node = Long.toString(transport.nodeId());
    for (TransportCounter counter : TransportCounter.values()) {
      String name = "kvasir.transport." + counter.name().toLowerCase(Locale.ROOT).replace('_', '.');
      if (counter.gauge()) {
        Gauge.builder(name, counters, c -> c.get(counter))
            .description(counter.meaning())
            .tag("node", node)
            .register(registry);
      } else {
        FunctionCounter.builder(name, counters, c -> c.get(counter))
            .description(counter.meaning())
            .tag("node", node)
            .register(registry);
      }
    }
  }
}
