package io.kvasir.actors.api;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.gateway.ModelText;
import io.kvasir.actors.gateway.ServedModel;
import io.kvasir.actors.gateway.ServedModels;
import io.kvasir.actors.gpu.GpuActor;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.actors.settings.RuntimeSettings;
import io.kvasir.runtime.engine.Pooling;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.CloseHelper;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AskPattern;

/**
 * The models of one node from source to served, a device actor each. First it is checked that all
 * of them fit the machine's memory; then they are loaded one after another, so that weights are
 * packed on all of the machine and only one checkpoint at a time is mapped. Safe from any thread.
 */
final class NodeModels {
  private static final AtomicLong DEVICES = new AtomicLong();
  private static final Duration LOADING = Duration.ofHours(6);

  private record Entry(
      ServedModel served,
      ModelSource source,
      CompletableFuture<KvasirServer.Ready> ready,
      AutoCloseable subscription) {}

  private final ActorSystem<?> system;
  private final Duration askTimeout;
  private final List<Entry> entries = new ArrayList<>();
  private final ServedModels served;

  private NodeModels(
      ActorSystem<?> system,
      KvasirSettings settings,
      List<? extends ModelSource> sources,
      ClusterView view) {
    this.system = system;
    this.askTimeout = settings.gateway().askTimeout();
    Executor loader = loader(system, settings);
    if (view != null) {
      for (int i = 0; i < sources.size(); i++) {
        entries.add(offer(settings.models().get(i), sources.get(i), loader, view));
      }
      served = new ServedModels(entries.stream().map(Entry::served).toList());
      return;
    }
    CompletionStage<?> fits =
        CompletableFuture.runAsync(() -> checkMemory(settings.models(), sources), loader);
    CompletionStage<?> turn = fits;
    for (int i = 0; i < sources.size(); i++) {
      Entry entry = load(settings, settings.models().get(i), sources.get(i), turn, loader);
      entries.add(entry);
      // The next one's turn comes with this one's end, well or not, if all fit.
      turn = entry.ready().handle((ready, failure) -> null).thenCombine(fits, (ended, fit) -> fit);
    }
    served = new ServedModels(entries.stream().map(Entry::served).toList());
  }

  /** Begins to load. */
  static NodeModels load(
      ActorSystem<?> system, KvasirSettings settings, List<? extends ModelSource> sources) {
    return new NodeModels(system, settings, sources, null);
  }

  /** Offers what other nodes compute: opens the models' texts, and waits for a node with them. */
  static NodeModels offer(
      ActorSystem<?> system,
      KvasirSettings settings,
      List<? extends ModelSource> sources,
      ClusterView view) {
    return new NodeModels(system, settings, sources, view);
  }

  static Executor loader(ActorSystem<?> system, KvasirSettings settings) {
    return system
        .dispatchers()
        .lookup(DispatcherSelector.fromConfig(settings.gpu().loaderDispatcher()));
  }

  private static Entry offer(
      RuntimeSettings model, ModelSource source, Executor loader, ClusterView view) {
    ServedModel offered = served(model, null);
    CompletableFuture<ModelInfo> found = new CompletableFuture<>();
    AutoCloseable subscription =
        view.subscribe(
            nodes -> {
              Optional<ModelInfo> there =
                  nodes.stream()
                      .filter(node -> node.generations() != null)
                      .flatMap(node -> node.models().stream())
                      .filter(info -> info.id().equals(model.modelId()))
                      .findFirst();
              offered.computedElsewhere(there.isPresent());
              there.ifPresent(found::complete);
            });
    CompletionStage<ModelText> text =
        CompletableFuture.supplyAsync(() -> open(source::openTextAlone), loader);
    CompletableFuture<KvasirServer.Ready> ready =
        text.thenCombine(
                found,
                (opened, info) -> {
                  offered.settle(
                      new ServedModel.Ready(opened, info.maxContextTokens(), info.hiddenSize()));
                  return new KvasirServer.Ready(null, opened, info.maxContextTokens());
                })
            .toCompletableFuture();
    text.whenComplete(
        (opened, failure) -> {
          if (failure != null) {
            CloseHelper.quietClose(subscription);
            offered.settle(new ServedModel.Failed(Kvasir.sentence(failure)));
            ready.completeExceptionally(failure);
          }
        });
    return new Entry(offered, source, ready, subscription);
  }

