package io.kvasir.transport.agent;

import io.kvasir.transport.BlockSink;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.BlockTransport;
import io.kvasir.transport.CollectiveGroup;
import io.kvasir.transport.DeliveryClass;
import io.kvasir.transport.GroupSpec;
import io.kvasir.transport.Invitation;
import io.kvasir.transport.LinkKeys;
import io.kvasir.transport.PeerStatus;
import io.kvasir.transport.PullBlock;
import io.kvasir.transport.PushBlock;
import io.kvasir.transport.Refusal;
import io.kvasir.transport.Region;
import io.kvasir.transport.Transfer;
import io.kvasir.transport.TransportConfig;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.TransportCounters;
import io.kvasir.transport.Transports;
import io.kvasir.transport.Verdict;
import io.kvasir.transport.crypto.LinkCiphers;
import io.kvasir.transport.media.Endpoint;
import io.kvasir.transport.media.Medium;
import io.kvasir.transport.protocol.RegionTable;
import io.kvasir.transport.protocol.TransportCore;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transport of a node: callers' threads meet the agent at one bounded queue. The agent's cycle
 * reads the clock once, takes a bounded number of commands, polls each peer's frames, then lets the
 * core send.
 *
 * <p>Over 400 lines because each method of {@link BlockTransport} is here with the command that it
 * leaves for the agent; the work itself is done in the core.
 */
public final class NodeTransport implements BlockTransport {
  private static final Logger LOG = LoggerFactory.getLogger(NodeTransport.class);
  private static final int COMMANDS_PER_CYCLE = 32;
  private static final long EXPORT_NS = 50_000_000L;

  private final TransportConfig config;
  private final Transports.Options options;
  private final TransportCounters counters;
  private final RegionTable regions = new RegionTable();
  private final Medium medium;
  private final TransportCore core;
  private final ManyToOneConcurrentArrayQueue<Command> commands;
  private final ArrayList<PeerConnection> connections = new ArrayList<>();
  private final Map<Long, Invitation> invitations = new HashMap<>();
  private final SecureRandom random = new SecureRandom();
  private AgentRunner runner;
  private volatile Thread thread;
  private volatile boolean closed;
  private volatile boolean ended;

  /** Set by whoever expects a peer; the agent takes it for work, so that it does not rest. */
  private volatile boolean attending;

  private long cycleNs;
  private long exportedNs;

  private NodeTransport(
      TransportConfig config,
      Function<TransportCounters, Medium> medium,
      BlockSource source,
      BlockSink sink,
      Transports.Options options) {
    this.config = config;
    this.options = options;
    this.counters = new TransportCounters();
    this.medium = medium.apply(counters);
    this.cycleNs = options.clock().nanoTime();
    this.core = new TransportCore(config, counters, regions, source, sink, this::onError, cycleNs);
    this.commands = new ManyToOneConcurrentArrayQueue<>(config.limits().commandQueueLength());
  }

  /** See {@link Transports#start}. */
  public static BlockTransport start(
      TransportConfig config,
      Function<TransportCounters, Medium> medium,
      BlockSource source,
      BlockSink sink,
      Transports.Options options) {
    NodeTransport transport = new NodeTransport(config, medium, source, sink, options);
    if (options.idle() != null) {
      transport.runner =
          new AgentRunner(options.idle().get(), transport::onError, null, transport.new Loop());
      transport.thread =
          AgentRunner.startOnThread(
              transport.runner, agent -> new Thread(() -> transport.outlive(agent)));
    }
    return transport;
  }

  /** The default way of hearing errors. */
  public static void logError(Throwable error) {
    LOG.error("transport agent: {}", error.toString(), error);
  }

  void onError(Throwable error) {
    options.errors().accept(error);
  }

  long cycleNs() {
    return cycleNs;
  }

  TransportCore core() {
    return core;
  }

  /** Whether the agent is gone or going: what is left then only ends. */
  boolean hasEnded() {
    return ended;
  }

  boolean driven() {
    return options.idle() == null;
  }

  /** The agent of a transport with a thread of its own. */
  private final class Loop implements Agent {
    @Override
    public int doWork() {
      return cycle();
    }

    @Override
    public void onClose() {
      closeOnAgent();
    }

    @Override
    public String roleName() {
      return "kvasir-transport-" + config.nodeId();
    }
  }

  @Override
  public int doWork() {
    if (!driven()) {
      throw new IllegalStateException(
          "this transport has an agent thread of its own; start it with Options.driven()");
    }
    return cycle();
  }

  private int cycle() {
    cycleNs = options.clock().nanoTime();
    int work = 0;
    if (attending) {
      attending = false;
      work++;
    }
    int taken = 0;
    while (taken < COMMANDS_PER_CYCLE) {
      Command command = commands.poll();
      if (command == null) {
        break;
      }
      run(command);
      taken++;
      // More commands may wait behind a full cycle.
      if (command.expectsFrames() || taken == COMMANDS_PER_CYCLE) {
        work++;
      }
    }
    if (work > 0) {
      core.sendVectors(cycleNs);
    }
    work += medium.doWork(cycleNs);
    for (int i = 0; i < connections.size(); i++) {
      work += connections.get(i).poll(cycleNs);
    }
    work += core.doWork(cycleNs);
    if (cycleNs - exportedNs >= EXPORT_NS) {
      exportedNs = cycleNs;
      medium.export(counters);
    }
    return work;
  }

