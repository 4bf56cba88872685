package io.kvasir.actors.directory;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.settings.DirectorySettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Measures the directory: memory and lookups of a full table in process, then two actor systems of
 * this JVM with Artery TCP over loopback between them, one owner and client, one copy. Needs a heap
 * of 2 GB for ten million entries. One thread calls.
 */
public final class DirectoryBench {
  private static final int CHAIN_BLOCKS = 100;
  private static final int SLOTS = 16;

  /** Three hundred of them are slower than the 99th percentile. */
  private static final int LOOKUPS = 30_000;

  /** Remote ones, one a millisecond. */
  private static final int STEADY = 10_000;

  /**
   * A measured figure.
   *
   * @param goal to stay below, or to reach where {@code atLeast}
   */
  public record Figure(String name, double value, String unit, double goal, boolean atLeast) {
    /** Whether the goal is reached. */
    public boolean isMet() {
      return atLeast ? value >= goal : value <= goal;
    }
  }

  /** Two nodes, seen as the bench wants them seen. */
  private static final class View implements ClusterView {
    private final NodeInfo self;
    private final List<Consumer<List<NodeInfo>>> listeners = new ArrayList<>();
    private List<NodeInfo> nodes = List.of();

    View(long nodeId) {
      self = info(nodeId, null);
    }

    static NodeInfo info(long nodeId, ActorRef<DirectoryMessage> ref) {
      return new NodeInfo(nodeId, nodeId, "", "", Set.of(), "", List.of(), ref, null, null);
    }

    synchronized void set(List<NodeInfo> now) {
      nodes = now;
      listeners.forEach(listener -> listener.accept(now));
    }

    @Override
    public NodeInfo self() {
      return self;
    }

    @Override
    public synchronized List<NodeInfo> reachable() {
      return nodes;
    }

    @Override
    public synchronized AutoCloseable subscribe(Consumer<List<NodeInfo>> listener) {
      listeners.add(listener);
      listener.accept(nodes);
      return () -> listeners.remove(listener);
    }
  }

  private DirectoryBench() {}

  /** Prints the figures; arguments: entries of the table, entries rebuilt. */
  public static void main(String[] args) throws Exception {
    int entries = args.length > 0 ? Integer.parseInt(args[0]) : 10_000_000;
    int rebuilt = args.length > 1 ? Integer.parseInt(args[1]) : 2_000_000;
    List<Figure> figures = new ArrayList<>(table(entries));
    figures.addAll(remote(rebuilt, ConfigFactory.load()));
    for (Figure f : figures) {
      System.out.printf(
          "%-52s %,14.3f %s (goal %s %,.1f: %s)%n",
          f.name(),
          f.value(),
          f.unit(),
          f.atLeast() ? ">=" : "<=",
          f.goal(),
          f.isMet() ? "met" : "missed");
    }
    System.exit(0);
  }

  /**
   * A table of so many blocks with one holder each, the layout with the most bytes an entry, then
   * eight holders for each block of some chains.
   */
  public static List<Figure> table(int entries) {
    long before = usedHeapBytes();
    DirectoryTable table = new DirectoryTable(entries, 32);
    Owner[] owners = new Owner[8];
    Arrays.setAll(owners, n -> table.addOwner(n, n));
    long startNs = System.nanoTime();
    for (int b = 0; b < entries; b++) {
      table.put(owners[b / CHAIN_BLOCKS % owners.length], Mix.mix64(b), Mix.mix64(~b), 1);
    }
    double seconds = (System.nanoTime() - startNs) / 1e9;
    double heapGb = (usedHeapBytes() - before) / 1e9;
    List<Figure> figures = new ArrayList<>();
    figures.add(new Figure("heap of " + entries + " entries", heapGb, "GB", 1.5, false));
    figures.add(new Figure("entries written in process", entries / seconds, "1/s", 300_000, true));
    figures.add(lookups("lookup of 100 blocks, in process, p99", table, entries / CHAIN_BLOCKS));
    int shared = Math.min(1000, entries / CHAIN_BLOCKS / owners.length);
    for (int b = 0; b < shared * CHAIN_BLOCKS; b++) {
      for (Owner owner : owners) {
        table.put(owner, Mix.mix64(b), Mix.mix64(~b), 3);
      }
    }
    figures.add(lookups("the same with 8 holders a block, p99", table, shared));
    return figures;
  }

