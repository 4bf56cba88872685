package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.runtime.cache.LayerGroup;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What was reserved and not committed leaves no trace (seam proof d). */
class ProbeAndTreeProofTest {
  private static final int[] PROMPT = SeamHarness.tokens(27, 12);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldLeaveBytesAndLogitsAsTheyWereAfterAnAbortedProbe(DeviceCase device) {
    for (boolean headPages : new boolean[] {false, true}) {
      try (SeamHarness h = SeamHarness.open(device.open());
          SequenceCache plain = h.sequence();
          SequenceCache probed = h.sequence()) {
        h.plain(plain, PROMPT);
        h.plain(probed, PROMPT);
        if (headPages) {
          assertTrue(plain.toHeadPages(0, null) && probed.toHeadPages(0, null));
        }
        byte[] before = committedBytes(h, probed);
        h.logits(h.chunk(probed, SeamHarness.tokens(9, 13)));
        probed.abort();
        assertArrayEquals(before, committedBytes(h, probed));
        int[] next = SeamHarness.tokens(7, 14);
        assertBits("after the probe", h.plain(plain, next), h.plain(probed, next));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualPlainGreedyWhenATreeFromThePromptIsCommittedByItsPath(DeviceCase device) {
    try (SeamHarness h = SeamHarness.open(device.open());
        SequenceCache plain = h.sequence();
        SequenceCache tree = h.sequence()) {
      int count = 40;
      List<float[]> expected = new ArrayList<>();
      float[] logits = last(h.plain(plain, PROMPT));
      for (int i = 0; i < count; i++) {
        expected.add(logits);
        logits = h.plain(plain, SeamHarness.argmax(logits))[0];
      }
      Lookup lookup = new Lookup(h, tree, PROMPT);
      lookup.run(count);
      for (int i = 0; i < count; i++) {
        assertBits("generated token " + i, expected.get(i), lookup.logits.get(i));
      }
      assertTrue(lookup.branchedSteps > 0, "no step had two branches");
      assertTrue(lookup.accepted > 0, "no draft was accepted");
      assertTrue(lookup.rejected > 0, "no draft was rejected");
      int[] all = lookup.context.stream().mapToInt(Integer::intValue).toArray();
      try (SequenceCache replay = h.sequence()) {
        h.plain(replay, Arrays.copyOf(all, tree.committed(0)));
        assertArrayEquals(committedBytes(h, replay), committedBytes(h, tree));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualPlainGreedyBehindASlidingWindowWhosePagesAreDropped(DeviceCase device) {
    ModelConfig config = SeamHarness.config("mistral", 4, ",\"sliding_window\":9");
    LoadOptions options = LoadOptions.defaults().slots(16);
    try (SeamHarness h = SeamHarness.open(device.open(), config, options);
        SequenceCache plain = h.sequence();
        SequenceCache tree = h.sequence()) {
      float[] logits = last(h.plain(plain, PROMPT));
      Lookup lookup = new Lookup(h, tree, PROMPT);
      lookup.run(20);
      for (int i = 0; i < 20; i++) {
        assertBits("generated token " + i, logits, lookup.logits.get(i));
        logits = h.plain(plain, SeamHarness.argmax(logits))[0];
      }
      assertTrue(lookup.branchedSteps > 0 && tree.dropped(0) > 0, "a tree after dropped pages");
    }
  }

  /** Prompt lookup: continuations of earlier occurrences of the last token, as one tree. */
  private static final class Lookup {
    private static final int DEPTH = 3;
    private static final int BRANCHES = 3;

    final List<Integer> context = new ArrayList<>();
    final List<float[]> logits = new ArrayList<>();
    int accepted;
    int rejected;
    int branchedSteps;
    private final SeamHarness h;
    private final SequenceCache sequence;

    Lookup(SeamHarness h, SequenceCache sequence, int[] prompt) {
      this.h = h;
      this.sequence = sequence;
      Arrays.stream(prompt).forEach(context::add);
      take(last(h.plain(sequence, prompt)));
    }

    private void take(float[] rowLogits) {
      logits.add(rowLogits);
      context.add(SeamHarness.argmax(rowLogits));
    }

    void run(int count) {
      while (logits.size() < count) {
        step();
      }
    }

    /** Runs the last token and the drafts after it; keeps the longest branch greedy agrees with. */
    private void step() {
      List<int[]> branches = branches();
      branchedSteps += branches.size() > 1 ? 1 : 0;
      int rows = 1 + branches.stream().mapToInt(b -> b.length).sum();
      int base = sequence.committed(0);
      int[] tokens = new int[rows];
      int[] index = new int[rows];
      long[][] visible = new long[rows][1];
      int[] from = new int[rows];
      Arrays.fill(from, base);
      tokens[0] = context.getLast();
      index[0] = base;
      visible[0][0] = 1;
      int node = 1;
      for (int[] branch : branches) {
        for (int depth = 0; depth < branch.length; depth++, node++) {
          tokens[node] = branch[depth];
          index[node] = base + 1 + depth;
          int parent = depth == 0 ? 0 : node - 1;
          visible[node][0] = visible[parent][0] | 1L << node;
        }
      }
      WorkItem item = h.chunk(sequence, tokens).indices(index);
      float[][] out = h.logits(item.policy((i, l, p) -> p.visibleBits(visible, from)));
      commitBest(branches, out);
    }

    private void commitBest(List<int[]> branches, float[][] out) {
      int[] best = {0};
      int first = 1;
      for (int[] branch : branches) {
        int agreed = 0;
        float[] said = out[0];
        while (agreed < branch.length && branch[agreed] == SeamHarness.argmax(said)) {
          said = out[first + agreed++];
        }
        if (agreed + 1 > best.length) {
          int start = first;
          best = new int[agreed + 1];
          Arrays.setAll(best, i -> i == 0 ? 0 : start + i - 1);
        }
        first += branch.length;
      }
      sequence.commitPath(best);
      int window = h.model.cacheLayout().group(0).window();
      if (window > 0) {
        sequence.dropBefore(0, sequence.committed(0) - window + 1);
      }
      accepted += best.length - 1;
      rejected += out.length - best.length;
      for (int row : best) {
        take(out[row]);
      }
    }

    /** What followed earlier occurrences of the last token, latest first, and an unlikely guess. */
    private List<int[]> branches() {
      List<int[]> found = new ArrayList<>();
      found.add(new int[] {3 + context.size() % 90, 5});
      for (int i = context.size() - 2; i >= 0 && found.size() < BRANCHES; i--) {
        if (context.get(i).equals(context.getLast())) {
          int end = Math.min(context.size(), i + 1 + DEPTH);
          found.add(context.subList(i + 1, end).stream().mapToInt(Integer::intValue).toArray());
        }
      }
      return found;
    }
  }

  /** K and V of every committed entry, layer by layer and head by head. */
  private static byte[] committedBytes(SeamHarness h, SequenceCache sequence) {
    LayerGroup group = h.model.cacheLayout().group(0);
    FrameLayout frame = group.frame();
    int b = frame.encoding().bytesPerValue();
    byte[] bytes = new byte[(int) frame.frameBytes()];
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    KvWritePlan at = new KvWritePlan();
    for (int layer = 0; layer < group.layerCount(); layer++) {
      for (int e = 0; e < sequence.committed(0); e++) {
        sequence.writeTarget(layer, e, at, 0);
        for (int head = 0; head < group.kvHeads(); head++) {
          MemorySegment to = MemorySegment.ofArray(bytes);
          h.device.downloadPages(h.cache.memory(), at.frame[head], to);
          h.device.await();
          for (int c = 0; c < frame.keyWidth(); c++) {
            out.write(bytes, (c * frame.slots() + at.slot[head]) * b, b);
          }
          int value = (int) frame.keyBytes() + at.slot[head] * frame.valueWidth() * b;
          out.write(bytes, value, frame.valueWidth() * b);
        }
      }
    }
    assertEquals(0, out.size() % (frame.keyWidth() + frame.valueWidth()));
    return out.toByteArray();
  }

  private static float[] last(float[][] rows) {
    return rows[rows.length - 1];
  }
}
