package io.kvasir.runtime.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvasir.runtime.cache.BlockKind;
import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.cache.CacheOptions;
import io.kvasir.runtime.cache.KeyDomain;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.cache.SequenceCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.AsyncScalarDevice;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.PageEncoding;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A small model on a device with cache and executor, for proofs that drive steps by hand. The plain
 * path — one item, all rows, all layers — is what every proof compares with.
 */
public final class SeamHarness implements AutoCloseable {
  public static final int VOCAB = 97;
  private static long owners = 1;

  /** A device under test, by name. */
  public record DeviceCase(String name, Supplier<Device> open) {
    @Override
    public String toString() {
      return name;
    }
  }

  final Device device;
  public final DecoderModel model;
  public final KvCache cache;
  public final StepExecutor executor;

  private SeamHarness(Device device, DecoderModel model, CacheOptions options) {
    this.device = device;
    this.model = model;
    KeyDomain domain =
        KeyDomain.builder(BlockKind.PREFIX)
            .model("seam")
            .arithmetic(device.arithmetic())
            .rotary(model.rotaryDigest())
            .build();
    this.cache = KvCache.open(device, model.cacheLayout(), domain, options);
    model.arena().bind(cache.memory());
    this.executor = new StepExecutor(model, 256);
  }

  /** Every device that model tests must pass on with equal bits. */
  public static Stream<DeviceCase> devices() {
    return Stream.of(
        new DeviceCase("cpu-2", () -> Devices.cpu(2)),
        new DeviceCase("async-scalar", AsyncScalarDevice::new));
  }

  /** llama: 4 layers, D 64, 4 heads, 2 KV heads of 16, FFN 96. */
  public static ModelConfig config() {
    return config(4, "");
  }

  public static ModelConfig config(int layers, String extra) {
    return config("llama", layers, extra);
  }

