package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/**
 * Blocks by key, for those who carry them in and out: look-up, pins, copies with their checksums.
 * Engine thread only. Copies are enqueued on the device; {@link #await} waits for them.
 */
public final class BlockAccess {
  private final KvCache cache;
  private final BlockStore store;
  private final Device device;
  private final long pinLimitBytes;
  private int[] found = new int[64];

  BlockAccess(KvCache cache) {
    this.cache = cache;
    store = cache.store;
    device = cache.device;
    // What is pinned is lost to running sequences until the pin ends: they keep an eighth.
    pinLimitBytes = cache.bytes() - cache.bytes() / 8;
  }

  public boolean isCached(int group, long high, long low) {
    return store.find(group, high, low) >= 0;
  }

  /**
   * A pin without blocks.
   *
   * @throws IllegalStateException when {@code maxPins} are open
   */
  public PinnedBlocks newPin(long ownerId, long deadlineNs) {
    cache.requireOpen();
    PinnedBlocks pin = new PinnedBlocks(cache);
    pin.leased(cache.pins().open(ownerId, deadlineNs, pin));
    return pin;
  }

  /** Pins a block; false when it is not cached or pins may not take more of the arena. */
  public boolean pin(PinnedBlocks pin, int group, long high, long low) {
    int page = store.find(group, high, low);
    if (page < 0 || !store.isReferenced(page) && !mayPin(group)) {
      return false;
    }
    pin.add(store.retain(page));
    return true;
  }

  private boolean mayPin(int group) {
    return cache.referencedBytes() + cache.layout().group(group).pageBytes() <= pinLimitBytes;
  }

  /**
   * Enqueues a copy of a cached block.
   *
   * @param target as many bytes as a block of the group has
   * @return false when it is not cached
   */
  public boolean copyOut(int group, long high, long low, MemorySegment target) {
    int page = store.find(group, high, low);
    if (page < 0) {
      return false;
    }
    device.downloadPages(
        store.memory(),
        store.address(store.arena().handle(page)),
        target.asSlice(0, cache.layout().group(group).pageBytes()));
    return true;
  }

  /** Waits for enqueued copies. */
  public void await() {
    device.await();
  }

  /** Layer checksums of a cached block, made when it was sealed; null when it is not cached. */
  public int[] checksums(int group, long high, long low) {
    int page = store.find(group, high, low);
    return page < 0
        ? null
        : store.ledger().checksums(page, group, store.address(store.arena().handle(page)));
  }

  /**
   * Enqueues the copy of a block into a page of its own, which must be sealed or discarded before
   * anything else happens to the cache.
   *
   * @return its handle, 0 without a page
   */
  public long stage(int group, MemorySegment source) {
    long handle = mayPin(group) ? store.allocate(group) : 0;
    if (handle != 0) {
      device.uploadPages(source, store.memory(), store.address(handle));
    }
    return handle;
  }

  /** Frees a staged page. */
  public void discard(long staged) {
    store.release(staged);
  }

  /**
   * Proves a staged page by the checksums of the device's own copy, then seals and pins it.
   *
   * @param checksums CRC32C of each layer of the group
   * @param granted whether what was copied had not changed; asked when the copy is complete
   * @return false when a checksum is wrong or it had; the page is freed then
   */
  public boolean seal(
      PinnedBlocks pin,
      long staged,
      int group,
      long high,
      long low,
      long rootHigh,
      long rootLow,
      int chainIndex,
      int[] checksums,
      BooleanSupplier granted) {
    LayerGroup of = cache.layout().group(group);
    if (found.length < of.layerCount()) {
      found = new int[of.layerCount()];
    }
    device.checksumPages(
        store.memory(), store.address(staged), of.layerBytes(), of.layerCount(), found, 0);
    if (!Arrays.equals(found, 0, of.layerCount(), checksums, 0, checksums.length)
        || !granted.getAsBoolean()) {
      discard(staged);
      return false;
    }
    pin.add(store.seal(staged, high, low, rootHigh, rootLow, chainIndex, checksums));
    return true;
  }

  /** Makes a block the next to be evicted; false when it is not cached or somebody refers to it. */
  public boolean demote(int group, long high, long low) {
    int page = store.find(group, high, low);
    if (page < 0 || store.isReferenced(page)) {
      return false;
    }
    store.demote(page);
    return true;
  }

  /** Tells a listener every block, lowest place in a chain first, then each change. */
  public void listen(BlockListener listener) {
    store.listen(listener);
  }

  /** Ends the pins whose deadline has passed; returns how many. Cheap while none is due. */
  public int endOverduePins(long nowNs) {
    return cache.pins().endOverdue(nowNs);
  }

  /** No pin is overdue before this; Long.MAX_VALUE without pins. */
  public long nextPinDeadlineNs() {
    return cache.pins().nextDeadlineNs();
  }

  /** Ends all pins of an owner; returns how many. */
  public int releasePins(long ownerId) {
    return cache.pins().releaseOwner(ownerId);
  }

  /** Ends the oldest pin, for a sequence that needs its pages; false when there is none. */
  public boolean breakOldestPin() {
    return cache.pins().endOldest();
  }

  public int pinCount() {
    return cache.pins().count();
  }
}
