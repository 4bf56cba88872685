package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;

/**
 * The KV and states of one sequence: a page table per layer group. Every write is reserve → write →
 * commit or abort; plain decoding is reserve 1, commit 1.
 *
 * <p>Entries are numbered per group from the start of the sequence and keep their number while
 * leading pages are dropped; in {@link #view} entry e stands at ordinal {@code e − dropped(group)}.
 * After {@link #toHeadPages} entries are numbered within each list; entry {@code committed(group) +
 * i} then means the i-th reserved entry of every list.
 *
 * <p>Thread rule: the engine's thread. Ownership: close it, or release its owner's leases; either
 * way sealed blocks stay in the prefix index, so that a recompute after preemption hits them.
 *
 * <p>Longer than most classes because it is the whole surface of a sequence; the work is in {@link
 * GroupTables}, {@link StateBank} and {@link BlockChain}.
 */
public final class SequenceCache implements AutoCloseable {
  private final KvCache cache;
  private final CacheLayout layout;
  private final BlockChain chain;
  private final String tenantSalt;
  private final long ownerId;
  private final GroupTables tables;
  private final StateBank states;
  private long leaseId;
  private long epoch;
  private boolean closed;

  SequenceCache(KvCache cache, BlockChain chain, String tenantSalt, long ownerId) {
    this.cache = cache;
    this.chain = chain;
    this.tenantSalt = tenantSalt;
    this.ownerId = ownerId;
    layout = cache.layout();
    tables = new GroupTables(cache);
    states = new StateBank(cache.device, cache.statePool, layout.states());
  }

  void leased(long id) {
    leaseId = id;
  }

  public CacheLayout layout() {
    return layout;
  }

  public long ownerId() {
    return ownerId;
  }

  public String tenantSalt() {
    return tenantSalt;
  }

  /** Counts commits and aborts; what was read before a change of epoch may be gone. */
  public long epoch() {
    return epoch;
  }

  /** Moves the lease's deadline; false when the lease has ended. */
  public boolean renewLease(long deadlineNs) {
    return cache.leases().renew(leaseId, deadlineNs);
  }

  /** Committed entries, dropped ones included; with head pages, those of the longest list. */
  public int committed(int group) {
    return tables.get(group).committed;
  }

  public int reserved(int group) {
    return tables.get(group).reserved;
  }

  /**
   * Leading entries whose pages were dropped, a multiple of the page length; the first entry still
   * held is at ordinal 0 of the view.
   */
  public int dropped(int group) {
    return tables.get(group).firstEntry();
  }

  /** Committed entries of one layer and head. */
  public int entryCount(int layer, int head) {
    return open().ofLayer(layer).entryCount(layout.ordinalInGroup(layer), head);
  }

  public boolean isHeadPaged(int group) {
    return tables.get(group) instanceof HeadTable;
  }

  /** Index that the next entry gets unless it is set. */
  public int nextIndex(int group) {
    return tables.get(group).nextIndex + tables.get(group).reserved;
  }

  /**
   * Reserves the same number of entries in every group, on top of what is reserved.
   *
   * @return false when pages are short even after evicting unreferenced blocks; nothing is reserved
   *     then
   */
  public boolean reserve(int entries) {
    requireOpen();
    boolean done = tables.reserve(entries);
    cache.refusedReservations += done ? 0 : 1;
    return done;
  }

  /** Reserves entries in one group only. */
  public boolean reserve(int group, int entries) {
    requireOpen();
    boolean done = tables.reserve(group, entries);
    cache.refusedReservations += done ? 0 : 1;
    return done;
  }

  /**
   * What attention sees at a layer: committed and reserved entries. One instance per layer group,
   * refilled by every call; valid until the next call or change of this sequence.
   */
  public KvView view(int layer) {
    return open().view(layer);
  }

  /**
   * Fills frame and slot of all heads of one entry into write {@code write} of a plan. A committed
   * entry in a shared page makes that page private first.
   */
  public void writeTarget(int layer, int entry, KvWritePlan plan, int write) {
    writeTargets(layer, entry, 1, plan, write);
  }

  /** {@link #writeTarget} for consecutive entries and consecutive writes. */
  public void writeTargets(int layer, int firstEntry, int count, KvWritePlan plan, int firstWrite) {
    GroupTable table = open().ofLayer(layer);
    plan.ensure(firstWrite + count, table.heads, plan.axisCount());
    if (count > 0 && table instanceof TokenTable) {
      int end = table.committed + table.reserved;
      table.checkEntry(firstEntry, table.firstEntry(), end);
      table.checkEntry(firstEntry + count - 1, table.firstEntry(), end);
      if (firstEntry < table.committed) {
        requireWritable(table, firstEntry, Math.min(firstEntry + count, table.committed));
      }
    }
    int ordinal = layout.ordinalInGroup(layer);
    for (int i = 0; i < count; i++) {
      table.writeTarget(ordinal, firstEntry + i, plan, firstWrite + i);
    }
  }

