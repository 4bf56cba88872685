package io.kvasir.actors.schedule;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.directory.Holdings.Holder;
import io.kvasir.runtime.blocks.Residence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongPredicate;

/**
 * One tier of one node that holds blocks of a prompt, as a gateway tells a node. Such a list only
 * saves a lookup: one that cannot be read is as good as none. Arrays are read-only once sent.
 *
 * @param incarnation life of the node that announced them
 * @param residence name of a {@link Residence}: that node's device, host or disk
 * @param blocks [group] bits of the chain's blocks by their place, as {@link BitSet#toLongArray};
 *     empty when malformed
 */
record WireHolder(long nodeId, long incarnation, String residence, List<long[]> blocks) {
  /** Of one message: more copies than a prefix usually has. */
  static final int MAX_HOLDERS = 8;

  /** What a node can hold of its own. */
  private static final Set<Residence> TIERS =
      EnumSet.of(Residence.DEVICE, Residence.HOST, Residence.DISK);

  WireHolder {
    blocks = holes(blocks) ? List.of() : List.copyOf(blocks);
  }

  /** Whether a list is missing, or an element of it. */
  static boolean holes(List<?> list) {
    return list == null || list.stream().anyMatch(Objects::isNull);
  }

  /**
   * Holdings as they travel; of too many holders those that have most.
   *
   * @param receiver node that is told, which knows its own blocks best
   * @param alive nodes that are not silent
   */
  static List<WireHolder> of(Holdings holdings, long receiver, LongPredicate alive) {
    return holdings.holders().stream()
        .filter(holder -> holder.nodeId() != receiver && alive.test(holder.nodeId()))
        .sorted(Comparator.comparingInt(WireHolder::count).reversed())
        .limit(MAX_HOLDERS)
        .map(
            holder ->
                new WireHolder(
                    holder.nodeId(),
                    holder.incarnation(),
                    holder.residence().name(),
                    holder.blocks().stream().map(BitSet::toLongArray).toList()))
        .toList();
  }

  private static int count(Holder holder) {
    return holder.blocks().stream().mapToInt(BitSet::cardinality).sum();
  }

  /**
   * What a node was told, or null when that is nothing it can use.
   *
   * @param holders null = not told
   */
  static Holdings holdings(List<WireHolder> holders, int promptTokens) {
    if (holders == null || holders.size() > MAX_HOLDERS) {
      return null;
    }
    List<Holder> known = new ArrayList<>();
    for (WireHolder holder : holders) {
      if (!holder.fits(promptTokens)) {
        return null;
      }
      // A tier that only a later version knows is none.
      for (Residence tier : TIERS) {
        if (tier.name().equals(holder.residence)) {
          known.add(
              new Holder(
                  holder.nodeId,
                  holder.incarnation,
                  tier,
                  holder.blocks.stream().map(BitSet::valueOf).toList()));
        }
      }
    }
    // Nobody left of somebody is not the same as nobody.
    return known.isEmpty() && !holders.isEmpty() ? null : new Holdings(known, false);
  }

  /** A chain has no more blocks than the prompt has tokens. */
  private boolean fits(int promptTokens) {
    int words = Math.ceilDiv(promptTokens, Long.SIZE);
    return !blocks.isEmpty() && blocks.stream().allMatch(bits -> bits.length <= words);
  }

  /** Reads the list, or null where something else came: the order does not fail for it. */
  static final class ListReader extends JsonDeserializer<List<WireHolder>> {
    @Override
    public List<WireHolder> deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      JsonNode tree = context.readTree(parser);
      JavaType type =
          context.getTypeFactory().constructCollectionType(List.class, WireHolder.class);
      try {
        return context.readTreeAsValue(tree, type);
      } catch (JsonProcessingException malformed) {
        return null;
      }
    }
  }
}
