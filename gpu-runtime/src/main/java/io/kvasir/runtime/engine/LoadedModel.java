package io.kvasir.runtime.engine;

import io.kvasir.runtime.cache.BlockKind;
import io.kvasir.runtime.cache.CacheOptions;
import io.kvasir.runtime.cache.KeyDomain;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.StreamDecoder;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.model.DecoderModel;
import io.kvasir.runtime.model.LoadOptions;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * A checkpoint brought to life: its engine running on a device, its tokenizer, template and
 * defaults for whoever speaks with clients. Loading blocks for as long as packing the weights
 * takes.
 *
 * @param weightBytes packed weights in device memory
 */
public record LoadedModel(Checkpoint checkpoint, Engine engine, String deviceName, long weightBytes)
    implements AutoCloseable {

  /**
   * Opens the checkpoint, packs it on a CPU device and starts an engine with the default policy.
   */
  public static LoadedModel open(EngineConfig config) {
    Device device = Devices.cpu(config.threads());
    return open(config, device, new DeficitRoundRobin(1024));
  }

  /**
   * The same on a given device, which the engine owns from here on, and with a given policy.
   *
   * @throws RuntimeException of the part that failed, with everything opened so far closed
   */
  public static LoadedModel open(EngineConfig config, Device device, SchedulingPolicy policy) {
    Checkpoint checkpoint = null;
    boolean started = false;
    try {
      checkpoint = Checkpoint.open(config.model());
      DecoderModel model = load(config, device, checkpoint);
      checkpoint.closeTensors();
      Rehearsal.run(device, checkpoint.config(), model.head().format(), config);
      KvCache cache = openCache(config, model);
      String name = device.name();
      Engine engine = Engine.start(model, cache, config.options(), policy, textDecoder(checkpoint));
      started = true;
      return new LoadedModel(checkpoint, engine, name, model.weightBytes());
    } finally {
      if (!started) {
        if (checkpoint != null) {
          checkpoint.close();
        }
        device.close();
      }
    }
  }

  /** The model alone, for callers that drive the executor themselves. */
  public static DecoderModel load(EngineConfig config, Device device, Checkpoint checkpoint) {
    LoadOptions options =
        new LoadOptions(
            config.weights(),
            config.pages(),
            config.slots(),
            true,
            config.maxContextTokens(),
            null);
    return io.kvasir.runtime.model.ModelLoader.load(
        device, checkpoint.config(), checkpoint.tensors(), options);
  }

  /** The arena and prefix index of a model, bound to it. */
  public static KvCache openCache(EngineConfig config, DecoderModel model) {
    return openCache(model, config.options(), config.pages(), config.slots());
  }

  static KvCache openCache(
      DecoderModel model,
      EngineOptions options,
      io.kvasir.runtime.device.PageEncoding pages,
      int slots) {
    KeyDomain domain =
        KeyDomain.builder(BlockKind.PREFIX)
            .model(model.revision())
            .weightsRevision(model.revision())
            .arithmetic(model.device().arithmetic() + "/" + model.head().format())
            .rotary(model.rotaryDigest())
            .build();
    CacheOptions cacheOptions =
        CacheOptions.of(options.arenaBytes())
            .withEncoding(pages)
            .withSlots(slots)
            .withMaxSequences(Math.max(1024, 2 * options.maxRunning()))
            .withMaxPins(options.blocks().maxPins())
            .withClock(options.clockNs());
    KvCache cache = KvCache.open(model.device(), model.cacheLayout(), domain, cacheOptions);
    model.arena().bind(cache.memory());
    return cache;
  }

  /** Decoders of answers, which continue after the tokens that they are given. */
  public static Function<int[], IntFunction<String>> textDecoder(Checkpoint checkpoint) {
    return prompt -> new StreamDecoder(checkpoint.tokenizer(), true, prompt)::next;
  }

  @Override
  public void close() {
    engine.close();
    checkpoint.close();
  }
}