  /**
   * Head pages only: targets in each head's own list. Committed entries are overwritten in place
   * and an abort does not bring them back; see {@link #commitReplacing} for the form that does.
   */
  public void writeTarget(int layer, int[] entryPerHead, KvWritePlan plan, int write) {
    HeadTable table = open().heads(layout.groupOf(layer));
    plan.ensure(write + 1, table.heads, plan.axisCount());
    for (int head = 0; head < table.heads; head++) {
      table.writeTarget(layout.ordinalInGroup(layer), head, entryPerHead[head], plan, write);
    }
  }

  private void requireWritable(GroupTable table, int from, int to) {
    if (!makeWritable(table.group.id(), from, to)) {
      throw new IllegalStateException(
          "no page to copy shared entries ["
              + from
              + ", "
              + to
              + ") of layer group "
              + table.group.id()
              + " into, call makeWritable first and handle false");
    }
  }

  /**
   * Makes the pages of committed entries private by copying shared ones. If one of them was sealed,
   * this sequence publishes no more blocks until {@link #derive}. Entries whose block is not sealed
   * yet may be rewritten freely, because a layer may write later than it commits; whoever makes
   * them lossy calls {@link #derive} or {@link #stopSealing} himself.
   *
   * @return false when pages ran out; call again later
   */
  public boolean makeWritable(int group, int fromEntry, int toEntry) {
    requireOpen();
    if (tables.get(group) instanceof TokenTable table && fromEntry < toEntry) {
      table.checkEntry(fromEntry, table.firstEntry(), table.committed + table.reserved);
      table.checkEntry(toEntry - 1, table.firstEntry(), table.committed + table.reserved);
      if (table.touchesSealed(fromEntry, toEntry)) {
        chain.stopSealing();
      }
    }
    return tables.get(group).makeWritable(fromEntry, toEntry);
  }

  /** Sets an entry's logical index; see the class for the numbering of entries. */
  public void setIndex(int group, int entry, int logicalIndex) {
    open().checked(group, entry).setIndex(entry, logicalIndex);
  }

  /** Sets one entry's index in one list of head pages. */
  public void setIndex(int layer, int head, int entry, int logicalIndex) {
    open()
        .heads(layout.groupOf(layer))
        .setIndex(layout.ordinalInGroup(layer), head, entry, logicalIndex);
  }

  public void setPosition(int group, int entry, int axis, int position) {
    checkAxis(axis);
    open().checked(group, entry).setPosition(entry, axis, position);
  }

  public void setPosition(int layer, int head, int entry, int axis, int position) {
    checkAxis(axis);
    open()
        .heads(layout.groupOf(layer))
        .setPosition(layout.ordinalInGroup(layer), head, entry, axis, position);
  }

  public void setLogWeight(int group, int entry, float logWeight) {
    open().checked(group, entry).setLogWeight(entry, logWeight);
  }

  public void setLogWeight(int layer, int head, int entry, float logWeight) {
    open()
        .heads(layout.groupOf(layer))
        .setLogWeight(layout.ordinalInGroup(layer), head, entry, logWeight);
  }

  /** Logical index of an entry of one layer and head. */
  public int index(int layer, int head, int entry) {
    return open().ofLayer(layer).index(layout.ordinalInGroup(layer), head, entry);
  }

  private void checkAxis(int axis) {
    if (axis < 0 || axis >= layout.positionAxes()) {
      throw new IndexOutOfBoundsException(
          "axis=" + axis + " is outside the layout's " + layout.positionAxes() + " position axes");
    }
  }

  /** Commits everything that is reserved, in every group. */
  public void commit() {
    open().commit(Integer.MAX_VALUE);
    committed();
  }

  /**
   * Commits the first {@code entries} reserved ones of every group (all of a group that reserved
   * fewer) and releases the rest. States know no middle: if one was written, either all or nothing
   * can be committed.
   */
  public void commit(int entries) {
    if (entries == 0) {
      abort();
      return;
    }
    requireWholeStates(entries);
    open().commit(entries);
    committed();
  }

  private void committed() {
    states.commit();
    epoch++;
  }

  /**
   * Commits the reserved entries with these ordinals, moved to be contiguous, and releases the
   * rest: the accepted path of a tree. Ordinals count reserved entries from 0 and ascend, so nodes
   * are numbered parents first.
   */
  public void commitPath(int[] reservedOrdinals) {
    commitPath(reservedOrdinals, reservedOrdinals.length);
  }

  /** {@link #commitPath(int[])} for the first {@code count} ordinals. */
  public void commitPath(int[] reservedOrdinals, int count) {
    requireWholeStates(count);
    open().commitPath(reservedOrdinals, count);
    committed();
  }

  private void requireWholeStates(int entries) {
    if (states.isWritten() && !tables.coversReserved(entries)) {
      throw new IllegalStateException(
          "committing "
              + entries
              + " of more reserved entries while a recurrent state has seen all of them, abort and"
              + " compute the accepted rows again");
    }
  }

