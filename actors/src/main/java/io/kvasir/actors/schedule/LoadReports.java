package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.runtime.engine.EngineStats;
import io.kvasir.runtime.engine.Usage;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * What a node tells gateways of its load: when it has changed, and otherwise now and then. Knows
 * who listens, each for a limited time. One thread.
 */
final class LoadReports {
  private static final int MAX_WATCHERS = 256;

  /**
   * Doublings of the interval while nothing changes: what was lost is told again in 4 intervals.
   */
  private static final int MAX_DOUBLINGS = 2;

  /** What is known of one device. */
  private static final class Device {
    final int maxRunning;
    final Speed speed = new Speed();
    GenerationReply.Load last;
    long toldNs;
    long askedNs;
    long sequence;

    /** How often the last load has been told again. */
    int repeats;

    Device(int maxRunning) {
      this.maxRunning = maxRunning;
    }
  }

  private final long intervalNs;
  private final Map<String, Device> devices = new HashMap<>();
  private final Map<ActorRef<GenerationReply>, Long> watchers = new LinkedHashMap<>();

  /**
   * @param intervalNs after which engines are asked at the latest, and an unchanged load is told
   *     again for the first time
   */
  LoadReports(List<NodeDevice> nodeDevices, long intervalNs) {
    this.intervalNs = intervalNs;
    nodeDevices.forEach(each -> devices.put(each.model(), new Device(each.maxRunning())));
  }

  /** A gateway listens, until {@code untilNs}. */
  void watch(ActorRef<GenerationReply> gateway, long untilNs) {
    if (watchers.containsKey(gateway)) {
      watchers.put(gateway, untilNs);
    } else if (watchers.size() < MAX_WATCHERS) {
      watchers.put(gateway, untilNs);
      devices.values().stream()
          .filter(device -> device.last != null)
          .forEach(device -> gateway.tell(device.last));
    }
  }

  /** Forgets who has not asked again; whether anybody listens. */
  boolean expire(long nowNs) {
    watchers.values().removeIf(untilNs -> nowNs - untilNs >= 0);
    return !watchers.isEmpty();
  }

  /**
   * Whether the engines' figures may be news: while there is work, until its end was told, and
   * otherwise once an interval. Asking an idle engine each tick would keep a node from resting.
   *
   * @param working whether the node has attempts under way
   */
  boolean due(boolean working, long nowNs) {
    boolean due = working;
    for (Device device : devices.values()) {
      GenerationReply.Load last = device.last;
      due |= last == null || last.running() + last.waiting() > 0 || last.backlogTokens() > 0;
      due |= nowNs - device.askedNs >= intervalNs;
    }
    return due;
  }

  /** A request of the model has ended well. */
  void learn(String model, Usage usage) {
    Device device = devices.get(model);
    if (device != null) {
      device.speed.learn(usage);
    }
  }

  /** The engine's figures have come; tells the gateways if that is news. */
  void observe(
      NodeInfo self,
      String model,
      EngineStats engine,
      List<NodeAttempt> attempts,
      boolean draining,
      long nowNs) {
    Device device = devices.get(model);
    GenerationReply.Load load = load(self, model, device, engine, attempts, draining);
    boolean news = device.last == null || differs(device.last, load);
    device.askedNs = nowNs;
    if (news || nowNs - device.toldNs >= intervalNs << device.repeats) {
      device.repeats = news ? 0 : Math.min(device.repeats + 1, MAX_DOUBLINGS);
      device.last = load;
      device.toldNs = nowNs;
      Consumer<ActorRef<GenerationReply>> tell = gateway -> gateway.tell(load);
      watchers.keySet().forEach(tell);
    }
  }

  private static boolean differs(GenerationReply.Load before, GenerationReply.Load now) {
    return before.waiting() != now.waiting()
        || before.running() != now.running()
        || before.backlogTokens() != now.backlogTokens()
        || before.arenaFreeBytes() != now.arenaFreeBytes()
        || before.draining() != now.draining();
  }

  private static GenerationReply.Load load(
      NodeInfo self,
      String model,
      Device device,
      EngineStats engine,
      List<NodeAttempt> attempts,
      boolean draining) {
    long backlog = 0;
    int fetching = 0;
    for (NodeAttempt attempt : attempts) {
      if (attempt.model.equals(model) && attempt.awaitsPrefill()) {
        backlog += attempt.computeTokens;
        fetching += attempt.streams().isEmpty() ? 1 : 0;
      }
    }
    return new GenerationReply.Load(
        self.nodeId(),
        self.incarnation(),
        ++device.sequence,
        model,
        engine.waiting() + fetching,
        engine.running(),
        device.maxRunning,
        backlog,
        engine.arenaBytes() - engine.arenaUsedBytes(),
        engine.arenaBytes(),
        device.speed.prefillTokensPerSecond(),
        device.speed.decodeStepMicros(),
        device.speed.requestMillis(),
        draining);
  }
}
