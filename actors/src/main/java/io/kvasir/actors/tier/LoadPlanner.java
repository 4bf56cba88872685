package io.kvasir.actors.tier;

import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Decides which blocks of a prompt are loaded, from where, and where computing begins (law 8): the
 * end of the prefix at which predicted loading of what comes before and computing of what comes
 * behind together take least. Pure.
 *
 * <p>A prefix is usable up to a block when every layer group has all that a row behind it can see
 * (A13); a gap ends it. Each missing block comes from the fastest source that has it; sources work
 * side by side with computing of others, but this prompt waits for all of its own.
 */
final class LoadPlanner {
  /** A tier below the device; node 0 is this one. */
  record Source(Residence residence, long nodeId) {
    @Override
    public String toString() {
      return residence == Residence.PEER
          ? "node " + nodeId
          : residence.name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What a source has, and at what price.
   *
   * @param blocks [group] places in the chain
   * @param fixedSeconds of a load beside its bytes
   * @param queuedSeconds until it can begin
   */
  record Offer(
      Source source,
      List<BitSet> blocks,
      double fixedSeconds,
      double bytesPerSecond,
      double queuedSeconds) {}

  /**
   * A prompt.
   *
   * @param blocks full blocks
   * @param promptTokens its length
   * @param onDevice [group] blocks that the device has
   */
  record Prompt(BlockShape shape, int blocks, int promptTokens, List<BitSet> onDevice) {}

  /**
   * The decision.
   *
   * @param device blocks of the usable prefix that the device has already
   * @param end where computing begins
   * @param usable where the sources' blocks end
   * @param from [group][block] the source's place in the offers; −1 = none needed or none there
   * @param loadSeconds predicted time of the loads
   * @param computeSeconds predicted time of computing the same tokens
   * @param explained a sentence each
   */
  record Plan(
      int device,
      int end,
      int usable,
      int[][] from,
      double loadSeconds,
      double computeSeconds,
      List<String> explained) {}

  private LoadPlanner() {}

  static Plan plan(Prompt prompt, List<Offer> offers, PrefillCost cost) {
    BlockShape shape = prompt.shape();
    int groups = shape.groups().size();
    int blocks = prompt.blocks();
    int[][] from = assign(prompt, offers);
    long[][][] bytes = prefixSums(prompt, offers.size(), from);
    int[][] nextGap = gaps(prompt, from);
    int device = devicePrefix(prompt);
    int usable = device;
    int best = device;
    double bestTotal = cost.seconds(device * shape.slots(), prompt.promptTokens());
    double bestLoad = 0;
    for (int end = device + 1; end <= blocks; end++) {
      boolean whole = true;
      for (int group = 0; group < groups && whole; group++) {
        whole = nextGap[group][shape.firstNeeded(group, end)] >= end;
      }
      if (!whole) {
        continue;
      }
      usable = end;
      double load = loadSeconds(prompt, offers, bytes, end);
      double total = load + cost.seconds(end * shape.slots(), prompt.promptTokens());
      if (total < bestTotal) {
        bestTotal = total;
        best = end;
        bestLoad = load;
      }
    }
    double compute = cost.seconds(device * shape.slots(), best * shape.slots());
    List<String> explained =
        explain(prompt, offers, bytes, cost, device, best, usable, bestLoad, compute);
    return new Plan(device, best, usable, from, bestLoad, compute, explained);
  }

  /** Blocks from the start that the device alone can serve. */
  static int devicePrefix(Prompt prompt) {
    int[][] none = new int[prompt.shape().groups().size()][prompt.blocks()];
    for (int[] row : none) {
      Arrays.fill(row, -1);
    }
    int[][] nextGap = gaps(prompt, none);
    for (int end = prompt.blocks(); end > 0; end--) {
      boolean whole = true;
      for (int group = 0; group < nextGap.length && whole; group++) {
        whole = nextGap[group][prompt.shape().firstNeeded(group, end)] >= end;
      }
      if (whole) {
        return end;
      }
    }
    return 0;
  }

  /** For each missing block the source that brings it soonest. */
  private static int[][] assign(Prompt prompt, List<Offer> offers) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < offers.size(); i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingDouble(i -> secondsOfAll(prompt, offers.get(i))));
    int[][] from = new int[prompt.shape().groups().size()][prompt.blocks()];
    for (int group = 0; group < from.length; group++) {
      for (int block = 0; block < prompt.blocks(); block++) {
        from[group][block] = -1;
        if (!prompt.onDevice().get(group).get(block)) {
          for (int i : order) {
            if (offers.get(i).blocks().get(group).get(block)) {
              from[group][block] = i;
              break;
            }
          }
        }
      }
    }
    return from;
  }

