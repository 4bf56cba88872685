package io.kvasir.runtime.model;

import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.cache.LayerGroup;
import io.kvasir.runtime.checkpoint.LayerTensors;
import io.kvasir.runtime.checkpoint.ModelConfig;
import io.kvasir.runtime.checkpoint.ModelTensors;
import io.kvasir.runtime.checkpoint.RotaryFrequencies;
import io.kvasir.runtime.checkpoint.TensorSource;
import io.kvasir.runtime.checkpoint.TensorView;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.MatrixSource;
import io.kvasir.runtime.device.RotarySpec;
import io.kvasir.runtime.device.RotaryTable;
import io.kvasir.runtime.device.Weight;
import io.kvasir.runtime.device.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Builds a {@link DecoderModel} of a dense family from a checkpoint's tensors: packs weights,
 * groups layers by their window, and chooses the rotary table. With a {@link Collective} it loads
 * this rank's share: q, k, v, gate and up by rows, o and down by columns.
 */
public final class ModelLoader {
  private final Device device;
  private final ModelConfig config;
  private final ModelTensors tensors;
  private final LoadOptions options;
  private final int ranks;
  private final int rank;

  private ModelLoader(Device device, ModelConfig config, TensorSource source, LoadOptions options) {
    this.device = device;
    this.config = config;
    this.tensors = ModelTensors.of(config, source);
    this.options = options;
    this.ranks = options.collective() == null ? 1 : options.collective().size();
    this.rank = options.collective() == null ? 0 : options.collective().rank();
    if (config.kvHeadCount() % ranks != 0 || config.intermediateSize() % ranks != 0) {
      throw new DeviceException(
          "ranks="
              + ranks
              + " does not divide kvHeads="
              + config.kvHeadCount()
              + " and intermediate="
              + config.intermediateSize()
              + ", use fewer ranks");
    }
  }

  /** Packs everything; the source may be closed afterwards. */
  public static DecoderModel load(
      Device device, ModelConfig config, TensorSource source, LoadOptions options) {
    return new ModelLoader(device, config, source, options).load(source.revision());
  }

  private DecoderModel load(String revision) {
    int maxContext =
        options.maxContextTokens() == 0
            ? config.maxPositionEmbeddings()
            : Math.min(options.maxContextTokens(), config.maxPositionEmbeddings());
    RotaryFrequencies f = RotaryFrequencies.of(config.rope(), maxContext);
    RotarySpec spec = new RotarySpec(f.frequencies(), f.attentionFactor());
    RotaryTable rotary = device.rotary(spec);
    AttentionPlanner planner = new AttentionPlanner();
    List<DecoderLayer> layers = new ArrayList<>();
    for (int l = 0; l < config.layerCount(); l++) {
      LayerTensors t = tensors.layer(l);
      layers.add(new DecoderLayer(attention(t, l, rotary, planner), feedForward(t)));
    }
    Weight head = device.pack(format(tensors.lmHead()), TensorMatrix.whole(tensors.lmHead()));
    return new DecoderModel(
        revision,
        device,
        cacheLayout(spec),
        config.vocabSize(),
        config.hiddenSize(),
        (float) config.rmsNormEps(),
        new DecoderModel.Widths(
            config.queryWidth() / ranks,
            config.kvWidth() / ranks,
            config.intermediateSize() / ranks),
        tensors.lmHeadIsTied() ? head : embedding(),
        layers,
        floats(tensors.finalNorm()),
        head,
        spec.digest(),
        maxContext,
        new DecoderModel.ArenaBinding());
  }

  private Weight embedding() {
    MatrixSource table = TensorMatrix.whole(tensors.embedTokens());
    return device.packTable(table.stored(), table);
  }

