package io.kvasir.runtime.cache.bench;

import io.kvasir.runtime.cache.BlockKind;
import io.kvasir.runtime.cache.BlockListener;
import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.cache.CacheOptions;
import io.kvasir.runtime.cache.KeyDomain;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvView;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.PageEncoding;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the cache costs on the engine's thread with the layout of bench-150m (12 layers, 4 KV heads
 * of 64, bf16, pages of 32): one decoded token, and a look-up of 1,024 tokens that all hit. With
 * {@code -prof gc}, decoding shows the arrays of a new sequence every 4,096 tokens and nothing
 * else.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class CacheBenchmark {
  private static final int LAYERS = 12;
  private static final int SEQUENCE_TOKENS = 4096;
  private static final int PROMPT_TOKENS = 1024;

  /** Whether somebody listens, so that blocks get their checksums when they are sealed. */
  @Param({"false", "true"})
  public boolean listening;

  private final KvWritePlan plan = new KvWritePlan();
  private final int[] token = new int[1];
  private final int[] prompt = new int[PROMPT_TOKENS];
  private Device device;
  private KvCache cache;
  private SequenceCache sequence;
  private int decoded;

  @Setup
  public void setUp() {
    int[] layers = new int[LAYERS];
    Arrays.setAll(layers, i -> i);
    FrameLayout frame = new FrameLayout(PageEncoding.BF16, 32, 64, 64, true);
    CacheLayout layout = CacheLayout.builder(LAYERS).group(layers, 4, frame, 0, "bench").build();
    device = Devices.cpu(1);
    KeyDomain domain = KeyDomain.builder(BlockKind.PREFIX).model("bench-150m").build();
    cache = KvCache.open(device, layout, domain, CacheOptions.of(128L << 20));
    if (listening) {
      cache.blocks().listen(BlockListener.NONE);
    }
    plan.layout = frame;
    plan.kvHeadCount = 4;
    Arrays.setAll(prompt, i -> i * 7919);
    SequenceCache first = cache.newSequence(1, "tenant", Long.MAX_VALUE);
    first.reserve(PROMPT_TOKENS);
    first.commit();
    first.sealTokens(prompt, 0, PROMPT_TOKENS);
    first.close();
    sequence = cache.newSequence(2, "tenant", Long.MAX_VALUE);
  }

  /** Reserve, write targets and views of all layers, commit, seal. */
  @Benchmark
  public long decodeToken() {
    if (++decoded % SEQUENCE_TOKENS == 0) {
      sequence.close();
      sequence = cache.newSequence(2, "tenant", Long.MAX_VALUE);
    }
    if (!sequence.reserve(1)) {
      throw new IllegalStateException("the arena is too small for one sequence");
    }
    int entry = sequence.committed(0);
    long sum = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
      sequence.writeTarget(layer, entry, plan, 0);
      KvView view = sequence.view(layer);
      sum += plan.frame[0] + view.layerOffsetBytes;
    }
    sequence.commit();
    token[0] = decoded;
    sequence.sealTokens(token, 0, 1);
    return sum;
  }

  /** Reserve and commit of one token, nothing else. */
  @Benchmark
  public boolean reserveCommit() {
    if (++decoded % SEQUENCE_TOKENS == 0) {
      sequence.close();
      sequence = cache.newSequence(2, "tenant", Long.MAX_VALUE);
    }
    boolean done = sequence.reserve(1);
    sequence.commit();
    return done;
  }

  /** Opens a sequence, attaches 32 blocks, closes it: hashing 32 blocks is most of it. */
  @Benchmark
  public int attachPrefix() {
    SequenceCache hit = cache.newSequence(3, "tenant", Long.MAX_VALUE);
    int tokens = cache.attachPrefix(hit, prompt, PROMPT_TOKENS);
    hit.close();
    return tokens;
  }

  @TearDown
  public void tearDown() {
    cache.close();
    device.close();
  }
}
