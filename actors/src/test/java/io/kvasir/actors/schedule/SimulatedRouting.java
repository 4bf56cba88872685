package io.kvasir.actors.schedule;

import io.kvasir.actors.cluster.ModelInfo;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.settings.ScheduleSettings;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.runtime.blocks.BlockShape;
import io.kvasir.runtime.blocks.KeyScheme;
import io.kvasir.runtime.blocks.Residence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/**
 * A gateway's choice of nodes in virtual time: {@link LoadBook} and {@link NodeScore} as they are,
 * around them nodes with a cache of blocks that is evicted least recently used, one step after the
 * other, a directory that learns of blocks a little later, and clients that send their next request
 * when they have their answer.
 */
final class SimulatedRouting {
  /**
   * What is simulated.
   *
   * @param groups prefixes, used equally often in a seeded order
   * @param capacityBlocks of each node's device
   * @param lateShare of the lookups that the directory does not answer in time
   */
  record Setting(
      int nodes,
      int groups,
      int prefixTokens,
      int ownTokens,
      int answerTokens,
      int uses,
      int clients,
      int capacityBlocks,
      double lateShare,
      boolean leastLoaded) {}

  /**
   * What came of it.
   *
   * @param computedShare of all prompt tokens
   * @param duplicates prefixes whose computation began on one node while it went on on another
   * @param leastUsedShare of the requests, that the node with the fewest has answered
   */
  record Outcome(
      double perSecond,
      double computedShare,
      int duplicates,
      int evictedBlocks,
      double leastUsedShare) {}

  static final int SLOTS = 32;
  private static final int BLOCK_BYTES = 32 * 12 * 1024;
  private static final String MODEL = "m";
  private static final int STEP_ROWS = 512;
  private static final double STEP_MS = 11;
  private static final double ROW_MS = 1.6;
  private static final double HOP_MS = 1;
  private static final double ANNOUNCE_MS = 25;
  private static final double TICK_MS = 100;
  private static final KeyScheme KEYS = new KeyScheme(SLOTS, List.of(new byte[16]));

  private record Event(double atMs, long sequence, Runnable action) {}

  private record Block(int group, int index) {}

  private final class Job {
    final long id;
    final int group;
    final int[] prompt;
    final BlockKeys keys;
    int node;
    int hit;
    int done;
    int generated;
    int computed;
    final List<Block> held = new ArrayList<>();
    int privateBlocks;

    Job(long id, int group) {
      this.id = id;
      this.group = group;
      this.prompt = new int[setting.prefixTokens() + setting.ownTokens()];
      for (int i = 0; i < prompt.length; i++) {
        prompt[i] = i < setting.prefixTokens() ? group : (int) (1000 + id);
      }
      this.keys = KEYS.keys("t", prompt, prompt.length);
    }

    int prefixBlocks() {
      return setting.prefixTokens() / SLOTS;
    }
  }

  private final class Node {
    final int index;
    final NodeInfo info;
    final Map<Block, Integer> references = new HashMap<>();
    final LinkedHashSet<Block> unreferenced = new LinkedHashSet<>();
    final Set<Block> announced = new HashSet<>();
    final Deque<Job> waiting = new ArrayDeque<>();
    final List<Job> running = new ArrayList<>();
    int privateBlocks;
    boolean stepping;
    long sequence;
    int answered;

    Node(int index) {
      this.index = index;
      BlockShape shape =
          new BlockShape("d", SLOTS, List.of(new BlockShape.Group(BLOCK_BYTES, 1, 0, 0)));
      ModelInfo model = new ModelInfo(MODEL, "f", 4096, 100, 8, shape, KEYS);
      info =
          new NodeInfo(
              index + 1,
              index + 1,
              "n" + (index + 1),
              "pekko://x",
              Set.of("decode"),
              "1",
              List.of(model),
              null,
              null,
              null);
    }

    int used() {
      return references.size() + unreferenced.size() + privateBlocks;
    }

    void evictDownTo(int most) {
      while (used() > most) {
        Block oldest = unreferenced.iterator().next();
        unreferenced.remove(oldest);
        evicted++;
        after(ANNOUNCE_MS, () -> announced.remove(oldest));
      }
    }

