package io.kvasir.actors.tier;

import io.kvasir.actors.settings.TierSettings;
import io.kvasir.actors.tier.LoadPlanner.Offer;
import io.kvasir.actors.tier.LoadPlanner.Source;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What is known of each source: how fast it is, what it is busy with, and whether it has lost
 * against computing so often that it is left out for a while (law 8). Thread-safe; bounded.
 */
final class RateBook {
  private static final int MAX_SOURCES = 1024;

  private final TierSettings.Priors priors;
  private final TierSettings.Bypass rule;
  private final LongSupplier clock;
  private final Map<Source, RateBook.Entry> entries =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Source, RateBook.Entry> eldest) {
          return size() > MAX_SOURCES;
        }
      };

  private static final class Entry {
    final SourceRate rate;
    long underWayBytes;
    int losses;
    boolean bypassed;
    boolean probing;
    long measuredNs;
    long againNs;
    long pauseNs;
    long bypasses;

    Entry(SourceRate rate) {
      this.rate = rate;
    }
  }

  RateBook(TierSettings settings, LongSupplier clock) {
    this.priors = settings.priors();
    this.rule = settings.bypass();
    this.clock = clock;
  }

  private Entry entry(Source source) {
    return entries.computeIfAbsent(
        source, key -> new Entry(new SourceRate(priors.fixed().toNanos() / 1e9, prior(key))));
  }

  /**
   * What a source offers now, or null while it is left out.
   *
   * @param said takes a sentence when it is left out or tried again
   */
  synchronized Offer offer(Source source, List<BitSet> blocks, List<String> said) {
    Entry entry = entry(source);
    if (entry.bypassed) {
      if (entry.probing || clock.getAsLong() - entry.againNs < 0) {
        said.add(
            source
                + " is bypassed because its last "
                + entry.losses
                + " loads took longer than computing");
        return null;
      }
      said.add(source + " was bypassed and is tried again");
    }
    double rate = entry.rate.bytesPerSecond();
    double fixedSeconds = entry.rate.fixedSeconds();
    // What looked slow once would never be measured again: after a while it gets the benefit of
    // what was assumed at first.
    if (entry.rate.samples() > 0
        && clock.getAsLong() - entry.measuredNs >= rule.first().toNanos()) {
      rate = Math.max(rate, prior(source));
      fixedSeconds = Math.min(fixedSeconds, priors.fixed().toNanos() / 1e9);
    }
    return new Offer(source, blocks, fixedSeconds, rate, entry.underWayBytes / rate);
  }

  private double prior(Source source) {
    return source.residence() == Residence.PEER
        ? priors.peerBytesPerSecond()
        : priors.hostBytesPerSecond();
  }

  /** A load begins. */
  synchronized void begin(Source source, long bytes) {
    Entry entry = entry(source);
    entry.underWayBytes += bytes;
    entry.probing |= entry.bypassed;
  }

  /** A load ended, well or not. */
  synchronized void end(Source source, long bytes) {
    Entry entry = entry(source);
    entry.underWayBytes = Math.max(0, entry.underWayBytes - bytes);
    entry.probing = false;
  }

  /**
   * A load was measured.
   *
   * @param computeSeconds what computing the same tokens is predicted to take; 0 = not compared
   */
  synchronized void measured(Source source, long bytes, double seconds, double computeSeconds) {
    Entry entry = entry(source);
    entry.rate.record(bytes, seconds);
    entry.measuredNs = clock.getAsLong();
    if (computeSeconds > 0) {
      judge(entry, seconds < computeSeconds);
    }
  }

  /** A load failed though it was wanted. */
  synchronized void failed(Source source) {
    judge(entry(source), false);
  }

  private void judge(Entry entry, boolean won) {
    if (won) {
      entry.losses = 0;
      entry.bypassed = false;
      entry.pauseNs = 0;
      return;
    }
    entry.losses++;
    if (entry.bypassed || entry.losses >= rule.losses()) {
      entry.pauseNs =
          entry.bypassed
              ? Math.min(2 * entry.pauseNs, rule.limit().toNanos())
              : rule.first().toNanos();
      entry.bypassed = true;
      entry.bypasses++;
      entry.againNs = clock.getAsLong() + entry.pauseNs;
    }
  }

  /** Times that a source was left out. */
  synchronized long bypassCount() {
    return entries.values().stream().mapToLong(entry -> entry.bypasses).sum();
  }

  /** One sentence a source. */
  synchronized List<String> explain() {
    List<String> said = new ArrayList<>();
    entries.forEach(
        (source, entry) ->
            said.add(
                String.format(
                    Locale.ROOT,
                    "%s: %.2f ms and %.2f GB/s (%s)%s",
                    source,
                    entry.rate.fixedSeconds() * 1e3,
                    entry.rate.bytesPerSecond() / 1e9,
                    entry.rate.samples() == 0
                        ? "assumed"
                        : entry.rate.samples() + " loads measured",
                    entry.bypassed ? ", bypassed" : "")));
    return said;
  }

  /**
   * What is known of a source.
   *
   * @param samples 0 = assumed
   */
  record Known(
      Source source, double bytesPerSecond, double fixedSeconds, long samples, boolean bypassed) {}

  /** What is known of all. */
  synchronized List<Known> known() {
    List<Known> all = new ArrayList<>();
    entries.forEach(
        (source, entry) ->
            all.add(
                new Known(
                    source,
                    entry.rate.bytesPerSecond(),
                    entry.rate.fixedSeconds(),
                    entry.rate.samples(),
                    entry.bypassed)));
    return all;
  }

  synchronized double bytesPerSecond(Source source) {
    return entry(source).rate.bytesPerSecond();
  }
}
