package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.KvView;

/** The page tables of one sequence, one per layer group, changed together or not at all. */
final class GroupTables {
  private final KvCache cache;
  private final CacheLayout layout;
  private final GroupTable[] tables;
  private final KvView[] views;

  GroupTables(KvCache cache) {
    this.cache = cache;
    layout = cache.layout();
    tables = new GroupTable[layout.groupCount()];
    views = new KvView[tables.length];
    for (int g = 0; g < tables.length; g++) {
      replace(g, new TokenTable(cache, layout.group(g)));
    }
  }

  int count() {
    return tables.length;
  }

  GroupTable get(int group) {
    return tables[group];
  }

  /** The table that holds a layer's KV, aliases resolved. */
  GroupTable ofLayer(int layer) {
    int group = layout.groupOf(layer);
    if (group < 0) {
      throw new IllegalArgumentException("layer " + layer + " keeps no KV in this layout");
    }
    return tables[group];
  }

  TokenTable tokens(int group) {
    if (tables[group] instanceof TokenTable table) {
      return table;
    }
    throw new IllegalStateException(
        "layer group " + group + " is head-paged, evict with toHeadPages");
  }

  HeadTable heads(int group) {
    if (tables[group] instanceof HeadTable table) {
      return table;
    }
    throw new IllegalStateException(
        "layer group " + group + " has token pages, call toHeadPages first");
  }

  /** Puts a new table in the place of one that is closed or empty. */
  void replace(int group, GroupTable table) {
    tables[group] = table;
    views[group] = new KvView();
    views[group].entryCounts = new int[table.heads];
  }

  KvView view(int layer) {
    GroupTable table = ofLayer(layer);
    KvView view = views[table.group.id()];
    table.fillView(view, layout.ordinalInGroup(layer));
    return view;
  }

  /** The table of an entry that is held or reserved; others are refused. */
  GroupTable checked(int group, int entry) {
    GroupTable table = tables[group];
    table.checkEntry(entry, table.firstEntry(), table.committed + table.reserved);
    return table;
  }

  void addNeed(int[] need, int entries) {
    for (int g = 0; g < tables.length; g++) {
      need[g] += tables[g].pagesNeeded(entries);
    }
  }

  boolean reserve(int entries) {
    int[] need = cache.scratchNeed();
    addNeed(need, checkCount(entries));
    if (!cache.store.canAllocate(need)) {
      return false;
    }
    for (int g = 0; g < tables.length; g++) {
      // Pages of several sizes compete for slabs, so a group can fail although each would fit
      // alone.
      if (!tables[g].reserve(entries)) {
        for (int done = g - 1; done >= 0; done--) {
          tables[done].unreserve(entries);
        }
        return false;
      }
    }
    return true;
  }

  boolean reserve(int group, int entries) {
    int[] need = cache.scratchNeed();
    need[group] = tables[group].pagesNeeded(checkCount(entries));
    return cache.store.canAllocate(need) && tables[group].reserve(entries);
  }

  private int checkCount(int entries) {
    int limit = cache.options().maxEntriesPerSequence();
    for (GroupTable table : tables) {
      if (entries < 0 || entries > limit - table.committed - table.reserved) {
        throw new IllegalArgumentException(
            "reserving entries="
                + entries
                + " beyond "
                + (table.committed + table.reserved)
                + " exceeds kvasir.runtime.cache.maxEntriesPerSequence="
                + limit
                + ", refuse the request or raise it");
      }
    }
    return entries;
  }

  /** Commits all, or the first {@code entries}, of what each group has reserved. */
  void commit(int entries) {
    for (GroupTable table : tables) {
      table.commit(Math.min(entries, table.reserved));
    }
  }

  void commitPath(int[] ordinals, int count) {
    for (GroupTable table : tables) {
      table.checkPath(ordinals, count);
    }
    for (GroupTable table : tables) {
      table.commitPath(ordinals, count);
    }
  }

  void commitReplacing(int group, int[][] victims) {
    HeadTable table = heads(group);
    if (table.reserved != 1) {
      throw new IllegalStateException(
          "replacing needs exactly one reserved entry, layer group "
              + group
              + " has "
              + table.reserved);
    }
    table.commitReplacing(victims);
    for (GroupTable other : tables) {
      if (other != table) {
        other.commit(other.reserved);
      }
    }
  }

  /** Whether {@code entries} covers what every group has reserved. */
  boolean coversReserved(int entries) {
    for (GroupTable table : tables) {
      if (table.reserved > entries) {
        return false;
      }
    }
    return true;
  }

  boolean toHeadPages(int group, int[][][] keep) {
    GroupTable old = settled(group);
    if (old instanceof HeadTable heads) {
      heads.retain(keep);
      return true;
    }
    HeadTable heads = HeadTable.gather(old, keep);
    if (heads != null) {
      old.close();
      replace(group, heads);
    }
    return heads != null;
  }

  boolean retain(int group, int[] keep) {
    settled(group);
    TokenTable table = tokens(group);
    int next = table.firstEntry();
    for (int entry : keep) {
      table.checkEntry(entry, next, table.committed);
      next = entry + 1;
    }
    return table.retain(keep);
  }

  private GroupTable settled(int group) {
    if (tables[group].reserved > 0) {
      throw new IllegalStateException(
          "layer group "
              + group
              + " has reserved="
              + tables[group].reserved
              + " entries, commit or abort first");
    }
    return tables[group];
  }

  /** Refuses to go on while anything is reserved. */
  void requireSettled() {
    for (int g = 0; g < tables.length; g++) {
      settled(g);
    }
  }

  int maxCommitted() {
    int most = 0;
    for (GroupTable table : tables) {
      most = Math.max(most, table.committed);
    }
    return most;
  }

  boolean isEmpty() {
    for (GroupTable table : tables) {
      if (table.committed + table.reserved > 0) {
        return false;
      }
    }
    return true;
  }

  /** Blocks that reach beyond the first {@code entries} entries are not worth caching. */
  void keepOnly(int entries) {
    for (GroupTable table : tables) {
      if (table instanceof TokenTable tokens) {
        tokens.keepOnly(entries);
      }
    }
  }

  void close() {
    for (GroupTable table : tables) {
      table.close();
    }
  }
}
