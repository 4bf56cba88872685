package io.kvasir.actors.api;

import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import io.kvasir.runtime.cache.KvCache;
import io.kvasir.runtime.checkpoint.Checkpoint;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.checkpoint.WeightEstimate;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.WeightFormat;
import io.kvasir.runtime.engine.DeficitRoundRobin;
import io.kvasir.runtime.engine.Engine;
import io.kvasir.runtime.engine.EngineConfig;
import io.kvasir.runtime.engine.EngineOptions;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.LoadedModel;
import io.kvasir.runtime.engine.Rehearsal;
import io.kvasir.runtime.model.DecoderModel;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/** A checkpoint on this machine's CPU device. Text is ready before the weights are packed. */
public final class CheckpointSource implements ModelSource {
  private static final long MIN_ARENA_BYTES = 64L << 20;
  private static final int AUTO_SEQUENCES = 16;
  private static final int QUANTUM_TOKENS = 1024;
  private static final String ARENA = RuntimeSettings.PATH + ".engine.arena";

  private final RuntimeSettings settings;
  private final IntFunction<Device> cpu;
  private final int modelCount;
  private final CompletableFuture<ModelText> text = new CompletableFuture<>();
  private volatile Checkpoint serving;

  /** The only model of a node, opened when the node asks for it. */
  public CheckpointSource(RuntimeSettings settings) {
    this(settings, Devices::cpu, 1);
  }

  /**
   * @param cpu opens its device, given the threads
   * @param modelCount of the node: they share memory where nothing else was said
   */
  private CheckpointSource(RuntimeSettings settings, IntFunction<Device> cpu, int modelCount) {
    this.settings = settings;
    this.cpu = cpu;
    this.modelCount = modelCount;
  }

  /** The models of a node, which share its CPU and, unless told otherwise, its memory evenly. */
  public static List<CheckpointSource> all(KvasirSettings settings) {
    List<RuntimeSettings> models = settings.models();
    if (models.size() == 1) {
      return List.of(new CheckpointSource(settings.runtime()));
    }
    Supplier<Device> shared = Devices.sharedCpu(threads(settings.runtime()));
    return models.stream()
        .map(model -> new CheckpointSource(model, threads -> shared.get(), models.size()))
        .toList();
  }

  private static int threads(RuntimeSettings settings) {
    return settings.threads() == 0
        ? Runtime.getRuntime().availableProcessors()
        : settings.threads();
  }

  @Override
  public MemoryDemand memory() {
    WeightEstimate estimate;
    try {
      estimate = WeightEstimate.of(settings.model(), settings.weights());
    } catch (IOException | RuntimeException unreadable) {
      return MemoryDemand.NONE;
    }
    return new MemoryDemand(
        estimate.weightBytes(), config(estimate.config()).options().arenaBytes());
  }

  private EngineConfig config(ModelConfig model) {
    return engineConfig(settings, model, MachineMemory.totalBytes(), modelCount);
  }

  @Override
  public ModelText openText() {
    return text.join();
  }

  @Override
  public ModelText openTextAlone() {
    Checkpoint checkpoint = Checkpoint.open(settings.model());
    CheckpointText opened = null;
    try {
      opened = new CheckpointText(checkpoint);
      checkpoint.closeTensors();
      serving = checkpoint;
      return opened;
    } finally {
      if (opened == null) {
        checkpoint.close();
      }
    }
  }

  @Override
  public GenerationEngine openEngine() {
    Checkpoint checkpoint = null;
    Device device = null;
    boolean started = false;
    try {
      checkpoint = Checkpoint.open(settings.model());
      EngineConfig config = config(checkpoint.config());
      text.complete(new CheckpointText(checkpoint));
      device = cpu.apply(config.threads());
      DecoderModel model = LoadedModel.load(config, device, checkpoint);
      checkpoint.closeTensors();
      Rehearsal.run(device, checkpoint.config(), model.head().format(), config);
      KvCache cache = LoadedModel.openCache(config, model);
      Engine engine =
          Engine.start(
              model,
              cache,
              config.options(),
              new DeficitRoundRobin(QUANTUM_TOKENS),
              LoadedModel.textDecoder(checkpoint));
      serving = checkpoint;
      started = true;
      return engine;
    } catch (RuntimeException failure) {
      text.completeExceptionally(failure);
      throw failure;
    } finally {
      if (!started) {
        if (checkpoint != null) {
          checkpoint.close();
        }
        if (device != null) {
          device.close();
        }
      }
    }
  }

  @Override
  public void close() {
    Checkpoint opened = serving;
    if (opened != null) {
      opened.close();
    }
  }

  static EngineConfig engineConfig(
      RuntimeSettings settings, ModelConfig model, long memoryBytes, int modelCount) {
    PageEncoding pages = PageEncoding.valueOf(settings.pages().toUpperCase(Locale.ROOT));
    WeightFormat weights =
        settings.weights().equals("stored")
            ? null
            : WeightFormat.valueOf(settings.weights().toUpperCase(Locale.ROOT));
    int contextTokens =
        settings.maxContextTokens() == 0
            ? model.maxPositionEmbeddings()
            : Math.min(settings.maxContextTokens(), model.maxPositionEmbeddings());
    EngineOptions options =
        new EngineOptions(
            arenaBytes(
                settings.arenaBytes(),
                contextTokens * model.kvBytesPerToken(pages.bytesPerValue()),
                memoryBytes,
                modelCount),
            settings.stepRows(),
            settings.stepRowLayers() == 0 ? Long.MAX_VALUE : settings.stepRowLayers(),
            settings.maxRunning(),
            settings.maxWaiting(),
            settings.lease().toNanos(),
            null,
            settings.warmUp().toNanos(),
            settings.blocks(),
            System::nanoTime);
    return new EngineConfig(
        settings.model(),
        threads(settings),
        weights,
        pages,
        settings.pageTokens(),
        settings.maxContextTokens(),
        options);
  }

  static long arenaBytes(long asked, long sequenceBytes, long memoryBytes, int modelCount) {
    if (asked > memoryBytes) {
      throw new ConfigurationException(
          "%s=%d bytes is larger than this machine's memory of %d bytes; lower it, or set 0 to let Kvasir choose"
              .formatted(ARENA, asked, memoryBytes));
    }
    return asked > 0
        ? asked
        : Math.max(
            MIN_ARENA_BYTES,
            Math.min(AUTO_SEQUENCES * sequenceBytes, memoryBytes / 4 / modelCount));
  }
}
