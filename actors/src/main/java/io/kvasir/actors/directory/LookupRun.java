package io.kvasir.actors.directory;

import io.kvasir.actors.directory.DirectoryMessage.Found;
import io.kvasir.actors.directory.DirectoryMessage.Held;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One lookup under way: which copies have been asked, what they have said so far, and when that is
 * enough. Events in, a decision out; no clock, no messages. Guarded by its caller.
 */
final class LookupRun {
  /** What to do next. */
  enum Step {
    /** Wait for answers. */
    WAIT,
    /** Ask the next copy. */
    ASK,
    /** Take {@link #held}. */
    FINISH
  }

  private record Holder(long nodeId, long incarnation, int tier) {}

  private final long[] targets;
  private final int parts;
  private final BitSet[] answered;
  private final boolean[] partial;
  private final long[] askedAtNs;
  private final Map<Holder, long[]> held = new HashMap<>();
  private int asked;
  private int heardOut;
  private boolean patient = true;
  private boolean done;

  /**
   * @param targets ids of the copies, in the order in which they are asked
   * @param parts in which the keys are asked
   */
  LookupRun(long[] targets, int parts) {
    this.targets = targets;
    this.parts = parts;
    this.answered = new BitSet[targets.length];
    this.partial = new boolean[targets.length];
    this.askedAtNs = new long[targets.length];
    Arrays.setAll(answered, i -> new BitSet());
  }

  /** The next copy is asked; -1 when all have been. */
  long ask(long nowNs) {
    if (asked == targets.length) {
      return -1;
    }
    askedAtNs[asked] = nowNs;
    return targets[asked++];
  }

  /** Notes what this node's own copy, or a copy's part, knows. */
  void note(List<Held> found, int part) {
    int offset = part * (DirectoryMessage.MAX_KEYS / Long.SIZE);
    for (Held h : found) {
      Holder holder = new Holder(h.nodeId(), h.incarnation(), h.tier());
      int length = offset + h.places().length;
      long[] words = held.getOrDefault(holder, DirectoryMessage.NO_KEYS);
      if (words.length < length) {
        words = Arrays.copyOf(words, length);
        held.put(holder, words);
      }
      for (int w = 0; w < h.places().length; w++) {
        words[offset + w] |= h.places()[w];
      }
    }
  }

  /** A copy has answered a part. */
  Step onFound(Found found) {
    int target = target(found.nodeId());
    if (done
        || target < 0
        || found.part() < 0
        || found.part() >= parts
        || answered[target].get(found.part())) {
      return Step.WAIT;
    }
    answered[target].set(found.part());
    partial[target] |= !found.complete();
    note(found.held(), found.part());
    if (answered[target].cardinality() < parts) {
      return Step.WAIT;
    }
    heardOut++;
    if (!partial[target] || heardOut == targets.length || !patient) {
      return Step.FINISH;
    }
    return heardOut == asked ? Step.ASK : Step.WAIT;
  }

  /** The copy asked last has taken longer than it lately did. */
  Step onOverdue() {
    if (asked < targets.length) {
      return Step.ASK;
    }
    patient = false;
    return heardOut > 0 ? Step.FINISH : Step.WAIT;
  }

  /** When a copy was asked that has now answered all, else -1: for its latency. */
  long askedAtNs(long nodeId) {
    int target = target(nodeId);
    return target >= 0 && answered[target].cardinality() == parts ? askedAtNs[target] : -1;
  }

  /** Whether no copy has answered all. */
  boolean isLate() {
    return heardOut == 0;
  }

  /** Ends it once; false when it has ended before. */
  boolean finish() {
    boolean first = !done;
    done = true;
    return first;
  }

  /** Everything named so far, merged. */
  List<Held> held() {
    List<Held> all = new ArrayList<>(held.size());
    held.forEach((h, words) -> all.add(new Held(h.nodeId(), h.incarnation(), h.tier(), words)));
    return all;
  }

  private int target(long nodeId) {
    for (int i = 0; i < asked; i++) {
      if (targets[i] == nodeId) {
        return i;
      }
    }
    return -1;
  }
}