  private void run(Command command) {
    try {
      command.run(cycleNs);
    } catch (RuntimeException e) {
      onError(e);
      command.reject(Refusal.CALLER_FAILED);
    }
  }

  void submit(Command command) {
    if (closed) {
      command.reject(Refusal.CLOSED);
    } else if (!commands.offer(command)) {
      counters.incrementShared(TransportCounter.COMMANDS_REJECTED);
      command.reject(Refusal.BUSY);
    } else {
      LockSupport.unpark(thread);
      if (closed) {
        drainClosed();
      }
    }
  }

  private void drainClosed() {
    synchronized (commands) {
      for (Command late = commands.poll(); late != null; late = commands.poll()) {
        late.reject(Refusal.CLOSED);
      }
    }
  }

  private <T> CompletableFuture<T> call(Supplier<T> action) {
    return call(action, true);
  }

  private <T> CompletableFuture<T> call(Supplier<T> action, boolean expectsFrames) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            try {
              answer.complete(action.get());
            } catch (RuntimeException e) {
              answer.completeExceptionally(e);
            }
          }

          @Override
          public boolean expectsFrames() {
            return expectsFrames;
          }

          @Override
          public void reject(Refusal reason) {
            answer.completeExceptionally(
                new IllegalStateException(
                    "node " + config.nodeId() + " refuses the call: " + reason.sentence()));
          }
        });
    return answer;
  }

  @Override
  public long nodeId() {
    return config.nodeId();
  }

  @Override
  public long incarnation() {
    return config.incarnation();
  }

  @Override
  public Region register(MemorySegment memory, int slotBytes) {
    return register(memory, slotBytes, null);
  }

  @Override
  public Region register(MemorySegment memory, int slotBytes, MemorySegment generations) {
    return regions.add(id -> new Region(id, memory, slotBytes, generations));
  }

  @Override
  public Invitation invite(long peerNodeId) {
    Invitation invitation =
        medium.describe(config.nodeId(), config.incarnation(), peerNodeId, random.nextInt());
    synchronized (invitations) {
      if (invitations.size() >= config.limits().maxPeers()
          && !invitations.containsKey(peerNodeId)) {
        throw new IllegalStateException(
            "maxPeers="
                + config.limits().maxPeers()
                + " invitations are out; disconnect a peer or raise the limit");
      }
      invitations.put(peerNodeId, invitation);
    }
    return invitation;
  }

  @Override
  public CompletableFuture<PeerStatus> connect(Invitation invitation, LinkKeys keys) {
    Invitation own;
    synchronized (invitations) {
      own = invitations.get(invitation.nodeId());
    }
    if (own == null || invitation.guestNodeId() != config.nodeId()) {
      return CompletableFuture.failedFuture(
          new IllegalStateException(
              "node "
                  + invitation.nodeId()
                  + " and node "
                  + config.nodeId()
                  + " did not invite each other; both call invite first"));
    }
    return call(() -> open(own, invitation, keys));
  }

  private PeerStatus open(Invitation own, Invitation peer, LinkKeys keys) {
    boolean sealed =
        switch (options.encryption()) {
          case AUTO -> medium.leavesHost(own, peer);
          case ALWAYS -> true;
          case NEVER -> false;
        };
    if (sealed && keys == null) {
      throw new IllegalStateException(
          "frames to node "
              + peer.nodeId()
              + " are to be encrypted and no keys are given; hand over LinkKeys or choose"
              + " Encryption.NEVER on both sides");
    }
    remove(peer.nodeId());
    LinkCiphers ciphers = sealed ? new LinkCiphers(keys) : null;
    Endpoint endpoint = medium.open(own, peer, ciphers);
    PeerConnection connection;
    try {
      connection = new PeerConnection(this, core, endpoint, peer, ciphers);
    } catch (RuntimeException e) {
      endpoint.close();
      throw e;
    }
    connections.add(connection);
    return connection.status();
  }

  private void remove(long peerNodeId) {
    PeerConnection connection = connection(peerNodeId);
    if (connection != null) {
      core.removePeer(connection.peer);
      connection.endpoint.close();
      connections.remove(connection);
    }
  }

  private PeerConnection connection(long peerNodeId) {
    for (int i = 0; i < connections.size(); i++) {
      if (connections.get(i).peer.nodeId() == peerNodeId) {
        return connections.get(i);
      }
    }
    return null;
  }

  private PeerConnection required(long peerNodeId) {
    PeerConnection connection = connection(peerNodeId);
    if (connection == null) {
      throw new IllegalStateException(
          "node " + peerNodeId + " is not connected; exchange invitations and call connect");
    }
    return connection;
  }

  @Override
  public CompletableFuture<Void> installKeys(long peerNodeId, LinkKeys next) {
    return call(
        () -> {
          LinkCiphers ciphers = required(peerNodeId).ciphers;
          if (ciphers != null) {
            ciphers.installReceiving(next);
          }
          return null;
        });
  }

  @Override
  public CompletableFuture<Void> activateKeys(long peerNodeId, LinkKeys next) {
    return call(
        () -> {
          LinkCiphers ciphers = required(peerNodeId).ciphers;
          if (ciphers != null) {
            ciphers.activateSending(next);
          }
          return null;
        });
  }

  @Override
  public CompletableFuture<Void> disconnect(long peerNodeId) {
    synchronized (invitations) {
      invitations.remove(peerNodeId);
    }
    return call(
        () -> {
          remove(peerNodeId);
          return null;
        });
  }

  @Override
  public CompletableFuture<PeerStatus> status(long peerNodeId) {
    return call(
        () -> {
          PeerConnection connection = connection(peerNodeId);
          return connection == null ? null : connection.status();
        },
        // Links are looked after every few seconds; that must not keep the agent from resting.
        false);
  }

  @Override
  public Transfer push(
      long peerNodeId, List<PushBlock> blocks, DeliveryClass deliveryClass, Duration deadline) {
    List<PushBlock> batch = List.copyOf(blocks);
    TransferHandle handle = new TransferHandle(this, peerNodeId, false, requireBlocks(batch), null);
    long startNs = options.clock().nanoTime();
    submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            PeerConnection connection = connection(peerNodeId);
            if (connection == null) {
              handle.refuseAll(Verdict.PEER_LOST);
              return;
            }
            long deadlineNs = startNs + deadline.toNanos();
            handle.started(
                core.push(connection.peer, batch, deliveryClass, deadlineNs, handle, nowNs));
          }

          @Override
          public void reject(Refusal reason) {
            handle.refuseAll(reason.code());
          }
        });
    return handle;
  }

  @Override
  public Transfer pull(
      long peerNodeId, List<PullBlock> blocks, Duration deadline, VerdictListener listener) {
    List<PullBlock> batch = List.copyOf(blocks);
    TransferHandle handle =
        new TransferHandle(this, peerNodeId, true, requireBlocks(batch), listener);
    long startNs = options.clock().nanoTime();
    submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            PeerConnection connection = connection(peerNodeId);
            if (connection == null) {
              handle.refuseAll(Verdict.PEER_LOST);
              return;
            }
            long deadlineNs = startNs + deadline.toNanos();
            handle.started(core.pull(connection.peer, batch, deadlineNs, handle, nowNs));
          }

          @Override
          public void reject(Refusal reason) {
            handle.refuseAll(reason.code());
          }
        });
    return handle;
  }

  private static int requireBlocks(List<?> batch) {
    if (batch.isEmpty()) {
      throw new IllegalArgumentException("a transfer of 0 blocks was asked for; give at least 1");
    }
    return batch.size();
  }

  @Override
  public void lookAgain(long peerNodeId) {
    submit(
        new Command() {
          @Override
          public void run(long nowNs) {
            PeerConnection connection = connection(peerNodeId);
            if (connection != null) {
              core.lookAgain(connection.peer, nowNs);
            }
          }

          @Override
          public void reject(Refusal reason) {
            // The peer repeats its pulls.
          }
        });
  }

  @Override
  public void attend() {
    attending = true;
    LockSupport.unpark(thread);
  }

  @Override
  public CollectiveGroup join(GroupSpec spec) {
    if (spec.nodeIds()[spec.ownRank()] != config.nodeId()
        || spec.incarnations()[spec.ownRank()] != config.incarnation()) {
      throw new IllegalArgumentException(
          "rank " + spec.ownRank() + " of the group is not this node in its present life");
    }
    return new NodeGroup(this, spec);
  }

  @Override
  public TransportCounters counters() {
    return counters;
  }

  @Override
  public long leaseCount() {
    return regions.leaseCount();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (runner != null) {
      runner.close();
    } else {
      closeOnAgent();
    }
    drainClosed();
  }

  /**
   * The agent's thread. An {@link Error} ends an agent without its {@code onClose}; the regions'
   * second owner is the thread itself, which then ends the transfers and lets go of all leases.
   */
  private void outlive(Runnable agent) {
    try {
      agent.run();
    } finally {
      if (!ended) {
        LOG.error("the agent of node {} was ended by an error, so its transport closes", nodeId());
        closeOnAgent();
        drainClosed();
      }
    }
  }

  private void closeOnAgent() {
    closed = true;
    ended = true;
    try {
      core.close(options.clock().nanoTime());
      medium.export(counters);
    } catch (Throwable e) {
      onError(e);
    } finally {
      core.releaseLeases();
      counters.set(TransportCounter.LEASES, regions.leaseCount());
      connections.clear();
      medium.close();
    }
  }
}