  private static ServedModel served(RuntimeSettings model, ActorRef<GpuActor.Command> gpu) {
    return new ServedModel(
        model.modelId(),
        model.aliases(),
        Pooling.valueOf(model.pooling().toUpperCase(Locale.ROOT)),
        System.currentTimeMillis() / 1000,
        gpu);
  }

  private static void checkMemory(
      List<RuntimeSettings> models, List<? extends ModelSource> sources) {
    MemoryDemand.check(
        models.stream().map(RuntimeSettings::modelId).toList(),
        sources.stream().map(ModelSource::memory).toList(),
        MachineMemory.totalBytes());
  }

  private Entry load(
      KvasirSettings settings,
      RuntimeSettings model,
      ModelSource source,
      CompletionStage<?> turn,
      Executor loader) {
    ActorRef<GpuActor.Command> gpu =
        system.systemActorOf(
            GpuActor.create(settings.gpu(), source::openEngine, turn),
            "kvasir-gpu-" + DEVICES.incrementAndGet(),
            Props.empty());
    ServedModel offered = served(model, gpu);
    CompletionStage<ModelText> text = turn.thenApplyAsync(begun -> open(source::openText), loader);
    CompletionStage<GpuActor.Readiness> engine =
        AskPattern.ask(gpu, GpuActor.AwaitReady::new, LOADING, system.scheduler());
    CompletionStage<KvasirServer.Ready> ready =
        text.thenCombine(engine, (opened, readiness) -> settle(offered, opened, readiness))
            .whenComplete(
                (settled, failure) -> {
                  if (failure != null) {
                    offered.settle(new ServedModel.Failed(Kvasir.sentence(failure)));
                  }
                });
    return new Entry(offered, source, ready.toCompletableFuture(), null);
  }

  private static ModelText open(Callable<ModelText> text) {
    try {
      return text.call();
    } catch (Exception failure) {
      throw new CompletionException(failure);
    }
  }

  private static KvasirServer.Ready settle(
      ServedModel served, ModelText text, GpuActor.Readiness readiness) {
    return switch (readiness) {
      case GpuActor.Ready device -> {
        served.settle(
            new ServedModel.Ready(text, device.maxContextTokens(), device.engine().hiddenSize()));
        yield new KvasirServer.Ready(device.engine(), text, device.maxContextTokens());
      }
      case GpuActor.Failed failed -> throw new ModelLoadException(failed.reason());
      case GpuActor.Loading loading -> throw new IllegalStateException("told of loading as an end");
    };
  }

  ServedModels served() {
    return served;
  }

  List<String> ids() {
    return served.all().stream().map(ServedModel::id).toList();
  }

  /** The first that is ready when all have settled; fails as the first does when none is. */
  CompletionStage<KvasirServer.Ready> ready() {
    CompletableFuture<?>[] all =
        entries.stream().map(Entry::ready).toArray(CompletableFuture<?>[]::new);
    return CompletableFuture.allOf(all)
        .handle((settled, failure) -> null)
        .thenCompose(
            settled -> {
              for (Entry entry : entries) {
                if (!entry.ready().isCompletedExceptionally()) {
                  return entry.ready();
                }
              }
              return entries.getFirst().ready();
            });
  }

  CompletionStage<KvasirServer.Ready> ready(String id) {
    for (Entry entry : entries) {
      if (entry.served().id().equals(id)) {
        return entry.ready().minimalCompletionStage();
      }
    }
    throw new IllegalArgumentException("model " + id + " is not one of " + ids());
  }

  /** Ends actors and engines; completes when all are closed, never fails. */
  CompletionStage<Done> stop() {
    CompletionStage<Done> all = CompletableFuture.completedFuture(Done.getInstance());
    for (Entry entry : entries) {
      if (entry.served().gpu() == null) {
        continue;
      }
      CompletionStage<Done> stopped =
          AskPattern.ask(entry.served().gpu(), GpuActor.Stop::new, askTimeout, system.scheduler());
      all = all.thenCombine(stopped.exceptionally(late -> Done.getInstance()), (a, b) -> a);
    }
    return all;
  }

  /** Gives back what texts hold; after {@link #stop()}. */
  void close() {
    for (Entry entry : entries) {
      CloseHelper.quietClose(entry.subscription());
      entry.source().close();
    }
  }
}
