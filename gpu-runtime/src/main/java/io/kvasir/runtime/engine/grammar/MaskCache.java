package io.kvasir.runtime.engine.grammar;

import org.agrona.collections.Long2ObjectHashMap;

/**
 * Token masks by state and by as many frames below it as they depend on. A mask is found when it is
 * first asked for and kept; when the kept ones exceed {@link GrammarLimits#MAX_MASK_BYTES} all are
 * dropped. Not thread-safe.
 */
final class MaskCache {
  /** Slack of masks that were found as if nesting had no bound. */
  private static final int UNBOUNDED = Needs.NEVER / 4;

  private static final int[] TRIE_ROOT = {0};

  private final MaskWalk walk;
  private final Long2ObjectHashMap<MaskNode> roots = new Long2ObjectHashMap<>();
  private final Long2ObjectHashMap<MaskNode> children = new Long2ObjectHashMap<>();
  private long keptBytes;

  MaskCache(MaskWalk walk) {
    this.walk = walk;
  }

  /** Adds the tokens that a reading may take next. */
  void collect(int state, int stack, StackArena arena, long[] sum) {
    int slack = GrammarLimits.MAX_DEPTH - arena.depth(stack);
    if (!collect(state, stack, arena, sum, slack, UNBOUNDED)) {
      // So deep that the bound on nesting decides: masks for exactly this depth.
      collect(state, stack, arena, sum, slack, slack);
    }
  }

  private boolean collect(
      int state, int stack, StackArena arena, long[] sum, int slack, int assumed) {
    MaskNode node = root(state, assumed);
    int level = 0;
    for (int s = stack; ; s = arena.below(s)) {
      if (assumed == UNBOUNDED && node.demand > slack) {
        return false;
      }
      node.addTo(sum);
      if (node.pending.length == 0 || s == StackArena.BOTTOM) {
        return true;
      }
      node = child(node, arena.back(s), ++level, assumed);
    }
  }

  private MaskNode root(int state, int assumed) {
    long key = (long) assumed << 32 | state;
    MaskNode node = roots.get(key);
    if (node == null) {
      node = walk.run(state, TRIE_ROOT, 0, assumed);
      keep(node);
      roots.put(key, node);
    }
    return node;
  }

  private MaskNode child(MaskNode parent, int back, int level, int assumed) {
    long key = (long) parent.id << 32 | back;
    MaskNode node = children.get(key);
    if (node == null) {
      node = walk.run(back, parent.pending, level, assumed);
      keep(node);
      children.put(key, node);
    }
    return node;
  }

  private void keep(MaskNode node) {
    keptBytes += node.bytes();
    if (keptBytes > GrammarLimits.MAX_MASK_BYTES) {
      roots.clear();
      children.clear();
      keptBytes = node.bytes();
    }
  }

  long keptBytes() {
    return keptBytes;
  }
}
