package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.PageMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All KV memory of one device: the arena, the blocks that sequences share, the prefix index and the
 * leases. Sequences are opened here and everything else happens through them.
 *
 * <p>Thread rule: the engine's thread only. Ownership: the cache owns its page memory and the
 * states of its sequences; it does not own the device. Running out of pages is a normal answer
 * ({@code false}), after every unreferenced block has been evicted.
 */
public final class KvCache implements AutoCloseable {
  private static final int TENANT_DIGESTS = 1024;
  private static final int[] NO_TOKENS = {};

  final Device device;
  final BlockStore store;
  final FramePool[] framePools;
  final SlotCopies copies;
  final KeyHasher hasher = new KeyHasher();
  final StatePool statePool;
  long copiedPages;
  long refusedReservations;
  long sealedBlocks;
  long duplicateBlocks;

  private final CacheLayout layout;
  private final KeyDomain domain;
  private final CacheOptions options;
  private final LeaseTable leases;
  private final LeaseTable pins;
  private final BlockAccess blocks;
  private final PrefixMatcher matcher;
  private final int[] need;
  private final long stateBytesPerSequence;
  private final Map<String, byte[][]> domainDigests;
  private long lookups;
  private long lookupTokens;
  private long hitTokens;
  private int sequenceCount;
  private boolean closed;

