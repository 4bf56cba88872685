package io.kvasir.actors.directory;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.ToDoubleFunction;

/** Figures of a node's part of the directory. Any thread. */
public final class DirectoryMetrics implements MeterBinder {
  private final DirectoryTable table;
  private final QueuedAnnouncer announcer;
  private final DirectoryClient client;
  private final OwnerCore owner;
  private final CopyCore copy;

  DirectoryMetrics(
      DirectoryTable table,
      QueuedAnnouncer announcer,
      DirectoryClient client,
      OwnerCore owner,
      CopyCore copy) {
    this.table = table;
    this.announcer = announcer;
    this.client = client;
    this.owner = owner;
    this.copy = copy;
  }

  /** Entries (block, node) of this node's copy. */
  public long entries() {
    return table.entryCount();
  }

  /** Heap bytes that they take. */
  public long bytes() {
    return table.bytes();
  }

  /** Entries that made room for newer ones. */
  public long evicted() {
    return table.evictedCount();
  }

  /** Blocks that this node announces. */
  public long ownBlocks() {
    return announcer.own().count();
  }

  /** Blocks not recorded: own ones beyond the bound, or of a block with too many owners. */
  public long dropped() {
    return table.refusedCount() + announcer.own().refusedCount();
  }

  /** Lookups of this node. */
  public long lookups() {
    return client.lookupCount();
  }

  /** Lookups that this node's own copy answered. */
  public long localLookups() {
    return client.localCount();
  }

  /** Lookups without an answer before their deadline. */
  public long late() {
    return client.lateCount();
  }

  /** Lookups not asked because too many were under way; late as well. */
  public long refusedLookups() {
    return client.droppedCount();
  }

  /** Lookups that went to a further copy because the one before was slow. */
  public long hedged() {
    return client.hedgedCount();
  }

  /** Snapshots that this node began to send, the first to each copy included. */
  public long snapshots() {
    return owner.resyncs();
  }

  /** Snapshots that this node's copy asked for. */
  public long resyncs() {
    return copy == null ? 0 : copy.resyncs();
  }

  /** Announcements that were malformed or of a life that is over. */
  public long refusedMessages() {
    return copy == null ? 0 : copy.refusedMessages();
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(registry, "entries", "Entries of this node's copy", m -> m.entries());
    gauge(registry, "bytes", "Heap taken by this node's copy", m -> m.bytes());
    gauge(registry, "own_blocks", "Blocks that this node announces", m -> m.ownBlocks());
    counter(registry, "evicted", "Entries that made room for newer ones", m -> m.evicted());
    counter(registry, "dropped", "Blocks beyond a bound, not recorded", m -> m.dropped());
    counter(registry, "lookups", "Lookups", m -> m.lookups());
    counter(registry, "lookups_local", "Lookups answered on the node", m -> m.localLookups());
    counter(registry, "lookups_late", "Lookups past their deadline", m -> m.late());
    counter(registry, "lookups_refused", "Lookups beyond the bound", m -> m.refusedLookups());
    counter(registry, "lookups_hedged", "Lookups that asked a further copy", m -> m.hedged());
    counter(registry, "snapshots", "Snapshots begun", m -> m.snapshots());
    counter(registry, "resyncs", "Snapshots asked for", m -> m.resyncs());
    counter(registry, "refused_messages", "Announcements refused", m -> m.refusedMessages());
  }

  private void gauge(
      MeterRegistry registry, String name, String text, ToDoubleFunction<DirectoryMetrics> value) {
    Gauge.builder("kvasir.directory_" + name, this, value).description(text).register(registry);
  }

  private void counter(
      MeterRegistry registry, String name, String text, ToDoubleFunction<DirectoryMetrics> value) {
    FunctionCounter.builder("kvasir.directory_" + name, this, value)
        .description(text)
        .register(registry);
  }
}