  /** What a source would take for the whole chain: its rate and its fixed part in one figure. */
  private static double secondsOfAll(Prompt prompt, Offer offer) {
    return offer.queuedSeconds()
        + offer.fixedSeconds()
        + prompt.shape().prefixBytes(prompt.blocks()) / offer.bytesPerSecond();
  }

  /** [offer][group][n] bytes that the first n blocks of a group take from an offer. */
  private static long[][][] prefixSums(Prompt prompt, int offers, int[][] from) {
    long[][][] sums = new long[offers][from.length][prompt.blocks() + 1];
    for (int group = 0; group < from.length; group++) {
      int blockBytes = prompt.shape().groups().get(group).blockBytes();
      for (int block = 0; block < prompt.blocks(); block++) {
        for (int offer = 0; offer < offers; offer++) {
          sums[offer][group][block + 1] =
              sums[offer][group][block] + (from[group][block] == offer ? blockBytes : 0);
        }
      }
    }
    return sums;
  }

  /** [group][block] the first block from there that nobody has. */
  private static int[][] gaps(Prompt prompt, int[][] from) {
    int[][] next = new int[from.length][prompt.blocks() + 1];
    for (int group = 0; group < from.length; group++) {
      next[group][prompt.blocks()] = Integer.MAX_VALUE;
      for (int block = prompt.blocks() - 1; block >= 0; block--) {
        boolean there = from[group][block] >= 0 || prompt.onDevice().get(group).get(block);
        next[group][block] = there ? next[group][block + 1] : block;
      }
    }
    return next;
  }

  private static long bytes(Prompt prompt, long[][] sums, int end) {
    long total = 0;
    for (int group = 0; group < sums.length; group++) {
      total += sums[group][end] - sums[group][prompt.shape().firstNeeded(group, end)];
    }
    return total;
  }

  private static double loadSeconds(Prompt prompt, List<Offer> offers, long[][][] sums, int end) {
    double seconds = 0;
    for (int i = 0; i < offers.size(); i++) {
      long bytes = bytes(prompt, sums[i], end);
      if (bytes > 0) {
        Offer offer = offers.get(i);
        seconds += offer.queuedSeconds() + offer.fixedSeconds() + bytes / offer.bytesPerSecond();
      }
    }
    return seconds;
  }

  private static List<String> explain(
      Prompt prompt,
      List<Offer> offers,
      long[][][] sums,
      PrefillCost cost,
      int device,
      int end,
      int usable,
      double load,
      double compute) {
    List<String> said = new ArrayList<>();
    int slots = prompt.shape().slots();
    if (device > 0) {
      said.add("the device has the first %d of %d blocks".formatted(device, prompt.blocks()));
    }
    for (int i = 0; i < offers.size() && end > device; i++) {
      long bytes = bytes(prompt, sums[i], end);
      if (bytes > 0) {
        said.add(
            text(
                "%.1f MB up to token %d are loaded from %s: loading is predicted to take %.1f ms,"
                    + " computing %.1f ms",
                bytes / 1e6, end * slots, offers.get(i).source(), load * 1e3, compute * 1e3));
      }
    }
    if (usable > end) {
      double loads = 0;
      for (int i = 0; i < offers.size(); i++) {
        long more = bytes(prompt, sums[i], usable) - bytes(prompt, sums[i], end);
        loads += more <= 0 ? 0 : more / offers.get(i).bytesPerSecond();
        loads += more <= 0 || end > device ? 0 : offers.get(i).fixedSeconds();
        loads += more <= 0 || end > device ? 0 : offers.get(i).queuedSeconds();
      }
      said.add(
          text(
              "tokens %d to %d are computed though a tier has them: loading is predicted to take"
                  + " %.1f ms, computing %.1f ms",
              end * slots,
              usable * slots,
              loads * 1e3,
              cost.seconds(end * slots, usable * slots) * 1e3));
    }
    if (usable < prompt.blocks()) {
      said.add("no tier has block %d, so the prefix ends there at the latest".formatted(usable));
    }
    return said;
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