  private AttentionMixer attention(
      LayerTensors t, int layer, RotaryTable rotary, AttentionPlanner planner) {
    TensorView o = t.o();
    return new AttentionMixer(
        new AttentionMixer.Parts(
            floats(t.inputNorm()),
            (float) config.rmsNormEps(),
            packRows(t.q(), t.k(), t.v()),
            qkvBias(t),
            floats(t.qNorm()),
            floats(t.kNorm()),
            device.pack(format(o), TensorMatrix.columnShare(o, rank, ranks)),
            firstRankOnly(floats(t.oBias())),
            rotary,
            config.headCount() / ranks,
            config.kvHeadCount() / ranks,
            config.headDim(),
            (float) (1 / Math.sqrt(config.headDim())),
            config.slidingWindow(layer),
            options.collective()),
        planner);
  }

  private SwiGluFeedForward feedForward(LayerTensors t) {
    TensorView down = t.down();
    return new SwiGluFeedForward(
        floats(t.postAttentionNorm()),
        (float) config.rmsNormEps(),
        WeightSlot.resident(packRows(t.gate(), t.up())),
        stacked(t.gateBias(), t.upBias()),
        WeightSlot.resident(device.pack(format(down), TensorMatrix.columnShare(down, rank, ranks))),
        firstRankOnly(floats(t.downBias())),
        config.intermediateSize() / ranks,
        options.collective());
  }

  /** A bias after a sum over ranks is added by rank 0 alone. */
  private DeviceFloats firstRankOnly(DeviceFloats bias) {
    return rank == 0 ? bias : null;
  }

  private Weight packRows(TensorView... parts) {
    MatrixSource[] sources = new MatrixSource[parts.length];
    for (int i = 0; i < parts.length; i++) {
      sources[i] = TensorMatrix.rowShare(parts[i], rank, ranks);
    }
    return device.pack(format(parts[0]), sources);
  }

  private WeightFormat format(TensorView tensor) {
    return options.weights() != null ? options.weights() : TensorMatrix.whole(tensor).stored();
  }

  private AttentionMixer.Bias qkvBias(LayerTensors t) {
    if (t.qBias().isEmpty()) {
      return null;
    }
    return new AttentionMixer.Bias(
        stacked(t.qBias(), t.kBias(), t.vBias()),
        stacked(t.qBias()),
        stacked(t.kBias(), t.vBias()));
  }

  @SafeVarargs
  private DeviceFloats stacked(Optional<TensorView>... parts) {
    if (parts[0].isEmpty()) {
      return null;
    }
    int total = 0;
    for (Optional<TensorView> part : parts) {
      total += Math.toIntExact(part.orElseThrow().elementCount()) / ranks;
    }
    DeviceFloats target = device.floats(total);
    int at = 0;
    for (Optional<TensorView> part : parts) {
      float[] values = part.orElseThrow().toFloats();
      int share = values.length / ranks;
      device.upload(values, rank * share, target, at, share);
      at += share;
    }
    return target;
  }

  private DeviceFloats floats(Optional<TensorView> vector) {
    return vector.map(this::floats).orElse(null);
  }

  private DeviceFloats floats(TensorView vector) {
    float[] values = vector.toFloats();
    DeviceFloats target = device.floats(values.length);
    device.upload(values, 0, target, 0, values.length);
    return target;
  }

  /** Layers with one window share a page table; the window decides what their pages may drop. */
  private CacheLayout cacheLayout(RotarySpec spec) {
    Map<Integer, List<Integer>> byWindow = new TreeMap<>();
    for (int l = 0; l < config.layerCount(); l++) {
      byWindow.computeIfAbsent(config.slidingWindow(l), w -> new ArrayList<>()).add(l);
    }
    FrameLayout frame =
        new FrameLayout(
            options.pages(),
            options.slots(),
            config.headDim(),
            config.headDim(),
            options.keysRotated());
    CacheLayout.Builder builder = CacheLayout.builder(config.layerCount());
    int id = 0;
    for (Map.Entry<Integer, List<Integer>> e : byWindow.entrySet()) {
      int[] layers = e.getValue().stream().mapToInt(Integer::intValue).toArray();
      String content =
          "gqa;window=" + e.getKey() + ";rank=" + rank + "/" + ranks + ";rope=" + spec.digest();
      builder.group(
          new LayerGroup(id++, layers, config.kvHeadCount() / ranks, frame, e.getKey(), content));
    }
    return builder.build();
  }
}
