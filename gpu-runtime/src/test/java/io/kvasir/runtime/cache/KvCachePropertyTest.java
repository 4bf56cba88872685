package io.kvasir.runtime.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.ReferenceSequence.Entry;
import io.kvasir.runtime.cache.ReferenceSequence.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Seeded random operations on several sequences of one tight arena, compared with {@link
 * ReferenceSequence} after every operation. Run one seed again with {@code
 * -Dkvasir.test.seed=SEED}.
 */
final class KvCachePropertyTest {
  private static final int OPERATIONS = 24_000;
  private static final int MAX_SEQUENCES = 6;
  private static final int WINDOW = 24;
  private static final String[] TENANTS = {"red", "blue"};

  private Random random;
  private CacheFixture f;
  private final List<ReferenceSequence> open = new ArrayList<>();
  private final int[][] prompts = new int[3][160];
  private long freshStamp = 1L << 40;
  private int hits;
  private int refusals;
  private int moved;
  private int imports;

  @Test
  void shouldHoldWhatTheReferenceHoldsThroughRandomOperations() {
    long seed = Long.getLong("kvasir.test.seed", 20261123L);
    int operation = 0;
    try {
      random = new Random(seed);
      makePrompts();
      f = new CacheFixture(CacheFixture.twoGroups(WINDOW), 22 << 10);
      for (; operation < OPERATIONS; operation++) {
        step();
        if (operation % 64 == 0) {
          verifyAll();
        }
      }
      verifyAll();
      open.forEach(s -> s.cache.close());
      f.assertNothingHeld();
      f.close();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "operation " + operation + " failed, run again with -Dkvasir.test.seed=" + seed, e);
    }
    assertTrue(hits > 1000, "prefix tokens hit: " + hits);
    assertTrue(refusals > 100, "refused reservations: " + refusals);
    assertTrue(moved > 100, "tree paths with moves: " + moved);
    assertTrue(imports > 50, "imports: " + imports);
    assertTrue(f.cache.stats().copiedPages() > 100, "copies: " + f.cache.stats());
    assertTrue(f.cache.stats().evictedBlocks() > 100, "evictions: " + f.cache.stats());
    assertTrue(f.cache.stats().duplicateBlocks() > 10, "duplicates: " + f.cache.stats());
  }

  private void makePrompts() {
    for (int p = 0; p < prompts.length; p++) {
      for (int i = 0; i < prompts[p].length; i++) {
        prompts[p][i] = p > 0 && i < 40 * p ? prompts[p - 1][i] : random.nextInt(3);
      }
    }
  }

  private void step() {
    if (open.isEmpty() || (open.size() < MAX_SEQUENCES && random.nextInt(8) == 0)) {
      openSequence();
      return;
    }
    ReferenceSequence s = open.get(random.nextInt(open.size()));
    switch (random.nextInt(20)) {
      case 0, 1, 2, 3, 4, 5, 6, 7 -> append(s);
      case 8 -> overwrite(s);
      case 9 -> dropBefore(s);
      case 10 -> toHeadPages(s);
      case 11, 12 -> replace(s);
      case 13 -> retain(s);
      case 14 -> move(s);
      case 15 -> fork(s);
      case 16 -> sideValues(s);
      case 17 -> abortAfterWrites(s);
      case 18 -> close(s);
      default -> evictOrKeepOnly(s);
    }
    if (!s.cache.isClosed()) {
      s.verify(f, "touched");
    }
    assertTrue(f.cache.usedBytes() >= f.cache.referencedBytes());
    assertEquals(open.size(), f.cache.leaseCount());
  }

  private void verifyAll() {
    for (ReferenceSequence s : open) {
      s.verify(f, "all");
    }
  }

  private void openSequence() {
    String tenant = TENANTS[random.nextInt(TENANTS.length)];
    ReferenceSequence s = new ReferenceSequence(f.open(tenant), tenant, f.layout);
    open.add(s);
    int[] prompt = prompts[random.nextInt(prompts.length)];
    int length = 1 + random.nextInt(100);
    int hit = f.cache.attachPrefix(s.cache, prompt, length);
    assertTrue(hit <= length && hit % CacheFixture.SLOTS == 0);
    hits += hit;
    for (int i = 0; i < hit; i++) {
      token(s, prompt[i]);
      for (Group group : s.groups) {
        add(group, s.hash);
      }
    }
    s.groups.get(1).dropped = s.cache.dropped(1);
    assertTrue(s.cache.dropped(1) <= Math.max(0, hit - WINDOW));
    // The rest of the prompt, sometimes all of it.
    int rest = random.nextBoolean() ? length - hit : Math.min(length - hit, 5);
    commitTokens(s, Arrays.copyOfRange(prompt, hit, hit + rest));
  }

  private static void token(ReferenceSequence s, int token) {
    s.tokens.add(token);
    s.hash = CacheFixture.mix(s.hash, token, 7);
  }

  private static void add(Group group, long stamp) {
    for (List<Entry> list : group.lists) {
      list.add(new Entry(stamp, group.nextIndex, 0f));
    }
    group.nextIndex++;
  }

  /** Plain prefill or decode: reserve, write, commit, seal. */
  private void commitTokens(ReferenceSequence s, int[] tokens) {
    if (!reserve(s, tokens.length)) {
      return;
    }
    int from = s.tokens.size();
    for (int i = 0; i < tokens.length; i++) {
      token(s, tokens[i]);
      for (int g = 0; g < s.groups.size(); g++) {
        f.write(s.cache, g, s.cache.committed(g) + i, s.hash);
        add(s.groups.get(g), s.hash);
      }
    }
    s.cache.commit();
    seal(s, from);
  }

  private void seal(ReferenceSequence s, int from) {
    int[] all = s.tokens.stream().mapToInt(Integer::intValue).toArray();
    s.cache.sealTokens(all, from, all.length);
  }

  private boolean reserve(ReferenceSequence s, int entries) {
    boolean expected = f.cache.canReserve(s.cache, entries);
    boolean done = s.cache.reserve(entries);
    if (!expected) {
      assertTrue(!done, "canReserve said no");
    }
    if (!done) {
      refusals++;
      s.verify(f, "refused");
      if (open.size() > 1 && random.nextBoolean()) {
        close(open.get(random.nextInt(open.size())));
      }
    }
    return done;
  }

  private void append(ReferenceSequence s) {
    if (s.committed(0) > 300) {
      close(s);
      return;
    }
    int count = random.nextInt(4) == 0 ? 1 + random.nextInt(30) : 1;
    int kind = random.nextInt(3);
    int[] next = new int[count];
    int[] prompt = prompts[random.nextInt(prompts.length)];
    for (int i = 0; i < count; i++) {
      next[i] = prompt[(s.tokens.size() + i) % prompt.length];
    }
    if (kind == 0 || count == 1) {
      commitTokens(s, next);
    } else if (kind == 1) {
      commitFirst(s, next, random.nextInt(count + 1));
    } else {
      commitTree(s, next);
    }
  }

  private void commitFirst(ReferenceSequence s, int[] tokens, int accepted) {
    if (!reserve(s, tokens.length)) {
      return;
    }
    int from = s.tokens.size();
    long hash = s.hash;
    for (int i = 0; i < tokens.length; i++) {
      hash = CacheFixture.mix(hash, tokens[i], 7);
      for (int g = 0; g < s.groups.size(); g++) {
        f.write(s.cache, g, s.cache.committed(g) + i, hash);
      }
    }
    for (int i = 0; i < accepted; i++) {
      token(s, tokens[i]);
      for (Group group : s.groups) {
        add(group, s.hash);
      }
    }
    s.cache.commit(accepted);
    seal(s, from);
  }

  /** Writes a path scattered among wrong branches, with indices as a tree has them. */
  private void commitTree(ReferenceSequence s, int[] tokens) {
    int nodes = tokens.length + random.nextInt(6);
    if (!reserve(s, nodes)) {
      return;
    }
    int[] path = random.ints(0, nodes).distinct().limit(tokens.length).sorted().toArray();
    int from = s.tokens.size();
    int[] base = new int[s.groups.size()];
    for (int g = 0; g < base.length; g++) {
      base[g] = s.groups.get(g).nextIndex;
    }
    int depth = 0;
    for (int node = 0; node < nodes; node++) {
      boolean onPath = depth < path.length && path[depth] == node;
      if (onPath) {
        token(s, tokens[depth]);
      }
      long stamp = onPath ? s.hash : freshStamp++;
      for (int g = 0; g < s.groups.size(); g++) {
        int entry = s.cache.committed(g) + node;
        f.write(s.cache, g, entry, stamp);
        s.cache.setIndex(g, entry, base[g] + depth);
        if (onPath) {
          add(s.groups.get(g), stamp);
        }
      }
      depth += onPath ? 1 : 0;
      moved += onPath && node >= depth ? 1 : 0;
    }
    s.cache.commitPath(path);
    seal(s, from);
  }

  private void abortAfterWrites(ReferenceSequence s) {
    int count = 1 + random.nextInt(20);
    if (reserve(s, count)) {
      for (int g = 0; g < s.groups.size(); g++) {
        int entry = s.cache.committed(g) + random.nextInt(count);
        f.write(s.cache, g, entry, freshStamp++);
        s.cache.setIndex(g, entry, 7);
      }
      s.verify(f, "before abort");
      s.cache.abort();
    }
  }

  /** Overwrites one committed entry; a shared page must be copied first. */
  private void overwrite(ReferenceSequence s) {
    int g = random.nextInt(s.groups.size());
    Group group = s.groups.get(g);
    int end = s.committed(g);
    if (group.headPages || end == group.dropped) {
      return;
    }
    int entry = group.dropped + random.nextInt(end - group.dropped);
    if (!s.cache.makeWritable(g, entry, entry + 1)) {
      return;
    }
    long stamp = freshStamp++;
    f.write(s.cache, g, entry, stamp);
    for (List<Entry> list : group.lists) {
      Entry old = list.get(entry);
      list.set(entry, new Entry(stamp, old.index(), old.logWeight()));
    }
    // A private page may hold tokens whose block is not sealed yet: it must not be, from now on.
    s.cache.stopSealing();
  }

  private void dropBefore(ReferenceSequence s) {
    Group group = s.groups.get(1);
    if (group.headPages) {
      return;
    }
    int index = group.nextIndex - random.nextInt(60);
    int drop = group.dropped;
    List<Entry> list = group.lists.get(0);
    while (drop + CacheFixture.SLOTS <= list.size()
        && list.subList(drop, drop + CacheFixture.SLOTS).stream()
            .allMatch(e -> e.index() < index)) {
      drop += CacheFixture.SLOTS;
    }
    s.cache.dropBefore(1, index);
    group.dropped = drop;
  }

  private void toHeadPages(ReferenceSequence s) {
    int g = random.nextInt(s.groups.size());
    Group group = s.groups.get(g);
    int[][][] keep = new int[f.layout.group(g).layerCount()][][];
    int share = 1 + random.nextInt(10);
    for (int layer = 0; layer < keep.length; layer++) {
      keep[layer] = random.nextInt(5) == 0 ? null : new int[CacheFixture.HEADS][];
      for (int head = 0; keep[layer] != null && head < CacheFixture.HEADS; head++) {
        int size = group.lists.get(layer * CacheFixture.HEADS + head).size();
        keep[layer][head] = random.nextInt(5) == 0 ? null : choose(group.dropped, size, share);
      }
    }
    if (!s.cache.toHeadPages(g, keep)) {
      return;
    }
    for (int i = 0; i < group.lists.size(); i++) {
      int[][] ofLayer = keep[i / CacheFixture.HEADS];
      int[] kept = ofLayer == null ? null : ofLayer[i % CacheFixture.HEADS];
      List<Entry> old = group.lists.get(i);
      List<Entry> list = new ArrayList<>(old.subList(group.dropped, old.size()));
      if (kept != null) {
        list.clear();
        for (int entry : kept) {
          list.add(old.get(entry));
        }
      }
      group.lists.set(i, list);
    }
    group.headPages = true;
    group.dropped = 0;
    s.mapped = false;
  }

  private int[] choose(int from, int end, int share) {
    return java.util.stream.IntStream.range(from, end)
        .filter(i -> random.nextInt(10) < share)
        .toArray();
  }

  /** One decode step of a policy that overwrites a victim in each list, or appends. */
  private void replace(ReferenceSequence s) {
    int g = random.nextInt(s.groups.size());
    Group group = s.groups.get(g);
    if (!group.headPages || !reserve(s, 1)) {
      return;
    }
    long stamp = freshStamp++;
    for (int other = 0; other < s.groups.size(); other++) {
      f.write(s.cache, other, s.cache.committed(other), stamp);
      if (other != g) {
        add(s.groups.get(other), stamp);
      }
    }
    int[][] victims = new int[f.layout.group(g).layerCount()][CacheFixture.HEADS];
    for (int i = 0; i < group.lists.size(); i++) {
      List<Entry> list = group.lists.get(i);
      int victim = random.nextInt(list.size() + 1) - 1;
      victims[i / CacheFixture.HEADS][i % CacheFixture.HEADS] = victim;
      Entry entry = new Entry(stamp, group.nextIndex, 0f);
      if (victim < 0) {
        list.add(entry);
      } else {
        list.set(victim, entry);
      }
    }
    group.nextIndex++;
    s.cache.commitReplacing(g, victims);
    overwriteInPlace(s, g);
  }

  /** Writes straight into one entry of each head of one layer. */
  private void overwriteInPlace(ReferenceSequence s, int g) {
    Group group = s.groups.get(g);
    int ordinal = random.nextInt(f.layout.group(g).layerCount());
    int layer = f.layout.group(g).layer(ordinal);
    int[] entries = new int[CacheFixture.HEADS];
    long stamp = freshStamp++;
    for (int head = 0; head < CacheFixture.HEADS; head++) {
      List<Entry> list = group.lists.get(ordinal * CacheFixture.HEADS + head);
      if (list.isEmpty()) {
        return;
      }
      entries[head] = random.nextInt(list.size());
    }
    f.writeHeads(s.cache, layer, entries, stamp);
    for (int head = 0; head < CacheFixture.HEADS; head++) {
      int index = random.nextInt(group.nextIndex);
      s.cache.setIndex(layer, head, entries[head], index);
      List<Entry> list = group.lists.get(ordinal * CacheFixture.HEADS + head);
      float weight = list.get(entries[head]).logWeight();
      list.set(entries[head], new Entry(stamp, index, weight));
    }
  }

  private void retain(ReferenceSequence s) {
    int g = random.nextInt(s.groups.size());
    Group group = s.groups.get(g);
    if (group.headPages) {
      return;
    }
    int[] keep = choose(group.dropped, s.committed(g), 3 + random.nextInt(8));
    if (!s.cache.retainEntries(g, keep)) {
      return;
    }
    for (int i = 0; i < group.lists.size(); i++) {
      List<Entry> old = group.lists.get(i);
      List<Entry> list = new ArrayList<>(old.subList(0, group.dropped));
      for (int entry : keep) {
        list.add(old.get(entry));
      }
      group.lists.set(i, list);
    }
    s.mapped = false;
  }

  /** Out and in again, sometimes beside the original. */
  private void move(ReferenceSequence s) {
    SequenceSnapshot snapshot = s.cache.export();
    boolean keepOriginal = open.size() < MAX_SEQUENCES && random.nextBoolean();
    if (!keepOriginal) {
      close(s);
    }
    SequenceCache cache = f.cache.importSequence(snapshot, 500, s.tenant, f.nowNs + 1000);
    if (cache != null) {
      imports++;
      open.add(s.copy(cache));
    }
  }

  private void fork(ReferenceSequence s) {
    if (open.size() < MAX_SEQUENCES && s.groups.stream().noneMatch(g -> g.headPages)) {
      open.add(s.copy(s.cache.fork(600, f.nowNs + 1000)));
    }
  }

  private void sideValues(ReferenceSequence s) {
    int g = random.nextInt(s.groups.size());
    Group group = s.groups.get(g);
    int end = s.committed(g);
    if (group.headPages || end == group.dropped || random.nextInt(4) > 0) {
      return;
    }
    int entry = group.dropped + random.nextInt(end - group.dropped);
    float weight = random.nextFloat();
    s.cache.setLogWeight(g, entry, weight);
    s.cache.stopSealing();
    group.lists.forEach(list -> list.set(entry, list.get(entry).withLogWeight(weight)));
    if (entry == end - 1) {
      int index = group.nextIndex + random.nextInt(3);
      s.cache.setIndex(g, entry, index);
      group.nextIndex = index + 1;
      group.lists.forEach(list -> list.set(entry, list.get(entry).withIndex(index)));
    }
  }

  private void close(ReferenceSequence s) {
    s.cache.close();
    open.remove(s);
  }

  private void evictOrKeepOnly(ReferenceSequence s) {
    if (random.nextInt(4) == 0) {
      f.cache.evictUnreferenced();
    } else if (s.mapped) {
      s.cache.keepOnly(random.nextInt(100));
      close(s);
    }
  }
}
