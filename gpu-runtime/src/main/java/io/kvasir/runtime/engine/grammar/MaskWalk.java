package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * Walks the token trie from one state and notes which tokens survive. Where a token outlives the
 * frame it started in, the walk leaves a note ({@link MaskNode#pending}) instead of asking for the
 * caller; so what a state allows is found once, whoever called it. One thread.
 */
final class MaskWalk {
  private final Automaton automaton;
  private final TokenTrie trie;
  private final Threads threads;
  private final StackArena arena = new StackArena();
  private final PlainRuns runs;
  private final int[] runFrom;
  private final int[] runEnd;
  private final long[] bits;
  private int[] ids = new int[256];
  private int[] pending = new int[256];
  private int idCount;
  private int pendingCount;
  private int nextId = 1;

  MaskWalk(Automaton automaton, int[] need, Vocabulary vocabulary) {
    this.automaton = automaton;
    this.trie = vocabulary.trie();
    this.threads = new Threads(automaton, need, arena);
    this.runs = new PlainRuns(automaton, need);
    this.runFrom = new int[trie.maxDepth() + 1];
    this.runEnd = new int[trie.maxDepth() + 1];
    this.bits = new long[vocabulary.size() + 63 >> 6];
  }

  /**
   * @param state where the tokens, or what is left of them, start
   * @param nodes trie nodes that are passed already
   * @param level frames popped since the token started
   * @param slack open calls allowed above the token's first frame
   */
  MaskNode run(int state, int[] nodes, int level, int slack) {
    arena.reset(-level);
    threads.slack = slack;
    threads.demand = Integer.MIN_VALUE;
    Arrays.fill(bits, 0);
    idCount = 0;
    pendingCount = 0;
    for (int node : nodes) {
      walk(state, node);
    }
    int[] further = distinctPending();
    return new MaskNode(
        nextId++,
        idCount > ids.length ? bits.clone() : null,
        idCount > ids.length || idCount == 0 ? MaskNode.NONE : Arrays.copyOf(ids, idCount),
        further,
        threads.demand);
  }

  private int[] distinctPending() {
    Arrays.sort(pending, 0, pendingCount);
    int kept = 0;
    for (int i = 0; i < pendingCount; i++) {
      if (i == 0 || pending[i] != pending[i - 1]) {
        pending[kept++] = pending[i];
      }
    }
    return kept == 0 ? MaskNode.NONE : Arrays.copyOf(pending, kept);
  }

  private void walk(int state, int node) {
    threads.put(0, state, StackArena.BOTTOM);
    runFrom[0] = 0;
    runEnd[0] = 1;
    if (automaton.accepts(state)) {
      addPending(node);
    }
    int base = trie.depth[node];
    int end = trie.skip[node];
    for (int i = node + 1; i < end; ) {
      int level = trie.depth[i] - base;
      i = visit(i, level) && !allowBelow(i, level) ? i + 1 : trie.skip[i];
    }
  }

  /** Steps into a trie node; false if nothing survives. */
  private boolean visit(int node, int level) {
    int from = runFrom[level - 1];
    int end = runEnd[level - 1];
    int label = trie.label[node] & 0xFF;
    if (end == from + 1 && threads.isSimple(from, label)) {
      int to = automaton.next(threads.state[from], label);
      if (to < 0) {
        return false;
      }
      if ((automaton.flags[to] & Automaton.LAST) == 0) {
        threads.put(end, to, threads.stack[from]);
        enter(node, level, end, end + 1);
        return true;
      }
    }
    int stepped = threads.step(from, end, label);
    if (stepped == end) {
      return false;
    }
    enter(node, level, end, stepped);
    return true;
  }

  private void enter(int node, int level, int from, int end) {
    runFrom[level] = from;
    runEnd[level] = end;
    if (trie.from[node] < trie.from[node + 1]) {
      allow(node, from, end);
    }
    if (trie.hasChildren(node)) {
      for (int i = from; i < end; i++) {
        if (threads.isAtBottomEnd(i)) {
          addPending(node);
          break;
        }
      }
    }
  }

  /** Allows all tokens below a node at once where the only reading takes any plain bytes. */
  private boolean allowBelow(int node, int level) {
    int from = runFrom[level];
    if (runEnd[level] != from + 1
        || trie.plainHeight[node] > runs.length(threads.state[from])
        || !threads.isLive(from)) {
      return false;
    }
    allowTokens(trie.from[node + 1], trie.from[trie.skip[node]]);
    return true;
  }

  private void allow(int node, int from, int end) {
    for (int i = from; i < end; i++) {
      if (threads.isLive(i)) {
        allowTokens(trie.from[node], trie.from[node + 1]);
        return;
      }
    }
  }

  private void allowTokens(int from, int end) {
    for (int t = from; t < end; t++) {
      int token = trie.tokens[t];
      if ((bits[token >> 6] & 1L << token) == 0) {
        bits[token >> 6] |= 1L << token;
        if (idCount < ids.length) {
          ids[idCount] = token;
        }
        idCount++;
      }
    }
  }

  private void addPending(int node) {
    if (pendingCount == pending.length) {
      pending = Arrays.copyOf(pending, 2 * pendingCount);
    }
    pending[pendingCount++] = node;
  }
}
