package io.kvasir.runtime.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvasir.runtime.device.KvView;
import java.util.ArrayList;
import java.util.List;

/**
 * What a sequence must contain, in plain lists: one list of entries per group, layer and head.
 * Token pages and head pages differ here only in how the lists were cut.
 */
final class ReferenceSequence {
  /** One entry: what was written, its logical index and its weight. */
  record Entry(long stamp, int index, float logWeight) {
    Entry withIndex(int value) {
      return new Entry(stamp, value, logWeight);
    }

    Entry withLogWeight(float value) {
      return new Entry(stamp, index, value);
    }
  }

  /** One group's lists, [layer of the group × heads + head]. */
  static final class Group {
    final List<List<Entry>> lists = new ArrayList<>();
    boolean headPages;
    int dropped;
    int nextIndex;
  }

  final SequenceCache cache;
  final String tenant;
  final List<Group> groups = new ArrayList<>();
  final List<Integer> tokens = new ArrayList<>();
  long hash = 17;
  boolean mapped = true;

  ReferenceSequence(SequenceCache cache, String tenant, CacheLayout layout) {
    this.cache = cache;
    this.tenant = tenant;
    for (int g = 0; g < layout.groupCount(); g++) {
      Group group = new Group();
      for (int i = 0; i < layout.group(g).framesPerPage(); i++) {
        group.lists.add(new ArrayList<>());
      }
      groups.add(group);
    }
  }

  /** The same contents under another cache object. */
  ReferenceSequence copy(SequenceCache other) {
    ReferenceSequence copy = new ReferenceSequence(other, tenant, other.layout());
    for (int g = 0; g < groups.size(); g++) {
      Group from = groups.get(g);
      Group to = copy.groups.get(g);
      to.headPages = from.headPages;
      to.dropped = from.dropped;
      to.nextIndex = from.nextIndex;
      for (int i = 0; i < from.lists.size(); i++) {
        to.lists.set(i, new ArrayList<>(from.lists.get(i)));
      }
    }
    copy.tokens.addAll(tokens);
    copy.hash = hash;
    copy.mapped = mapped;
    return copy;
  }

  int committed(int g) {
    int longest = 0;
    for (List<Entry> list : groups.get(g).lists) {
      longest = Math.max(longest, list.size());
    }
    return longest;
  }

  /** Compares every held entry and side value of one sequence, reserved ones left out. */
  void verify(CacheFixture fixture, String where) {
    for (int layer = 0; layer < fixture.layout.layerCount(); layer++) {
      int g = fixture.layout.groupOf(layer);
      int owner = fixture.layout.ownerLayer(layer);
      Group group = groups.get(g);
      KvView view = cache.view(layer);
      int reserved = cache.reserved(g);
      assertEquals(group.dropped, cache.dropped(g), where + " dropped");
      assertEquals(committed(g), cache.committed(g), where + " committed");
      assertEquals(group.headPages, view.orderByEntry, where + " form");
      for (int head = 0; head < CacheFixture.HEADS; head++) {
        List<Entry> list =
            group.lists.get(fixture.layout.ordinalInGroup(layer) * CacheFixture.HEADS + head);
        assertEquals(
            list.size() - group.dropped + reserved, view.entryCounts[head], where + " count");
        for (int e = group.dropped; e < list.size(); e++) {
          int at = e - group.dropped;
          Entry entry = list.get(e);
          fixture.assertEntry(view, owner, head, at, entry.stamp(), where);
          int index = view.indices == null ? view.firstIndex + at : view.indices[head][at];
          if (index != entry.index()) {
            assertEquals(entry.index(), index, where + " index of entry " + e);
          }
          float weight = view.logWeights == null ? 0f : view.logWeights[head][at];
          if (weight != entry.logWeight()) {
            assertEquals(entry.logWeight(), weight, where + " weight of entry " + e);
          }
        }
      }
    }
  }
}