  public static ModelConfig config(String modelType, int layers, String extra) {
    String json =
        """
        {"model_type":"%s","vocab_size":%d,"hidden_size":64,"intermediate_size":96,
         "num_hidden_layers":%d,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":16,
         "rms_norm_eps":1e-5,"rope_theta":10000.0,"max_position_embeddings":512,
         "hidden_act":"silu","tie_word_embeddings":false,"bos_token_id":1,"eos_token_id":2,
         "torch_dtype":"bfloat16"%s}
        """
            .formatted(modelType, VOCAB, layers, extra);
    return ModelConfig.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  public static SeamHarness open(Supplier<Device> device) {
    return open(device, config(), LoadOptions.defaults().slots(16));
  }

  public static SeamHarness open(Supplier<Device> open, ModelConfig config, LoadOptions options) {
    Device device = open.get();
    DecoderModel model = ModelLoader.load(device, config, new DummyTensors(config, 42), options);
    return of(device, model, options.pages());
  }

  /** The same weights with another cache layout or other layers. */
  public static DecoderModel with(DecoderModel m, CacheLayout layout, List<DecoderLayer> layers) {
    return new DecoderModel(
        m.revision(),
        m.device(),
        layout,
        m.vocabSize(),
        m.hiddenSize(),
        m.normEps(),
        m.widths(),
        m.embedding(),
        layers,
        m.finalNorm(),
        m.head(),
        m.rotaryDigest(),
        m.maxContextTokens(),
        new DecoderModel.ArenaBinding());
  }

  /** A harness around a hand-made model. */
  public static SeamHarness of(Device device, DecoderModel model, PageEncoding pages) {
    CacheOptions cacheOptions =
        CacheOptions.of(8 << 20).withEncoding(pages).withSlots(model.cacheLayout().slots());
    return new SeamHarness(device, model, cacheOptions);
  }

  public SequenceCache sequence() {
    return cache.newSequence(owners++, "tenant", Long.MAX_VALUE);
  }

  public WorkItem item(SequenceCache sequence) {
    return new WorkItem(sequence, model.cacheLayout().groupCount());
  }

  /** All of {@code tokens} as one item over all layers, its entries reserved. */
  public WorkItem chunk(SequenceCache sequence, int... tokens) {
    reserve(sequence, tokens.length);
    WorkItem item = item(sequence).rows(tokens.length, sequence.committed(0), model.layerCount());
    return item.tokens(tokens, 0);
  }

  /** Runs one step and returns the logits asked for: per item, row ordinal → logits. */
  public Map<WorkItem, Map<Integer, float[]>> run(WorkItem... items) {
    Map<WorkItem, Map<Integer, float[]>> out = new HashMap<>();
    executor.run(
        new ArrayList<>(List.of(items)),
        (item, row, logits, offset) ->
            out.computeIfAbsent(item, i -> new HashMap<>())
                .put(row, Arrays.copyOfRange(logits, offset, offset + model.vocabSize())));
    return out;
  }

  /**
   * Logits of every row of {@code tokens}, in one item, plainly; the sequence is left committed.
   */
  public float[][] plain(SequenceCache sequence, int... tokens) {
    float[][] rows = logits(chunk(sequence, tokens));
    sequence.commit();
    return rows;
  }

  /** The same in a fresh sequence that is closed again. */
  public float[][] plain(int... tokens) {
    try (SequenceCache sequence = sequence()) {
      return plain(sequence, tokens);
    }
  }

  /**
   * Logits of all rows of {@code item}, which shares the step with {@code others}; rows that gave
   * none are null.
   */
  public float[][] logits(WorkItem item, WorkItem... others) {
    for (int r = 0; r < item.rowCount(); r++) {
      item.logits(r);
    }
    WorkItem[] all = Arrays.copyOf(others, others.length + 1);
    all[others.length] = item;
    Map<Integer, float[]> rows = run(all).getOrDefault(item, Map.of());
    float[][] out = new float[item.rowCount()][];
    rows.forEach((r, values) -> out[r] = values);
    return out;
  }

  public static void reserve(SequenceCache sequence, int entries) {
    if (!sequence.reserve(entries)) {
      throw new IllegalStateException("the test arena is too small for " + entries + " entries");
    }
  }

  /** Greedy continuation, one row a step. */
  public int[] greedy(SequenceCache sequence, float[] lastLogits, int count) {
    int[] out = new int[count];
    float[] logits = lastLogits;
    for (int i = 0; i < count; i++) {
      out[i] = argmax(logits);
      logits = plain(sequence, out[i])[0];
    }
    return out;
  }

  public static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Fails unless both hold the same rows with the same float bits. */
  public static void assertBits(float[][] expected, float[][] actual) {
    assertBits("", expected, actual);
  }

  public static void assertBits(String what, float[][] expected, float[][] actual) {
    assertEquals(expected.length, actual.length, what + " rows");
    for (int r = 0; r < expected.length; r++) {
      assertBits(what + " row " + r, expected[r], actual[r]);
    }
  }

  public static void assertBits(String what, float[] expected, float[] actual) {
    assertEquals(expected == null, actual == null, what + " is missing on one side");
    if (expected == null) {
      return;
    }
    assertEquals(expected.length, actual.length, what + " width");
    for (int i = 0; i < expected.length; i++) {
      int want = Float.floatToRawIntBits(expected[i]);
      int got = Float.floatToRawIntBits(actual[i]);
      if (want != got) {
        fail(what + " value " + i + ": expected " + expected[i] + ", got " + actual[i]);
      }
    }
  }

  /** The rows of these numbers. */
  public static float[][] pick(float[][] rows, int... numbers) {
    return Arrays.stream(numbers).mapToObj(r -> rows[r]).toArray(float[][]::new);
  }

  /** 0, 1, … count − 1. */
  public static int[] upTo(int count) {
    return IntStream.range(0, count).toArray();
  }

  /** Device values on the host. */
  public float[] read(DeviceFloats floats) {
    float[] values = new float[(int) floats.count()];
    device.download(floats, 0, values, 0, values.length);
    device.await();
    return values;
  }

  /** Hidden states on the host; the parked rows are closed. */
  public float[] hidden(ParkedRows parked) {
    float[] values = new float[parked.ordinals().length * model.hiddenSize()];
    device.download(parked.hidden(), 0, values, 0, values.length);
    device.await();
    parked.close();
    return values;
  }

  /** Seeded token ids. */
  public static int[] tokens(int count, long seed) {
    return new java.util.Random(seed).ints(count, 3, VOCAB).toArray();
  }

  @Override
  public void close() {
    executor.close();
    cache.close();
    device.close();
  }
}