  /**
   * Head pages: commits the one reserved entry of a group by overwriting a victim in each list, or
   * appending where the victim is −1. Until then the victim was intact, so an abort loses nothing.
   *
   * @param victims [layer of the group][head] committed entry of that list
   */
  public void commitReplacing(int group, int[][] victims) {
    open().commitReplacing(group, victims);
    committed();
  }

  /** Drops everything reserved and restores states; committed bytes are what they were. */
  public void abort() {
    open().commit(0);
    states.abort();
    epoch++;
  }

  /** Extras of this sequence's block keys; set before {@link KvCache#attachPrefix}. */
  public void blockExtras(BlockExtras extras) {
    chain.extras(extras);
  }

  /**
   * Says that KV from here on depends on a lossy step: later blocks are published only under keys
   * that carry this digest of method, parameters and inputs (law 5).
   */
  public void derive(byte[] policyDigest) {
    chain.derive(policyDigest);
  }

  /** No block of this sequence is published from here on, until {@link #derive}. */
  public void stopSealing() {
    chain.stopSealing();
  }

  /**
   * Hands over {@code tokens[from, to)}, the tokens of the next entries in order, and seals every
   * block that is full, committed and known: it becomes immutable and can be hit by others.
   *
   * @return blocks sealed
   */
  public int sealTokens(int[] tokens, int from, int to) {
    requireOpen();
    if (chain.isMapped() && chain.tokenCount() + (to - from) > tables.maxCommitted()) {
      throw new IllegalArgumentException(
          "tokens="
              + (chain.tokenCount() + to - from)
              + " are more than committed="
              + tables.maxCommitted()
              + " entries, commit before sealing");
    }
    chain.append(tokens, from, to);
    return chain.seal(tables);
  }

  /**
   * Of this sequence's blocks, only those that lie within the first {@code tokenCount} tokens stay
   * in the prefix index once nobody refers to them; the others are freed with their last reference.
   */
  public void keepOnly(int tokenCount) {
    open().keepOnly(tokenCount);
  }

  /** Tokens handed over or attached so far. */
  public int tokenCount() {
    return chain.tokenCount();
  }

  /** The device memory of a state, zero at first use. */
  public DeviceFloats state(StateSpec spec) {
    return states.get(states.indexOf(spec));
  }

  /** Announces a write to a state; the first one since the last commit keeps a copy for abort. */
  public DeviceFloats beforeStateWrite(StateSpec spec) {
    requireOpen();
    int i = states.indexOf(spec);
    states.beforeWrite(i);
    return states.get(i);
  }

  /**
   * Turns a group into head pages, keeping the given entries of each layer and head; on head pages,
   * evicts in place. Shared pages live on for others; this sequence publishes no more blocks.
   *
   * @param keep [layer of the group][head] ascending entries; null at any level keeps all
   * @return false when pages ran out; nothing changed then
   */
  public boolean toHeadPages(int group, int[][][] keep) {
    return evicted(open().toHeadPages(group, keep));
  }

  private boolean evicted(boolean done) {
    if (done) {
      chain.unmap();
      epoch++;
    }
    return done;
  }

  /**
   * Keeps only the given entries in all layers and heads of a token-paged group, packed to the
   * front, logical indices kept. Same result as above: no more blocks, false when pages ran out.
   */
  public boolean retainEntries(int group, int[] keep) {
    return evicted(open().retain(group, keep));
  }

  /** Releases whole pages of a token-paged group that hold only indices below {@code index}. */
  public void dropBefore(int group, int index) {
    open().tokens(group).dropBefore(index);
  }

  /**
   * Everything this sequence owns, downloaded; waits for the device. Commit or abort first. The
   * sequence stays as it is.
   */
  public SequenceSnapshot export() {
    requireOpen();
    return SequenceTransfer.export(cache, this);
  }

  /**
   * A second sequence with the same past, for parallel samples and episodes: pages are shared and
   * copied when written, states are copied. Token pages without reserved entries only.
   */
  public SequenceCache fork(long newOwnerId, long deadlineNs) {
    requireOpen();
    SequenceCache copy = cache.newSequence(newOwnerId, tenantSalt, deadlineNs);
    try {
      SequenceTransfer.fork(this, copy);
      return copy;
    } catch (RuntimeException e) {
      copy.close();
      throw e;
    }
  }

  BlockChain chain() {
    return chain;
  }

  StateBank states() {
    return states;
  }

  GroupTables tables() {
    return tables;
  }

  void requireEmpty() {
    if (!open().isEmpty() || chain.tokenCount() > 0) {
      throw new IllegalStateException("a prefix can be attached to an empty sequence only");
    }
  }

  private GroupTables open() {
    requireOpen();
    return tables;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "sequence of owner="
              + ownerId
              + " was released in epoch="
              + epoch
              + ", its pages belong to others now");
    }
  }

  public boolean isClosed() {
    return closed;
  }

  /** Releases every page, state and the lease. Closing twice is allowed and does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      tables.close();
      states.close();
      cache.sequenceClosed(leaseId);
    }
  }
}
