package io.kvasir.runtime.cache;

import java.util.function.LongSupplier;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.collections.LongArrayList;
import org.agrona.collections.LongHashSet;

/**
 * Who holds references, and until when (law 3). A lease covers everything that one holder (a
 * sequence or a pin) references; it ends when the holder closes, when its owner is released, or
 * when somebody acts on its deadline. The table itself never releases on time: the engine ends
 * overdue pins between steps, and of sequences it asks for overdue owners and decides.
 */
public final class LeaseTable {
  private record Lease(long ownerId, long[] deadlineNs, AutoCloseable holder) {}

  private final Long2ObjectHashMap<Lease> leases = new Long2ObjectHashMap<>();
  private final LongSupplier clockNs;
  private final String limitName;
  private final int limit;
  private long lastId;

  /** No lease is overdue before this. */
  private long earliestNs = Long.MAX_VALUE;

  /**
   * @param limitName the setting behind {@code limit}
   */
  LeaseTable(LongSupplier clockNs, String limitName, int limit) {
    this.clockNs = clockNs;
    this.limitName = limitName;
    this.limit = limit;
  }

  /**
   * Opens a lease.
   *
   * @throws IllegalStateException when as many as allowed are open
   */
  long open(long ownerId, long deadlineNs, AutoCloseable holder) {
    if (leases.size() >= limit) {
      throw new IllegalStateException(
          "leases="
              + leases.size()
              + " have reached "
              + limitName
              + "="
              + limit
              + ", close some first or raise it");
    }
    long id = ++lastId;
    leases.put(id, new Lease(ownerId, new long[] {deadlineNs}, holder));
    earliestNs = Math.min(earliestNs, deadlineNs);
    return id;
  }

  void close(long leaseId) {
    if (leases.remove(leaseId) == null) {
      throw new IllegalStateException("lease=" + leaseId + " was released twice");
    }
  }

  /** Moves a deadline; false when the lease is gone. */
  boolean renew(long leaseId, long deadlineNs) {
    Lease lease = leases.get(leaseId);
    if (lease != null) {
      lease.deadlineNs()[0] = deadlineNs;
      earliestNs = Math.min(earliestNs, deadlineNs);
    }
    return lease != null;
  }

  /** Moves the deadline of every lease of an owner; returns how many. */
  public int renewOwner(long ownerId, long deadlineNs) {
    int count = 0;
    for (Lease lease : leases.values()) {
      if (lease.ownerId() == ownerId) {
        lease.deadlineNs()[0] = deadlineNs;
        earliestNs = Math.min(earliestNs, deadlineNs);
        count++;
      }
    }
    return count;
  }

  /** A time before which no lease is overdue; Long.MAX_VALUE without leases. */
  long nextDeadlineNs() {
    return leases.isEmpty() ? Long.MAX_VALUE : earliestNs;
  }

  /** Ends every lease whose deadline is at or before {@code nowNs}; returns how many. */
  int endOverdue(long nowNs) {
    if (nowNs < nextDeadlineNs()) {
      return 0;
    }
    LongArrayList ids = new LongArrayList();
    earliestNs = Long.MAX_VALUE;
    leases.forEachLong(
        (id, lease) -> {
          if (lease.deadlineNs()[0] <= nowNs) {
            ids.addLong(id);
          } else {
            earliestNs = Math.min(earliestNs, lease.deadlineNs()[0]);
          }
        });
    return closeHolders(ids);
  }

  /** Ends the lease that was opened first; false when there is none. */
  boolean endOldest() {
    long oldest = Long.MAX_VALUE;
    for (Long2ObjectHashMap<Lease>.KeyIterator it = leases.keySet().iterator(); it.hasNext(); ) {
      oldest = Math.min(oldest, it.nextLong());
    }
    LongArrayList ids = new LongArrayList();
    ids.addLong(oldest);
    return oldest < Long.MAX_VALUE && closeHolders(ids) == 1;
  }

  public int count() {
    return leases.size();
  }

  public int count(long ownerId) {
    int count = 0;
    for (Lease lease : leases.values()) {
      count += lease.ownerId() == ownerId ? 1 : 0;
    }
    return count;
  }

  /** Owners with a lease whose deadline has passed on the cache's clock, ascending. */
  public long[] overdueOwners() {
    return overdueOwners(clockNs.getAsLong());
  }

  /** Owners with a lease whose deadline is at or before {@code nowNs}, ascending. */
  public long[] overdueOwners(long nowNs) {
    LongHashSet owners = new LongHashSet();
    for (Lease lease : leases.values()) {
      if (lease.deadlineNs()[0] <= nowNs) {
        owners.add(lease.ownerId());
      }
    }
    long[] sorted = new long[owners.size()];
    int i = 0;
    for (LongHashSet.LongIterator it = owners.iterator(); it.hasNext(); ) {
      sorted[i++] = it.nextValue();
    }
    java.util.Arrays.sort(sorted);
    return sorted;
  }

  /** Closes everything an owner holds; returns the number of leases ended. */
  public int releaseOwner(long ownerId) {
    LongArrayList ids = new LongArrayList();
    leases.forEachLong(
        (id, lease) -> {
          if (lease.ownerId() == ownerId) {
            ids.addLong(id);
          }
        });
    return closeHolders(ids);
  }

  int releaseAll() {
    LongArrayList ids = new LongArrayList();
    leases.forEachLong((id, lease) -> ids.addLong(id));
    return closeHolders(ids);
  }

  private int closeHolders(LongArrayList ids) {
    // Holders take themselves out of the table, so the ids are collected first.
    for (int i = 0; i < ids.size(); i++) {
      Lease lease = leases.get(ids.getLong(i));
      if (lease != null) {
        try {
          lease.holder().close();
        } catch (RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException("a lease holder failed to close", e);
        }
      }
    }
    return ids.size();
  }
}
