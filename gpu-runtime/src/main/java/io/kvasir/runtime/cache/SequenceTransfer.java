package io.kvasir.runtime.cache;

import java.util.Arrays;
import java.util.zip.CRC32C;

/** Moves sequences between caches as snapshots, and forks them inside one. */
final class SequenceTransfer {
  private SequenceTransfer() {}

  static SequenceSnapshot export(KvCache cache, SequenceCache sequence) {
    GroupTables tables = sequence.tables();
    tables.requireSettled();
    GroupSnapshot[] groups = new GroupSnapshot[tables.count()];
    for (int g = 0; g < groups.length; g++) {
      groups[g] = tables.get(g).export();
    }
    float[][] states = sequence.states().export();
    cache.device.await();
    BlockChain chain = sequence.chain();
    return new SequenceSnapshot(
        groups,
        states,
        new SequenceSnapshot.Chain(
            chain.domainDigests(),
            chain.tokens(),
            chain.isSealing(),
            chain.isMapped(),
            chain.policy()),
        chain.extras(),
        checksum(groups));
  }

  /** Fills an empty sequence; false when pages ran out (close the sequence then). */
  static boolean load(KvCache cache, SequenceSnapshot snapshot, SequenceCache into) {
    check(cache, snapshot);
    GroupTables tables = into.tables();
    for (int g = 0; g < tables.count(); g++) {
      GroupSnapshot group = snapshot.group(g);
      boolean fits;
      if (group.headPages()) {
        tables.replace(g, new HeadTable(cache, cache.layout().group(g)));
        fits = tables.heads(g).load(group);
      } else {
        fits = tables.tokens(g).load(group);
      }
      if (!fits) {
        return false;
      }
    }
    into.states().load(snapshot.states());
    cache.device.await();
    BlockChain chain = into.chain();
    SequenceSnapshot.Chain from = snapshot.chain();
    chain.extras(snapshot.extras());
    chain.append(from.tokens(), 0, from.tokens().length);
    chain.resume(
        from.sealing() && Arrays.deepEquals(chain.domainDigests(), from.domainDigests()),
        from.mapped(),
        from.policy());
    return true;
  }

  private static void check(KvCache cache, SequenceSnapshot snapshot) {
    CacheLayout layout = cache.layout();
    boolean fits = snapshot.groupCount() == layout.groupCount();
    for (int g = 0; fits && g < layout.groupCount(); g++) {
      GroupSnapshot group = snapshot.group(g);
      LayerGroup here = layout.group(g);
      long bytes = group.headPages() ? here.frame().frameBytes() : here.pageBytes();
      int lists = group.headPages() ? here.framesPerPage() : 1;
      fits = group.counts().length == lists;
      for (byte[] page : group.pages()) {
        fits &= page.length == bytes;
      }
    }
    if (!fits || snapshot.states().length != layout.states().size()) {
      throw new IllegalArgumentException(
          "the snapshot's groups, page sizes or states differ from this cache's layout, import it"
              + " on a node that runs the same model with the same page length");
    }
    for (int i = 0; i < snapshot.states().length; i++) {
      float[] values = snapshot.states()[i];
      if (values != null && values.length != layout.states().get(i).floats()) {
        throw new IllegalArgumentException(
            "the snapshot's state "
                + layout.states().get(i).id()
                + " has "
                + values.length
                + " values, this layout wants "
                + layout.states().get(i).floats());
      }
    }
    GroupSnapshot[] groups = new GroupSnapshot[snapshot.groupCount()];
    Arrays.setAll(groups, snapshot::group);
    int actual = checksum(groups);
    if (actual != snapshot.checksum()) {
      throw new IllegalArgumentException(
          "the snapshot's pages have CRC32C="
              + Integer.toHexString(actual)
              + " but were exported with "
              + Integer.toHexString(snapshot.checksum())
              + ", discard it and recompute");
    }
  }

  private static int checksum(GroupSnapshot[] groups) {
    CRC32C crc = new CRC32C();
    for (GroupSnapshot group : groups) {
      for (byte[] page : group.pages()) {
        crc.update(page, 0, page.length);
      }
    }
    return (int) crc.getValue();
  }

  /** Shares every page and copies every state of a settled, token-paged sequence. */
  static void fork(SequenceCache from, SequenceCache into) {
    from.tables().requireSettled();
    for (int g = 0; g < from.tables().count(); g++) {
      into.tables().tokens(g).share(from.tables().tokens(g));
    }
    into.states().copyFrom(from.states());
    into.chain().copyFrom(from.chain());
  }
}