  private KvCache(
      Device device,
      CacheLayout layout,
      KeyDomain domain,
      CacheOptions options,
      BlockListener listener) {
    this.device = device;
    this.layout = layout;
    this.domain = domain;
    this.options = options;
    long[] classes = new long[layout.groupCount()];
    int[] classOf = new int[layout.groupCount()];
    long[] distinct = Arrays.copyOf(classes, pageClasses(layout, classes, classOf));
    long slabBytes = PageArena.chooseSlabBytes(options.arenaBytes(), distinct);
    PageMemory memory = device.pages(options.arenaBytes() / slabBytes * slabBytes);
    PageArena arena = new PageArena(memory, distinct, slabBytes);
    BlockLedger ledger = new BlockLedger(arena.pageIndexCount(), layout, device, memory);
    store = new BlockStore(arena, classOf, ledger, listener);
    framePools = new FramePool[layout.groupCount()];
    for (int g = 0; g < framePools.length; g++) {
      framePools[g] = new FramePool(store, layout.group(g));
    }
    copies = new SlotCopies(device, memory);
    statePool = new StatePool(device);
    leases =
        new LeaseTable(
            options.clockNs(), "kvasir.runtime.cache.maxSequences", options.maxSequences());
    pins = new LeaseTable(options.clockNs(), "kvasir.runtime.cache.maxPins", options.maxPins());
    blocks = new BlockAccess(this);
    matcher = new PrefixMatcher(this);
    need = new int[layout.groupCount()];
    long stateBytes = 0;
    for (StateSpec spec : layout.states()) {
      stateBytes += 2L * 4 * spec.floats();
    }
    stateBytesPerSequence = stateBytes;
    domainDigests =
        new LinkedHashMap<>(64, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, byte[][]> eldest) {
            return size() > TENANT_DIGESTS;
          }
        };
  }

  /** Opens a cache; refuses an arena that cannot hold one page of every size. */
  public static KvCache open(
      Device device, CacheLayout layout, KeyDomain domain, CacheOptions options) {
    return open(device, layout, domain, options, BlockListener.NONE);
  }

  /** Opens a cache whose blocks are announced to {@code listener}. */
  public static KvCache open(
      Device device,
      CacheLayout layout,
      KeyDomain domain,
      CacheOptions options,
      BlockListener listener) {
    return new KvCache(device, layout, domain, options, listener);
  }

  private static int pageClasses(CacheLayout layout, long[] classes, int[] classOf) {
    int count = 0;
    for (int g = 0; g < layout.groupCount(); g++) {
      long bytes = layout.group(g).pageBytes();
      int c = 0;
      while (c < count && classes[c] != bytes) {
        c++;
      }
      classes[c] = bytes;
      classOf[g] = c;
      count = Math.max(count, c + 1);
    }
    return count;
  }

  public CacheLayout layout() {
    return layout;
  }

  public CacheOptions options() {
    return options;
  }

  public Device device() {
    return device;
  }

  /**
   * 128 bits of the key domain in hex: equal for caches whose blocks have one meaning, which is one
   * model, weights, arithmetic and encoding. Any thread.
   */
  public String domainDigest() {
    byte[] digest = new KeyHasher().domainDigest(domain.canonicalBytes(layout.group(0), ""));
    return HexFormat.of().formatHex(digest, 0, 16);
  }

  /**
   * Canonical bytes of each group's key domain with an empty tenant salt: what a node without this
   * cache needs to name its blocks. Any thread.
   */
  public List<byte[]> keyDomains() {
    List<byte[]> domains = new ArrayList<>(layout.groupCount());
    for (int g = 0; g < layout.groupCount(); g++) {
      domains.add(domain.canonicalBytes(layout.group(g), ""));
    }
    return domains;
  }

  /** Blocks by key, for those who carry them in and out. */
  public BlockAccess blocks() {
    return blocks;
  }

  LeaseTable pins() {
    return pins;
  }

  /** Where all page addresses of views and write targets lie. */
  public PageMemory memory() {
    return store.memory();
  }

  /** Leases of all sequences: renew, find overdue owners, release an owner. */
  public LeaseTable leases() {
    return leases;
  }

  /**
   * An empty sequence.
   *
   * @param ownerId who answers for its references
   * @param tenantSalt salt of the authenticated tenant, part of every key
   * @param deadlineNs when the lease is overdue, on the cache's clock
   */
  public SequenceCache newSequence(long ownerId, String tenantSalt, long deadlineNs) {
    requireOpen();
    if ((sequenceCount + 1) * stateBytesPerSequence > options.maxStateBytes()) {
      throw new IllegalStateException(
          "states of "
              + (sequenceCount + 1)
              + " sequences need "
              + (sequenceCount + 1) * stateBytesPerSequence
              + " bytes > kvasir.runtime.cache.maxStateBytes="
              + options.maxStateBytes()
              + ", admit fewer or raise it");
    }
    SequenceCache sequence =
        new SequenceCache(this, new BlockChain(this, digestsOf(tenantSalt)), tenantSalt, ownerId);
    sequence.leased(leases.open(ownerId, deadlineNs, sequence));
    sequenceCount++;
    return sequence;
  }

  private byte[][] digestsOf(String tenantSalt) {
    byte[][] digests = domainDigests.get(tenantSalt);
    if (digests == null) {
      digests = new byte[layout.groupCount()][];
      for (int g = 0; g < digests.length; g++) {
        digests[g] = hasher.domainDigest(domain.canonicalBytes(layout.group(g), tenantSalt));
      }
      domainDigests.put(tenantSalt, digests);
    }
    return digests;
  }

  /**
   * Attaches the longest chain of full blocks that all groups hold for these tokens to an empty
   * sequence. All tokens may hit: then the last row is recomputed without writing K and V.
   * Sequences with recurrent states attach nothing, because a state is not a function of pages.
   *
   * @return tokens attached, a multiple of the page length
   */
  public int attachPrefix(SequenceCache sequence, int[] tokens, int tokenCount) {
    sequence.requireEmpty();
    lookups++;
    lookupTokens += tokenCount;
    if (!layout.states().isEmpty()) {
      return 0;
    }
    int limit = Math.min(tokenCount, options.maxEntriesPerSequence());
    int blocks = matcher.match(sequence.chain(), tokens, limit);
    if (blocks > 0) {
      for (int g = 0; g < layout.groupCount(); g++) {
        TokenTable table = sequence.tables().tokens(g);
        table.attach(matcher.firstNeeded(g, blocks), blocks, matcher.blocks(g));
      }
      sequence.chain().attached(tokens, blocks, matcher.keyHigh(), matcher.keyLow());
    }
    int attached = blocks * layout.slots();
    hitTokens += attached;
    return attached;
  }

  /** How many of these tokens would hit; attaches and retains nothing. */
  public int probePrefix(String tenantSalt, int[] tokens, int tokenCount) {
    if (!layout.states().isEmpty()) {
      return 0;
    }
    BlockChain chain = new BlockChain(this, digestsOf(tenantSalt));
    return matcher.match(chain, tokens, tokenCount) * layout.slots();
  }

  /**
   * Brings an exported sequence in. Blocks of a snapshot of the same key domain and tenant are
   * sealed here too; a snapshot of another layout or with a wrong checksum is refused.
   *
   * @return null when pages are short even after evicting unreferenced blocks
   */
  public SequenceCache importSequence(
      SequenceSnapshot snapshot, long ownerId, String tenantSalt, long deadlineNs) {
    SequenceCache sequence = newSequence(ownerId, tenantSalt, deadlineNs);
    boolean done = false;
    try {
      done = SequenceTransfer.load(this, snapshot, sequence);
      if (done) {
        sequence.sealTokens(NO_TOKENS, 0, 0);
      }
    } finally {
      if (!done) {
        sequence.close();
      }
    }
    return done ? sequence : null;
  }

  /** Whether a new sequence could reserve {@code entries}, evicting unreferenced blocks. */
  public boolean canReserve(int entries) {
    Arrays.fill(need, (entries + layout.slots() - 1) / layout.slots());
    return store.canAllocate(need);
  }

  /** Whether {@link SequenceCache#reserve(int)} would succeed. */
  public boolean canReserve(SequenceCache sequence, int entries) {
    Arrays.fill(need, 0);
    sequence.tables().addNeed(need, entries);
    return store.canAllocate(need);
  }

  /** A zeroed array with one page count per group, reused by every caller. */
  int[] scratchNeed() {
    Arrays.fill(need, 0);
    return need;
  }

  /** Pages the arena can hold, in bytes. */
  public long bytes() {
    return store.arena().bytes();
  }

  /** Pages in use, cached blocks included. */
  public long usedBytes() {
    return store.arena().usedBytes();
  }

  /** Pages that a lease refers to. */
  public long referencedBytes() {
    return store.arena().pinnedBytes();
  }

  /** Bytes that new work could get by evicting unreferenced blocks. */
  public long freeableBytes() {
    return bytes() - referencedBytes();
  }

  /** Tokens that one sequence could hold if it had the whole arena, dropped windows apart. */
  public long capacityTokens() {
    long pages = 0;
    long slabs = store.arena().slabCount();
    // Bisection over whole pages: groups may have different page sizes and compete for slabs.
    long high = slabs * store.arena().pageIndexCount();
    while (pages < high) {
      long middle = (pages + high + 1) / 2;
      if (store.slabsFor(middle) <= slabs) {
        pages = middle;
      } else {
        high = middle - 1;
      }
    }
    return Math.min(pages * layout.slots(), options.maxEntriesPerSequence());
  }

  /** Leases of sequences and of pins. */
  public int leaseCount() {
    return leases.count() + pins.count();
  }

  /** Blocks with a key, referenced or not. */
  public int blockCount() {
    return store.blockCount();
  }

  /** Evicts every block that nobody refers to; returns how many. */
  public int evictUnreferenced() {
    return store.evictAll();
  }

  public CacheStats stats() {
    return new CacheStats(
        bytes(),
        usedBytes(),
        referencedBytes(),
        statePool.bytes(),
        leaseCount(),
        store.blockCount(),
        store.evictedCount(),
        sealedBlocks,
        duplicateBlocks,
        lookups,
        lookupTokens,
        hitTokens,
        copiedPages,
        refusedReservations);
  }

  void sequenceClosed(long leaseId) {
    sequenceCount--;
    leases.close(leaseId);
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the KV cache is closed, open a new one");
    }
  }

  /** Releases every lease, then the memory. */
  @Override
  public void close() {
    if (!closed) {
      leases.releaseAll();
      pins.releaseAll();
      closed = true;
      statePool.close();
      store.close();
    }
  }
}
