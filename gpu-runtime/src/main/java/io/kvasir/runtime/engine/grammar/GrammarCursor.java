package io.kvasir.runtime.engine.grammar;

import java.util.Arrays;

/**
 * Where an answer stands in its grammar, with its whole way there, so that it can go back to any
 * earlier token. Holds about 16 bytes a token. One thread; grows by doubling only.
 */
final class GrammarCursor {
  /** Stacks after which a cursor starts anew; only very long ways back and forth reach it. */
  private static final int MAX_STACKS = 1 << 20;

  private final Vocabulary vocabulary;
  private final StackArena arena = new StackArena();
  private final Threads threads;
  private int[] tokens = new int[64];

  /** Readings after {@code i} tokens are the entries {@code ends[i]} to {@code ends[i + 1]}. */
  private int[] ends = new int[66];

  private int[] state = new int[128];
  private int[] stack = new int[128];
  private int length;

  GrammarCursor(Automaton automaton, int[] need, Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    this.threads = new Threads(automaton, need, arena);
    threads.slack = GrammarLimits.MAX_DEPTH;
    arena.reset(0);
    state[0] = automaton.root;
    stack[0] = StackArena.BOTTOM;
    ends[1] = 1;
  }

  int length() {
    return length;
  }

  int token(int index) {
    return tokens[index];
  }

  /** Goes back to the first {@code count} tokens. */
  void truncate(int count) {
    length = count;
    if (arena.count() > MAX_STACKS) {
      length = 0;
      arena.reset(0);
    }
  }

  /** Reads one more token of the answer; a token outside the grammar leaves no reading. */
  void append(int token) {
    int from = 0;
    int end = load();
    int bytes = vocabulary.byteCount(token);
    if (bytes == 0) {
      end = from;
    }
    for (int i = 0; i < bytes && from < end; i++) {
      int stepped = threads.step(from, end, vocabulary.unsignedByte(token, i));
      from = end;
      end = stepped;
    }
    store(token, from, end);
  }

  /** Reads one byte as if it were a token; for whole texts. */
  void appendByte(int unsignedByte) {
    int loaded = load();
    store(-1, loaded, threads.step(0, loaded, unsignedByte));
  }

  private int load() {
    int count = 0;
    for (int i = from(); i < end(); i++) {
      threads.put(count++, state[i], stack[i]);
    }
    return count;
  }

  private void store(int token, int from, int end) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
      ends = Arrays.copyOf(ends, 2 * length + 2);
    }
    tokens[length++] = token;
    int at = ends[length];
    for (int i = from; i < end; i++) {
      if (token < 0 || threads.isLive(i)) {
        if (at == state.length) {
          state = Arrays.copyOf(state, 2 * at);
          stack = Arrays.copyOf(stack, 2 * at);
        }
        state[at] = threads.state[i];
        stack[at++] = threads.stack[i];
      }
    }
    ends[length + 1] = at;
  }

  /** First reading of the present place. */
  int from() {
    return ends[length];
  }

  int end() {
    return ends[length + 1];
  }

  int state(int index) {
    return state[index];
  }

  int stack(int index) {
    return stack[index];
  }

  StackArena arena() {
    return arena;
  }

  /** Whether the text so far is one of the language. */
  boolean isComplete() {
    for (int i = from(); i < end(); i++) {
      if (stack[i] == StackArena.BOTTOM && threads.automaton.accepts(state[i])) {
        return true;
      }
    }
    return false;
  }

  /** Whether an answer may stop here: its text is complete, or it is no text of the language. */
  boolean endAllowed() {
    return from() == end() || isComplete();
  }

  /** Whether any token but the end tokens may follow. */
  boolean goesOn() {
    for (int i = from(); i < end(); i++) {
      boolean last = (threads.automaton.flags[state[i]] & Automaton.LAST) != 0;
      if (!last || stack[i] != StackArena.BOTTOM) {
        return true;
      }
    }
    return false;
  }
}
