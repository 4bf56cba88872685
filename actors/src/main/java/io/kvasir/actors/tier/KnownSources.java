package io.kvasir.actors.tier;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.tier.LoadPlanner.Offer;
import io.kvasir.actors.tier.LoadPlanner.Source;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Who has blocks of one prompt below the device, as its fetch learns it. What a source has failed
 * to give is not wanted from it again, whoever names it. Guarded by its {@link FetchRun}'s lock.
 */
final class KnownSources {
  private static final Source HERE = new Source(Residence.HOST, 0);

  private final ClusterView view;
  private final int groups;
  private final int blocks;
  private final Map<Source, List<BitSet>> held = new LinkedHashMap<>();
  private final Map<Source, List<BitSet>> missed = new HashMap<>();

  /**
   * @param blocks of the chain
   */
  KnownSources(ClusterView view, int groups, int blocks) {
    this.view = view;
    this.groups = groups;
    this.blocks = blocks;
    held.put(HERE, empty());
  }

  private List<BitSet> empty() {
    return empty(groups, blocks);
  }

  /** A set for each group. */
  static List<BitSet> empty(int groups, int blocks) {
    List<BitSet> sets = new ArrayList<>();
    for (int group = 0; group < groups; group++) {
      sets.add(new BitSet(blocks));
    }
    return sets;
  }

  /** [group] what this node's host tier has. */
  List<BitSet> here() {
    return held.get(HERE);
  }

  /**
   * Peers are said to hold blocks.
   *
   * @return whether all of them are in view in the lives named, and hold blocks of such a chain
   */
  boolean add(Holdings holdings) {
    boolean all = true;
    for (Holdings.Holder holder : holdings.holders()) {
      if (holder.blocks().size() != groups
          || TierFetcher.peer(view, holder.nodeId(), holder.incarnation()) == null) {
        all = false;
        continue;
      }
      Source source = new Source(Residence.PEER, holder.nodeId());
      List<BitSet> has = held.computeIfAbsent(source, peer -> empty());
      for (int group = 0; group < groups; group++) {
        has.get(group).or(holder.blocks().get(group));
        if (missed.containsKey(source)) {
          has.get(group).andNot(missed.get(source).get(group));
        }
      }
    }
    return all;
  }

  /** A source did not give a block. */
  void miss(Source source, BlockPlace place) {
    int group = place.id().group();
    held.get(source).get(group).clear(place.index());
    missed.computeIfAbsent(source, peer -> empty()).get(group).set(place.index());
  }

  /** The peers named so far, for a sentence; empty when there are none. */
  String peers() {
    return held.keySet().stream()
        .filter(source -> !source.equals(HERE))
        .map(Source::toString)
        .collect(Collectors.joining(", "));
  }

  /**
   * What can be loaded now.
   *
   * @param bypassed takes the blocks of sources that are left out
   * @param said takes a sentence about each of those
   */
  List<Offer> offers(RateBook rates, BitSet bypassed, List<String> said) {
    List<Offer> offers = new ArrayList<>();
    held.forEach(
        (source, has) -> {
          if (has.stream().allMatch(BitSet::isEmpty)) {
            return;
          }
          Offer offer = rates.offer(source, has, said);
          if (offer != null) {
            offers.add(offer);
          } else {
            bypassed.or(has.getFirst());
          }
        });
    return offers;
  }
}
