package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.Residence;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;

/** Counters and levels of one model's tiers, as meters. */
public final class TierMeters implements MeterBinder, AutoCloseable {
  private final List<Runnable> bound = new CopyOnWriteArrayList<>();
  private final Tags tags;
  private final HostTier host;
  private final Lender lender;
  private final PeerCalls calls;
  private final CopyDown copyDown;
  private final TierFetcher fetcher;
  private final RateBook rates;
  private final TierFetcher.Counts counts;
  private final AtomicLong demoted;

  TierMeters(
      String model,
      HostTier host,
      Lender lender,
      PeerCalls calls,
      CopyDown copyDown,
      TierFetcher fetcher,
      RateBook rates,
      TierFetcher.Counts counts,
      AtomicLong demoted) {
    this.demoted = demoted;
    this.tags = Tags.of("model_name", model);
    this.host = host;
    this.lender = lender;
    this.calls = calls;
    this.copyDown = copyDown;
    this.fetcher = fetcher;
    this.rates = rates;
    this.counts = counts;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(registry, "capacity_bytes", "Most the host tier may hold", () -> host().capacityBytes());
    gauge(registry, "used_bytes", "Host tier in use", () -> host().usedBytes());
    gauge(registry, "blocks", "Blocks in the host tier", () -> host().blocks());
    gauge(registry, "leases", "Leases on blocks of the host tier", () -> host().leases());
    gauge(registry, "loans", "Blocks lent to peers, by request", lender::loanCount);
    counter(registry, "lookups", "Blocks asked for in the host tier", () -> host().lookups());
    counter(registry, "hits", "Blocks found in the host tier", () -> host().hits());
    counter(registry, "stored", "Blocks that came into the host tier", () -> host().stored());
    counter(registry, "evicted", "Blocks that had to give way", () -> host().evicted());
    counter(registry, "corrupt", "Blocks whose memory had changed", () -> host().corrupt());
    counter(registry, "full", "Blocks turned away for want of room", () -> host().full());
    counter(registry, "expired_leases", "Leases ended by deadline", () -> host().expired());
    counter(registry, "lent", "Blocks lent to peers", lender::lentBlockCount);
    counter(registry, "busy", "Borrowers turned away", lender::busyCount);
    counter(registry, "late_replies", "Replies of peers that came too late", calls::lateCount);
    counter(registry, "bypasses", "Times that a losing source was left out", rates::bypassCount);
    if (copyDown != null) {
      gauge(registry, "copy_queue", "Blocks that wait for their copy", copyDown::queued);
      counter(registry, "copied", "Blocks whose copy was begun", copyDown::copiedCount);
      counter(registry, "copy_dropped", "Blocks not copied in time", copyDown::droppedCount);
      counter(registry, "demoted", "Blocks given up first by the device", demoted::get);
      gauge(registry, "fetches", "Prompts whose blocks are being loaded", fetcher::activeCount);
    }
    for (Residence from : Residence.values()) {
      Tags source = tags.and("source", from.name().toLowerCase(Locale.ROOT));
      counter(registry, "loaded_bytes", "Bytes loaded", source, () -> counts.bytes(from));
      counter(registry, "loaded_tokens", "Tokens loaded", source, () -> counts.tokens(from));
    }
    for (MissReason reason : MissReason.values()) {
      Tags why = tags.and("reason", reason.name().toLowerCase(Locale.ROOT));
      counter(registry, "missed_tokens", "Tokens not loaded", why, () -> counts.misses(reason));
    }
  }

  private TierStats host() {
    return host.stats();
  }

  private void gauge(MeterRegistry registry, String name, String text, DoubleSupplier value) {
    Gauge meter =
        Gauge.builder("kvasir.tier_" + name, value::getAsDouble)
            .description(text)
            .tags(tags)
            .strongReference(true)
            .register(registry);
    bound.add(() -> registry.remove(meter));
  }

  /** Takes the figures out of the registries, for those of another life of the tiers. */
  @Override
  public void close() {
    bound.forEach(Runnable::run);
    bound.clear();
  }

  private void counter(MeterRegistry registry, String name, String text, DoubleSupplier value) {
    counter(registry, name, text, tags, value);
  }

  private void counter(
      MeterRegistry registry, String name, String text, Tags with, DoubleSupplier value) {
    // The registry holds its object weakly; the service keeps this one.
    FunctionCounter meter =
        FunctionCounter.builder("kvasir.tier_" + name, this, meters -> value.getAsDouble())
            .description(text)
            .tags(with)
            .register(registry);
    bound.add(() -> registry.remove(meter));
  }
}
