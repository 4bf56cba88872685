package io.kvasir.runtime.model;

import static io.kvasir.runtime.model.SeamHarness.assertBits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.model.SeamHarness.DeviceCase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Two ranks that sum inside the layer equal one thread that sums in rank order (seam proof j). */
class RankProofTest {
  private static final ModelConfig CONFIG = SeamHarness.config(2, "");
  private static final int[] TOKENS = SeamHarness.tokens(13, 60);
  private static final int[] NEXT = SeamHarness.tokens(3, 61);
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

  @ParameterizedTest
  @MethodSource("io.kvasir.runtime.model.SeamHarness#devices")
  void shouldEqualTheOneThreadedSumInRankOrderWhoeverArrivesFirst(DeviceCase device)
      throws Exception {
    float[][] expected = oneThreaded(device);
    for (IntPredicate rankOneFirst :
        List.<IntPredicate>of(call -> false, call -> true, call -> call % 3 == 1)) {
      List<Collective> group = InProcessCollective.group(2, PATIENCE_NS);
      Order order = new Order(rankOneFirst);
      List<Callable<float[][]>> ranks = new ArrayList<>();
      for (Collective c : group) {
        ranks.add(() -> prompt(device, new Ordered(c, order)));
      }
      for (float[][] rank : together(ranks)) {
        assertBits("order", expected, rank);
      }
    }
    assertClose(expected, device);
  }

  @Test
  void shouldSayWhichRankGaveUpWhenAnotherNeverComes() {
    Collective alone = InProcessCollective.group(2, 1_000_000).get(1);
    try (Device device = Devices.cpu(1);
        DeviceFloats values = device.floats(4)) {
      DeviceException e =
          assertThrows(DeviceException.class, () -> alone.allReduceSum(device, values, 0, 4));
      assertEquals(true, e.getMessage().startsWith("rank 1 of 2 gave up"), e.getMessage());
    }
  }

  @Test
  void shouldRefuseRanksThatSumDifferentSteps() throws Exception {
    List<Callable<float[][]>> ranks = new ArrayList<>();
    for (Collective c : InProcessCollective.group(2, PATIENCE_NS)) {
      ranks.add(
          () -> {
            try (Device device = Devices.cpu(1);
                DeviceFloats values = device.floats(8)) {
              assertThrows(
                  DeviceException.class, () -> c.allReduceSum(device, values, 0, 4 + c.rank()));
              return new float[0][];
            }
          });
    }
    assertEquals(2, together(ranks).size());
  }

  /** A prompt in two steps: logits of all rows. */
  private static float[][] prompt(DeviceCase device, Collective rank) {
    LoadOptions options = LoadOptions.defaults().slots(16).collective(rank);
    try (SeamHarness h = SeamHarness.open(device.open(), CONFIG, options);
        SequenceCache sequence = h.sequence()) {
      float[][] first = h.plain(sequence, TOKENS);
      float[][] second = h.plain(sequence, NEXT);
      float[][] all = Arrays.copyOf(first, first.length + second.length);
      System.arraycopy(second, 0, all, first.length, second.length);
      return all;
    }
  }

  /**
   * One thread: runs rank after rank up to the next sum, adds the partial values in rank order, and
   * starts over with the sums known so far.
   */
  private static float[][] oneThreaded(DeviceCase device) {
    List<float[]> sums = new ArrayList<>();
    while (true) {
      float[][] partial = new float[2][];
      float[][] logits = null;
      for (int rank = 0; rank < 2; rank++) {
        Replay replay = new Replay(rank, sums);
        try {
          logits = prompt(device, replay);
        } catch (Stopped e) {
          partial[rank] = replay.partial;
        }
      }
      if (logits != null) {
        return logits;
      }
      float[] sum = partial[0].clone();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += partial[1][i];
      }
      sums.add(sum);
    }
  }

  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** Answers with known sums; at the first unknown one keeps the rank's part and stops the run. */
  private static final class Replay implements Collective {
    private final int rank;
    private final List<float[]> sums;
    private int calls;
    private float[] partial;

    Replay(int rank, List<float[]> sums) {
      this.rank = rank;
      this.sums = sums;
    }

    @Override
    public int rank() {
      return rank;
    }

    @Override
    public int size() {
      return 2;
    }

    @Override
    public void allReduceSum(Device device, DeviceFloats values, long offset, int count) {
      if (calls < sums.size()) {
        device.upload(sums.get(calls++), 0, values, offset, count);
        return;
      }
      partial = new float[count];
      device.download(values, offset, partial, 0, count);
      device.await();
      throw new Stopped();
    }
  }

  /** Who may enter a sum first. */
  private static final class Order {
    private final IntPredicate rankOneFirst;
    private final Semaphore[] entered = {new Semaphore(0), new Semaphore(0)};

    Order(IntPredicate rankOneFirst) {
      this.rankOneFirst = rankOneFirst;
    }

    void enter(int rank, int call) {
      int first = rankOneFirst.test(call) ? 1 : 0;
      if (rank == first) {
        entered[first].release();
      } else {
        entered[first].acquireUninterruptibly();
      }
    }
  }

  private static final class Ordered implements Collective {
    private final Collective inner;
    private final Order order;
    private int calls;

    Ordered(Collective inner, Order order) {
      this.inner = inner;
      this.order = order;
    }

    @Override
    public int rank() {
      return inner.rank();
    }

    @Override
    public int size() {
      return inner.size();
    }

    @Override
    public void allReduceSum(Device device, DeviceFloats values, long offset, int count) {
      order.enter(rank(), calls++);
      inner.allReduceSum(device, values, offset, count);
    }
  }

  private static List<float[][]> together(List<Callable<float[][]>> ranks) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(ranks.size())) {
      List<float[][]> results = new ArrayList<>();
      for (Future<float[][]> rank : threads.invokeAll(ranks, 60, TimeUnit.SECONDS)) {
        results.add(rank.get());
      }
      return results;
    }
  }

  /** The sum over ranks rounds elsewhere than the whole model, but it is the same model. */
  private static void assertClose(float[][] ranks, DeviceCase device) {
    try (SeamHarness whole =
            SeamHarness.open(device.open(), CONFIG, LoadOptions.defaults().slots(16));
        SequenceCache sequence = whole.sequence()) {
      float[][] plain = whole.plain(sequence, TOKENS);
      for (int r = 0; r < plain.length; r++) {
        assertEquals(SeamHarness.argmax(plain[r]), SeamHarness.argmax(ranks[r]), "row " + r);
        for (int i = 0; i < plain[r].length; i++) {
          assertEquals(plain[r][i], ranks[r][i], 0.05, "row " + r + " logit " + i);
        }
      }
    }
  }
}
