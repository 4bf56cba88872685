package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.checkpoint.DummyTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import io.kvasir.runtime.model.ModelLoader;
import io.kvasir.runtime.model.SeamHarness;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** An engine core stepped by hand over a small model, with a clock that the test moves. */
final class EngineHarness implements AutoCloseable {
  final Device device;
  final DecoderModel model;
  final KvCache cache;
  final EngineCore core;
  final BlockDesk desk;
  final EngineCounters counters = new EngineCounters();
  final AtomicLong nowNs = new AtomicLong(1);
  final AtomicLong waitingRoom = new AtomicLong();
  private long ids = 1;

  EngineHarness(ModelConfig config, EngineOptions base, SchedulingPolicy policy) {
    this(Devices.cpu(2), config, base, policy);
  }

  EngineHarness(Device device, ModelConfig config, EngineOptions base, SchedulingPolicy policy) {
    this.device = device;
    EngineOptions options = base.clock(nowNs::get);
    LoadOptions load = LoadOptions.defaults().slots(16);
    this.model = ModelLoader.load(device, config, new DummyTensors(config, 42), load);
    this.cache = LoadedModel.openCache(model, options, load.pages(), load.slots());
    this.desk = new BlockDesk(cache, options, counters, () -> {});
    this.core =
        new EngineCore(
            model,
            cache,
            options,
            policy,
            counters,
            waitingRoom,
            desk,
            prompt -> t -> "t" + t + " ");
  }

  static EngineHarness open(long arenaBytes, int stepRows) {
    return new EngineHarness(
        SeamHarness.config(),
        EngineOptions.of(arenaBytes).steps(stepRows, Long.MAX_VALUE).seedBase(7),
        new DeficitRoundRobin(64));
  }

  /** Bytes of one token's KV in this model. */
  static long tokenBytes() {
    return 4L * 2 * 16 * 2 * 2;
  }

  TokenStream submit(String tenant, int[] prompt, SamplingParameters sampling) {
    return submit(tenant, prompt, sampling, 0, List.of());
  }

  TokenStream submit(
      String tenant, int[] prompt, SamplingParameters s, long timeoutNs, List<Integer> rows) {
    return submitChoices(tenant, prompt, s, timeoutNs, rows).getFirst();
  }

  /** The streams of all choices of a request. */
  List<TokenStream> submitChoices(String tenant, int[] prompt, SamplingParameters s) {
    return submitChoices(tenant, prompt, s, 0, List.of());
  }

  List<TokenStream> submitChoices(
      String tenant, int[] prompt, SamplingParameters s, long timeoutNs, List<Integer> rows) {
    List<TokenStream> streams = new ArrayList<>();
    for (int i = 0; i < s.bestOf(); i++) {
      streams.add(
          rows.isEmpty()
              ? TokenStream.of(s, i, prompt.length, model.vocabSize(), () -> {})
              : new TokenStream(s.maxTokens(), rows.size(), () -> {}));
    }
    waitingRoom.addAndGet(streams.size());
    core.accept(
        new GenerationRequest(
            ids++, tenant, prompt.clone(), s, timeoutNs, rows, List.of(), streams),
        nowNs.get());
    return streams;
  }

  /** Hands over a request as an engine's inbox would. */
  void accept(GenerationRequest request) {
    waitingRoom.addAndGet(request.streams().size());
    core.accept(request, nowNs.get());
  }

  long nextId() {
    return ids++;
  }

  /** The stream of an input to be embedded. */
  TokenStream submitPooling(String tenant, int[] input, Pooling pooling) {
    TokenStream stream = TokenStream.pooling(pooling, () -> {});
    waitingRoom.incrementAndGet();
    core.accept(GenerationRequest.pooling(ids++, tenant, input.clone(), 0, stream), nowNs.get());
    return stream;
  }

  float[] embed(int[] input, Pooling pooling) {
    TokenStream stream = submitPooling("a", input, pooling);
    runAll();
    return stream.pooled().vector();
  }

  /** Id of the latest submission. */
  long lastId() {
    return ids - 1;
  }

  /** One step, a millisecond later. */
  int step() {
    nowNs.addAndGet(1_000_000);
    core.moveBlocks();
    return core.step();
  }

  void runAll() {
    for (int i = 0; i < 100_000 && !core.idle(); i++) {
      step();
    }
    if (!core.idle()) {
      throw new AssertionError("the engine did not come to an end in 100,000 steps");
    }
  }

  int[] generate(int[] prompt, SamplingParameters s) {
    TokenStream stream = submit("a", prompt, s);
    runAll();
    return stream.snapshot();
  }

  static SamplingParameters greedy(int tokens) {
    return SamplingParameters.greedy(tokens, List.of());
  }

  static SamplingParameters seeded(int tokens, long seed) {
    return SamplingParameters.builder()
        .temperature(1.3f)
        .topP(0.9f)
        .topK(20)
        .minP(0.02f)
        .seed(seed)
        .maxTokens(tokens)
        .build();
  }

  static List<int[]> prompts(int count, int minTokens, int maxTokens, long seed) {
    java.util.Random random = new java.util.Random(seed);
    List<int[]> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int length = minTokens + random.nextInt(maxTokens - minTokens + 1);
      out.add(SeamHarness.tokens(length, random.nextLong()));
    }
    return out;
  }

  @Override
  public void close() {
    core.close();
    device.close();
  }
}