  private static Figure lookups(String name, DirectoryTable table, int chains) {
    SplittableRandom random = new SplittableRandom(1);
    long[] tookNs = new long[LOOKUPS];
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < tookNs.length; i++) {
        long[] keys = new long[2 * CHAIN_BLOCKS];
        int first = random.nextInt(chains) * CHAIN_BLOCKS;
        for (int b = 0; b < CHAIN_BLOCKS; b++) {
          keys[2 * b] = Mix.mix64(first + b);
          keys[2 * b + 1] = Mix.mix64(~(first + b));
        }
        long startNs = System.nanoTime();
        Hits hits = table.find(keys);
        tookNs[i] = System.nanoTime() - startNs;
        if (hits.count() == 0) {
          throw new IllegalStateException("chain at block " + first + " has no holder");
        }
      }
    }
    return new Figure(name, p99Ms(tookNs, tookNs.length), "ms", 0.2, false);
  }

  /**
   * An owner's blocks move to a copy that has just appeared, while the owner's node looks chains up
   * there; then lookups beside a steady stream of announcements. The second of two rounds counts: a
   * node that has served for a while has had this code compiled.
   *
   * @param node settings of a node, whose dispatchers and remoting are part of what is measured
   */
  public static List<Figure> remote(int entries, Config node) throws Exception {
    round(entries / 4, STEADY / 4, 5000, node);
    return round(entries, STEADY, 100, node);
  }

  private static List<Figure> round(int entries, int steady, int before, Config node)
      throws Exception {
    ActorSystem<Void> owner = system(node);
    ActorSystem<Void> keeper = system(node);
    try {
      View ownerView = new View(1);
      View keeperView = new View(2);
      String settings = "keep = false, max-own-entries = " + 2 * entries;
      try (DirectoryService client = DirectoryService.start(owner, ownerView, settings(settings));
          DirectoryService copy =
              DirectoryService.start(
                  keeper, keeperView, settings("max-entries = " + 2 * entries))) {
        keeperView.set(List.of(View.info(1, null), View.info(2, copy.ref())));
        ActorRef<DirectoryMessage> wire =
            ActorRefResolver.get(owner)
                .resolveActorRef(ActorRefResolver.get(keeper).toSerializationFormat(copy.ref()));
        ownerView.set(List.of(View.info(1, null), View.info(2, wire)));
        warmUp(client, before);
        ownerView.set(List.of(View.info(1, null)));
        List<BlockKeys> chains = announce(client, entries);
        long startNs = System.nanoTime();
        ownerView.set(List.of(View.info(1, null), View.info(2, wire)));
        return measure(client, copy, chains, entries, steady, startNs);
      }
    } finally {
      owner.terminate();
      keeper.terminate();
      owner.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
      keeper.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  /**
   * Until the connection is there.
   *
   * @param lookups after which their code is compiled too, unless an earlier round has done that
   */
  private static void warmUp(DirectoryService client, int lookups) {
    Load load = new Load(client, announce(client, 10 * CHAIN_BLOCKS));
    for (int i = 0; i < lookups; i++) {
      load.lookUp();
    }
    load.p99Ms();
  }

  private static List<Figure> measure(
      DirectoryService client,
      DirectoryService copy,
      List<BlockKeys> chains,
      int entries,
      int steadyLookups,
      long startNs)
      throws TimeoutException {
    Load during = new Load(client, chains);
    while (copy.metrics().entries() < entries) {
      during.lookUp();
      if (System.nanoTime() - startNs > 120_000_000_000L) {
        throw new TimeoutException(
            "the copy has " + copy.metrics().entries() + " of " + entries + " entries after 120 s");
      }
    }
    double rate = entries / ((System.nanoTime() - startNs) / 1e9);
    Load steady = new Load(client, chains);
    BlockKeys changing = chains.getFirst();
    for (int i = 0; i < steadyLookups; i++) {
      for (int b = 0; b < 20; b++) {
        client.announcer().removed(Residence.DISK, 0, changing.high(0, b), changing.low(0, b));
        added(client, Residence.DISK, changing, b);
      }
      steady.lookUp();
    }
    return List.of(
        new Figure("copy rebuilt while serving", rate, "entries/s", 300_000, true),
        new Figure(
            "lookup of 100 blocks, remote, while rebuilt, p99", during.p99Ms(), "ms", 5, false),
        new Figure(
            "lookup of 100 blocks, remote, beside 20,000 changes/s, p99",
            steady.p99Ms(),
            "ms",
            5,
            false));
  }

  /** A thousand lookups a second. */
  private static final class Load {
    private final SplittableRandom random = new SplittableRandom(2);
    private final DirectoryService client;
    private final List<BlockKeys> chains;
    private final List<CompletableFuture<Long>> answers = new ArrayList<>();
    private long nextNs = System.nanoTime();

    Load(DirectoryService client, List<BlockKeys> chains) {
      this.client = client;
      this.chains = chains;
    }

    void lookUp() {
      nextNs += 1_000_000;
      while (nextNs - System.nanoTime() > 0) {
        LockSupport.parkNanos(nextNs - System.nanoTime());
      }
      long startNs = System.nanoTime();
      answers.add(
          client
              .directory()
              .lookup(chains.get(random.nextInt(chains.size())), Duration.ofSeconds(5))
              .thenApply(found -> System.nanoTime() - startNs)
              .toCompletableFuture());
    }

    double p99Ms() {
      long[] tookNs = answers.stream().mapToLong(CompletableFuture::join).toArray();
      return DirectoryBench.p99Ms(tookNs, tookNs.length);
    }
  }

  private static List<BlockKeys> announce(DirectoryService client, int entries) {
    KeyScheme scheme = new KeyScheme(SLOTS, List.of(new byte[SLOTS]));
    List<BlockKeys> chains = new ArrayList<>();
    int[] tokens = new int[CHAIN_BLOCKS * SLOTS];
    for (int c = 0; c < entries / CHAIN_BLOCKS; c++) {
      Arrays.fill(tokens, c);
      BlockKeys keys = scheme.keys("", tokens, tokens.length);
      chains.add(keys);
      for (int b = 0; b < CHAIN_BLOCKS; b++) {
        added(client, Residence.HOST, keys, b);
      }
    }
    return chains;
  }

  private static void added(DirectoryService client, Residence tier, BlockKeys keys, int b) {
    client
        .announcer()
        .added(tier, 0, keys.high(0, b), keys.low(0, b), keys.high(0, 0), keys.low(0, 0), b);
  }

  private static DirectorySettings settings(String lines) {
    return DirectorySettings.from(
        ConfigFactory.parseString("kvasir.actors.directory { " + lines + " }")
            .withFallback(ConfigFactory.load()));
  }

  private static ActorSystem<Void> system(Config node) {
    Config config =
        ConfigFactory.parseString(
                """
                pekko.loglevel = WARNING
                pekko.actor.provider = remote
                pekko.actor.serialization-bindings {
                  "io.kvasir.actors.cluster.ClusterMessage" = jackson-cbor
                }
                pekko.remote.artery.transport = tcp
                pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                pekko.remote.use-unsafe-remote-features-outside-cluster = on
                """)
            .withFallback(node);
    return ActorSystem.create(Behaviors.empty(), "directory-bench", config);
  }

  private static double p99Ms(long[] tookNs, int count) {
    long[] sorted = Arrays.copyOf(tookNs, count);
    Arrays.sort(sorted);
    return sorted[(int) (0.99 * (count - 1))] / 1e6;
  }

  private static long usedHeapBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