    boolean has(Block block) {
      return unreferenced.contains(block) || references.containsKey(block);
    }

    void hold(Job job, Block block) {
      unreferenced.remove(block);
      references.merge(block, 1, Integer::sum);
      job.held.add(block);
    }

    void arrive(Job job) {
      waiting.add(job);
      step();
    }

    void step() {
      if (stepping || waiting.isEmpty() && running.isEmpty()) {
        return;
      }
      stepping = true;
      int rows = 0;
      Map<Job, Integer> chunks = new HashMap<>();
      for (Job job : running) {
        if (job.done == job.prompt.length) {
          rows++;
          chunks.put(job, 1);
        }
      }
      for (Job job : running) {
        if (job.done < job.prompt.length && rows < STEP_ROWS) {
          int chunk = Math.min(STEP_ROWS - rows, job.prompt.length - job.done);
          chunks.put(job, chunk);
          rows += chunk;
        }
      }
      while (rows < STEP_ROWS && !waiting.isEmpty()) {
        Job job = waiting.peek();
        if (!admit(job)) {
          break;
        }
        waiting.remove();
        running.add(job);
        int chunk = Math.min(STEP_ROWS - rows, job.prompt.length - job.done);
        chunks.put(job, chunk);
        rows += chunk;
      }
      after(STEP_MS + ROW_MS * rows, () -> stepped(chunks));
    }

    private boolean admit(Job job) {
      int hit = 0;
      while (hit < job.prefixBlocks() && has(new Block(job.group, hit))) {
        hit++;
      }
      int missing = Math.ceilDiv(job.prompt.length + setting.answerTokens() - hit * SLOTS, SLOTS);
      int held = 0;
      for (int b = 0; b < hit; b++) {
        held += references.containsKey(new Block(job.group, b)) ? 0 : 1;
      }
      if (references.size() + held + privateBlocks + missing > setting.capacityBlocks()) {
        return false;
      }
      for (int b = 0; b < hit; b++) {
        hold(job, new Block(job.group, b));
      }
      job.privateBlocks = missing;
      privateBlocks += missing;
      evictDownTo(setting.capacityBlocks());
      job.hit = hit * SLOTS;
      job.done = job.hit;
      job.computed = job.prompt.length - job.hit;
      if (hit < job.prefixBlocks()) {
        for (Node other : nodes) {
          for (Job theirs : other.running) {
            boolean same = theirs.group == job.group && theirs.done < setting.prefixTokens();
            duplicates += other != this && same ? 1 : 0;
          }
        }
      }
      return true;
    }

    private void stepped(Map<Job, Integer> chunks) {
      stepping = false;
      for (Map.Entry<Job, Integer> chunk : chunks.entrySet()) {
        Job job = chunk.getKey();
        if (job.done == job.prompt.length) {
          job.generated++;
        } else {
          int from = job.done / SLOTS;
          job.done += chunk.getValue();
          for (int b = from; b < Math.min(job.done / SLOTS, job.prefixBlocks()); b++) {
            Block block = new Block(job.group, b);
            if (b * SLOTS >= job.hit) {
              job.privateBlocks--;
              privateBlocks--;
              hold(job, block);
              after(ANNOUNCE_MS, () -> announced.add(block));
            }
          }
          job.generated += job.done == job.prompt.length ? 1 : 0;
        }
        if (job.generated >= setting.answerTokens()) {
          end(job);
        }
      }
      step();
    }

    private void end(Job job) {
      running.remove(job);
      answered++;
      privateBlocks -= job.privateBlocks;
      for (int i = job.held.size() - 1; i >= 0; i--) {
        Block block = job.held.get(i);
        if (references.merge(block, -1, Integer::sum) == 0) {
          references.remove(block);
          unreferenced.remove(block);
          unreferenced.add(block);
        }
      }
      after(HOP_MS, () -> ended(job));
    }

