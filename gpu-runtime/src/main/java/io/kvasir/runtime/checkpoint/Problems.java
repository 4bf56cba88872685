package io.kvasir.runtime.checkpoint;

import java.util.ArrayList;
import java.util.List;

/**
 * Collects what is wrong with a checkpoint, so that one pass reports everything. Bounded: a hostile
 * file cannot fill the memory with complaints. Not thread-safe.
 */
final class Problems {
  private static final int LIMIT_COUNT = 200;

  private final List<String> found = new ArrayList<>();

  void add(String sentence) {
    if (found.size() < LIMIT_COUNT) {
      found.add(sentence);
    }
  }

  /** Runs a step and keeps its refusal instead of letting it end the pass. */
  void collect(Runnable step) {
    try {
      step.run();
    } catch (CheckpointException e) {
      e.problems().forEach(this::add);
    }
  }

  boolean isEmpty() {
    return found.isEmpty();
  }

  List<String> list() {
    return List.copyOf(found);
  }

  void throwIfAny() {
    if (!found.isEmpty()) {
      throw new CheckpointException(found);
    }
  }

  /** Cuts text from a file down to what a sentence can carry. */
  static String quote(String text) {
    String clean = text.length() <= 80 ? text : text.substring(0, 77) + "...";
    StringBuilder out = new StringBuilder("\"");
    clean.chars().forEach(c -> out.append(c < 0x20 || c == 0x7f ? '?' : (char) c));
    return out.append('"').toString();
  }
}
