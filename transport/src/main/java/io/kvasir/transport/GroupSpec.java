package io.kvasir.transport;

import java.util.Arrays;

/**
 * Members of a collective group in rank order. All members give equal specs but for the own rank.
 * After a member's restart, or a failed operation, the members form the group again: with the new
 * incarnation, or the next formation number; what is under way in the old one is refused.
 *
 * @param groupId id, unique in the cluster
 * @param formation raised when the same incarnations form the group again
 * @param nodeIds node of each rank; at most 64
 * @param incarnations incarnation of each rank
 * @param ownRank this node's rank
 */
public record GroupSpec(
    long groupId, int formation, long[] nodeIds, long[] incarnations, int ownRank) {
  /** Most members of a group. */
  public static final int MAX_MEMBERS = 64;

  public GroupSpec {
    nodeIds = nodeIds.clone();
    incarnations = incarnations.clone();
    if (nodeIds.length < 1
        || nodeIds.length > MAX_MEMBERS
        || nodeIds.length != incarnations.length) {
      throw new IllegalArgumentException(
          "a group has 1.."
              + MAX_MEMBERS
              + " members with one incarnation each, not nodeIds="
              + nodeIds.length
              + ", incarnations="
              + incarnations.length);
    }
    if (ownRank < 0 || ownRank >= nodeIds.length) {
      throw new IllegalArgumentException(
          "ownRank=" + ownRank + " is outside 0.." + (nodeIds.length - 1));
    }
    if (Arrays.stream(nodeIds).distinct().count() != nodeIds.length) {
      throw new IllegalArgumentException("a node is member twice: " + Arrays.toString(nodeIds));
    }
  }

  /** Members. */
  public int size() {
    return nodeIds.length;
  }

  /** Digest of members, incarnations and formation; equal specs have equal epochs. */
  public long epoch() {
    long digest = mix(groupId) + formation;
    for (int rank = 0; rank < nodeIds.length; rank++) {
      digest = mix(digest ^ mix(nodeIds[rank]));
      digest = mix(digest ^ mix(incarnations[rank] + rank));
    }
    return digest;
  }

  /** A bijection of 64 bits in which every input bit reaches every output bit. */
  private static long mix(long value) {
    long mixed = (value ^ (value >>> 32)) * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ (mixed >>> 29)) * 0xBF58476D1CE4E5B9L;
    return mixed ^ (mixed >>> 32);
  }
}