    GenerationReply.Load load() {
      long backlog = 0;
      for (Job job : waiting) {
        backlog += job.prompt.length;
      }
      for (Job job : running) {
        backlog += job.done < job.prompt.length ? job.prompt.length - job.hit : 0;
      }
      return new GenerationReply.Load(
          info.nodeId(),
          info.incarnation(),
          ++sequence,
          MODEL,
          waiting.size(),
          running.size(),
          64,
          backlog,
          (long) (setting.capacityBlocks() - used()) * BLOCK_BYTES,
          (long) setting.capacityBlocks() * BLOCK_BYTES,
          600,
          11_000,
          500,
          false);
    }

    void tick() {
      GenerationReply.Load now = load();
      after(HOP_MS, () -> book.report(now));
      after(TICK_MS, this::tick);
    }
  }

  private final Setting setting;
  private final Random random;
  private final LoadBook book;
  private final List<Node> nodes = new ArrayList<>();
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(
          Comparator.comparingDouble(Event::atMs).thenComparingLong(Event::sequence));
  private final int[] order;
  private double nowMs;
  private long sequence;
  private int next;
  private int over;
  private long computed;
  private int duplicates;
  private int evicted;

  SimulatedRouting(Setting setting, ScheduleSettings settings, long seed) {
    this.setting = setting;
    this.random = new Random(seed);
    this.book = new LoadBook(settings);
    for (int i = 0; i < setting.nodes(); i++) {
      nodes.add(new Node(i));
    }
    order = new int[setting.groups() * setting.uses()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i % setting.groups();
    }
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }

  Outcome run() {
    nodes.forEach(node -> after(random.nextDouble() * TICK_MS, node::tick));
    for (int c = 0; c < setting.clients(); c++) {
      after(0, this::send);
    }
    while (over < order.length) {
      Event event = events.remove();
      nowMs = event.atMs();
      event.action().run();
    }
    long prompt = (long) order.length * (setting.prefixTokens() + setting.ownTokens());
    return new Outcome(
        order.length / nowMs * 1e3,
        computed / (double) prompt,
        duplicates,
        evicted,
        nodes.stream().mapToInt(node -> node.answered).min().orElseThrow() / (double) order.length);
  }

  private void after(double ms, Runnable action) {
    events.add(new Event(nowMs + ms, sequence++, action));
  }

  private void send() {
    if (next == order.length) {
      return;
    }
    Job job = new Job(next, order[next]);
    next++;
    Holdings known = random.nextDouble() < setting.lateShare() ? Holdings.LATE : holdings(job);
    after(HOP_MS, () -> place(job, known));
  }

  private Holdings holdings(Job job) {
    List<Holdings.Holder> holders = new ArrayList<>();
    for (Node node : nodes) {
      BitSet blocks = new BitSet();
      for (int b = 0; b < job.prefixBlocks(); b++) {
        blocks.set(b, node.announced.contains(new Block(job.group, b)));
      }
      if (!blocks.isEmpty()) {
        holders.add(
            new Holdings.Holder(
                node.info.nodeId(), node.info.incarnation(), Residence.DEVICE, List.of(blocks)));
      }
    }
    return new Holdings(holders, false);
  }

  private void place(Job job, Holdings holdings) {
    LoadBook.Question question =
        new LoadBook.Question(
            job.id,
            "t",
            null,
            MODEL,
            job.prompt.length,
            job.keys,
            holdings,
            EnumSet.of(Residence.DEVICE),
            0);
    List<NodeInfo> infos = nodes.stream().map(node -> node.info).toList();
    NodeScore.Scored best =
        NodeScore.rank(book.candidates(infos, question), job.prompt.length, setting.leastLoaded())
            .getFirst();
    job.node = (int) best.candidate().nodeId() - 1;
    book.sent(job.id, job.node + 1, MODEL, best.computeTokens(), job.keys);
    after(
        HOP_MS,
        () -> {
          nodes.get(job.node).arrive(job);
          after(HOP_MS, () -> book.accepted(job.id));
        });
  }

  private void ended(Job job) {
    over++;
    computed += job.computed;
    book.forget(job.id);
    send();
  }
}
