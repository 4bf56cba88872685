package io.kvasir.actors.schedule;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.api.CheckpointSource;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gpu.DeviceModel;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.gpu.Intake;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.GenerationEngine;
import io.kvasir.runtime.engine.LogitAdjuster;
import io.kvasir.runtime.engine.grammar.GrammarSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** Nodes of one JVM that talk over loopback, each with the same small model of random weights. */
final class TestNodes {
  static final String MODEL = "small";

  private static final String CONFIG =
      """
      {"model_type": "llama", "vocab_size": 259, "hidden_size": 128, "intermediate_size": 256,
       "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
       "head_dim": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000,
       "max_position_embeddings": 2048, "tie_word_embeddings": false,
       "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
      """;

  private TestNodes() {}

  static Config config(String overrides) {
    return ConfigFactory.parseString(overrides)
        .withFallback(
            ConfigFactory.parseString(
                """
                pekko.actor.provider = remote
                pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                pekko.actor.default-dispatcher.fork-join-executor.minimum-runnable = -1
                pekko.remote.warn-about-direct-use = off
                kvasir.actors.schedule { silence = 5 s, renew-interval = 100 ms, tick = 50 ms, lease = 10 s }
                kvasir.runtime { served-name = small, warm-up = 0 s, threads = 1 }
                kvasir.runtime.engine.arena = 67108864
                """))
        .withFallback(ConfigFactory.load());
  }

  /** The location of the model, for {@code kvasir.runtime.model}. */
  static String model(Path folder) throws IOException {
    return "dummy:" + Files.writeString(folder.resolve("config.json"), CONFIG);
  }

  /** What a node sees, said by the test. */
  static final class View implements ClusterView {
    private final List<Consumer<List<NodeInfo>>> listeners = new CopyOnWriteArrayList<>();
    private volatile NodeInfo self;
    private volatile List<NodeInfo> reachable = List.of();

    View(NodeInfo self) {
      this.self = self;
    }

    void see(List<NodeInfo> nodes) {
      reachable = nodes;
      listeners.forEach(listener -> listener.accept(nodes));
    }

    @Override
    public NodeInfo self() {
      return self;
    }

    @Override
    public List<NodeInfo> reachable() {
      return reachable;
    }

    @Override
    public AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
      listeners.add(listener);
      listener.accept(reachable);
      return () -> listeners.remove(listener);
    }
  }

  static NodeInfo info(
      long id, Set<String> roles, List<ModelInfo> models, ActorRef<GenerationMessage> service) {
    return new NodeInfo(
        id, id * 100 + 1, "n" + id, "pekko://n" + id, roles, "1", models, null, null, service);
  }

  /** A node that computes. */
  static final class Computing {
    final ActorSystem<Void> system;
    final GenerationEngine engine;
    final ModelText text;
    final Intake intake;
    final GenerationService.Handle service;
    final NodeInfo info;
    final GatedEngine.Gate gate = new GatedEngine.Gate();

    Computing(long id, String model) throws Exception {
      Config config = config("kvasir.runtime.model = \"" + model + "\"");
      system = ActorSystem.create(Behaviors.empty(), "n" + id, config);
      KvasirSettings settings = KvasirSettings.from(config);
      CheckpointSource source = new CheckpointSource(settings.runtime());
      ActorRef<GpuActor.Command> gpu =
          system.systemActorOf(
              GpuActor.create(settings.gpu(), () -> new GatedEngine(source.openEngine(), gate)),
              "gpu",
              Props.empty());
      GpuActor.Readiness readiness =
          AskPattern.ask(gpu, GpuActor.AwaitReady::new, Duration.ofSeconds(60), system.scheduler())
              .toCompletableFuture()
              .get(60, TimeUnit.SECONDS);
      engine = ((GpuActor.Ready) readiness).engine();
      text = source.openText();
      DeviceModel served =
          new DeviceModel() {
            @Override
            public ActorRef<GpuActor.Command> gpu() {
              return gpu;
            }

            @Override
            public LogitAdjuster mask(GrammarSpec grammar) {
              return text.mask(grammar);
            }
          };
      intake =
          new Intake(
              system,
              Duration.ofSeconds(20),
              system.executionContext(),
              name -> name.equals(MODEL) ? served : null);
      ModelInfo offered =
          new ModelInfo(
              MODEL,
              engine.fingerprint(),
              engine.maxContextTokens(),
              engine.vocabSize(),
              engine.hiddenSize(),
              engine.blocks().shape(),
              engine.blocks().keyScheme());
      NodeInfo self = info(id, Set.of("decode"), List.of(offered), null);
      View view = new View(self);
      service =
          GenerationService.start(
              system,
              view,
              intake,
              List.of(new NodeDevice(MODEL, gpu, settings.runtime().maxRunning())),
              ScheduleSettings.from(config));
      info = info(id, Set.of("decode"), List.of(offered), service.ref());
    }

    /** As another system sees it: messages to it are serialised and go through a socket. */
    NodeInfo seenFrom(ActorSystem<?> other) {
      String path = ActorRefResolver.get(system).toSerializationFormat(info.generations());
      return info(
          info.nodeId(),
          info.roles(),
          info.models(),
          ActorRefResolver.get(other).resolveActorRef(path));
    }

    /** Waits until the engine has nothing to do, and tells what it then holds. */
    EngineStats settled() {
      long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      EngineStats stats = engine.stats();
      while (stats.leases() + stats.running() + stats.waiting() > 0
          && System.nanoTime() < deadlineNs) {
        Thread.onSpinWait();
        stats = engine.stats();
      }
      return stats;
    }

    void stop() {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
    }
  }
}
