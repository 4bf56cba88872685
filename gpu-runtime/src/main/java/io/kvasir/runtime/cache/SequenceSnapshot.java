package io.kvasir.runtime.cache;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Everything a sequence owns, taken out of its device: pages in slot order, side tables, states,
 * tokens and the standing of its key chain, with a checksum. Parts that belong to others (policy
 * state, sampler counters, decisions) travel as typed parts. Immutable except for its parts; usable
 * from any thread once handed over.
 */
public final class SequenceSnapshot {
  /**
   * Standing of the key chain.
   *
   * @param domainDigests key domain and tenant of each group
   * @param sealing whether blocks were still published
   * @param mapped whether entries still correspond to tokens
   * @param policy digest of the lossy step behind the KV, or null
   */
  record Chain(
      byte[][] domainDigests, int[] tokens, boolean sealing, boolean mapped, byte[] policy) {}

  private final GroupSnapshot[] groups;
  private final float[][] states;
  private final Chain chain;
  private final BlockExtras extras;
  private final int checksum;
  private final Map<Class<?>, Object> parts = new LinkedHashMap<>();

  SequenceSnapshot(
      GroupSnapshot[] groups, float[][] states, Chain chain, BlockExtras extras, int checksum) {
    this.groups = groups;
    this.states = states;
    this.chain = chain;
    this.extras = extras;
    this.checksum = checksum;
  }

  /** Adds or replaces the part of a type; the snapshot does not look inside. */
  public <T> SequenceSnapshot with(Class<T> type, T part) {
    parts.put(type, type.cast(part));
    return this;
  }

  /** The part of a type, or null. */
  public <T> T part(Class<T> type) {
    return type.cast(parts.get(type));
  }

  public int groupCount() {
    return groups.length;
  }

  /** Tokens that were handed over for sealing, a copy. */
  public int[] tokens() {
    return chain.tokens().clone();
  }

  /** Committed entries of a group; with head pages those of the longest list. */
  public int committed(int group) {
    return Arrays.stream(groups[group].counts()).max().orElse(0);
  }

  /** Page bytes of all groups. */
  public long bytes() {
    long sum = 0;
    for (GroupSnapshot group : groups) {
      sum += group.bytes();
    }
    return sum;
  }

  GroupSnapshot group(int g) {
    return groups[g];
  }

  float[][] states() {
    return states;
  }

  Chain chain() {
    return chain;
  }

  BlockExtras extras() {
    return extras;
  }

  int checksum() {
    return checksum;
  }
}
