package io.kvasir.actors.schedule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How long each node has said nothing at all while it owed a word, and how long it lately did so
 * and lived. A node that answers for somebody owes a word every renewal interval; one that has
 * missed two, and has been silent for much longer than it lately was, is suspected: what can go on
 * elsewhere need not wait for the end of its lease. A machine on which everybody is late teaches
 * longer times by itself. Pure; counted in ticks, so that a gateway that stood still blames nobody;
 * one thread. Bounded by the nodes that are asked about.
 */
final class Voices {
  /** A node is suspected when it is silent this many times as long as it lately was. */
  private static final int TIMES = 3;

  private static final class Voice {
    int silentTicks;
    int longest;
    boolean suspected;
  }

  private final int leastTicks;
  private final int overdueTicks;
  private final int forgetTicks;
  private final Map<Long, Voice> voices = new HashMap<>();
  private int sinceForgot;

  /**
   * @param renewTicks in which a node that is at work says something
   * @param forgetTicks after which half of the longest silence is forgotten
   */
  Voices(int renewTicks, int forgetTicks) {
    this.leastTicks = 2 * renewTicks + 2;
    this.overdueTicks = renewTicks + 1;
    this.forgetTicks = forgetTicks;
  }

  /** A node has said something. */
  void heard(long node) {
    Voice voice = voices.get(node);
    if (voice != null) {
      voice.longest = Math.max(voice.longest, voice.silentTicks);
      voice.silentTicks = 0;
      voice.suspected = false;
    }
  }

  /** A node is gone, or is another life. */
  void forget(long node) {
    voices.remove(node);
  }

  /**
   * A tick has passed.
   *
   * @param owing nodes that answer for somebody now
   * @return those that are suspected from now on
   */
  List<Long> tick(Set<Long> owing) {
    forgetSome();
    List<Long> suspects = new ArrayList<>();
    for (long node : owing) {
      Voice voice = voices.computeIfAbsent(node, n -> new Voice());
      voice.silentTicks++;
      if (!voice.suspected && voice.silentTicks >= Math.max(leastTicks, TIMES * voice.longest)) {
        voice.suspected = true;
        suspects.add(node);
      }
    }
    // Who owes nothing may be silent; a suspicion stays until it is heard.
    voices.forEach((node, voice) -> voice.silentTicks *= owing.contains(node) ? 1 : 0);
    return suspects;
  }

  private void forgetSome() {
    if (++sinceForgot >= forgetTicks) {
      sinceForgot = 0;
      voices.values().forEach(voice -> voice.longest /= 2);
    }
  }

  /**
   * Nodes of which a word is overdue and that are not suspected: one at work would have said
   * something.
   */
  List<Long> overdue() {
    List<Long> nodes = new ArrayList<>();
    voices.forEach(
        (node, voice) -> {
          if (!voice.suspected && voice.silentTicks >= overdueTicks) {
            nodes.add(node);
          }
        });
    return nodes;
  }

  /**
   * A node's process is known to have ended.
   *
   * @return false if it was heard since it was overdue
   */
  boolean ended(long node) {
    Voice voice = voices.get(node);
    if (voice == null || voice.silentTicks < overdueTicks) {
      return false;
    }
    voice.suspected = true;
    return true;
  }

  /** Whether it was suspected and has not been heard since. */
  boolean suspects(long node) {
    Voice voice = voices.get(node);
    return voice != null && voice.suspected;
  }
}
