package io.kvasir.actors.directory;

import io.kvasir.actors.cluster.ClusterView;
import io.kvasir.actors.cluster.NodeInfo;
import io.kvasir.actors.settings.DirectorySettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * A node's part of the directory: its announcer, its client and, where it keeps one, its copy. Any
 * thread.
 */
public final class DirectoryService implements AutoCloseable {
  private final ActorSystem<?> system;
  private final ScheduledThreadPoolExecutor timer;
  private final QueuedAnnouncer announcer;
  private final DirectoryClient client;
  private final DirectoryMetrics metrics;
  private final ActorRef<KeeperActor.Command> keeper;
  private final ActorRef<OwnerActor.Command> owner;
  private final ActorRef<DirectoryMessage> door;
  private final int copies;
  private AutoCloseable subscription;

  /**
   * Starts it. The node must name {@link #ref} in its {@link NodeInfo} for others to use it.
   *
   * @param view whose {@code self} is of this life
   */
  public static DirectoryService start(
      ActorSystem<?> system, ClusterView view, DirectorySettings settings) {
    DirectoryService service = new DirectoryService(system, view.self(), settings);
    service.subscription = view.subscribe(service::onView);
    return service;
  }

  private DirectoryService(ActorSystem<?> system, NodeInfo node, DirectorySettings settings) {
    this.system = system;
    this.copies = settings.copies();
    timer = new ScheduledThreadPoolExecutor(1, DirectoryService::daemon);
    timer.setRemoveOnCancelPolicy(true);
    CopyCore.Life self = new CopyCore.Life(node.nodeId(), node.incarnation());
    DirectoryTable table = new DirectoryTable(settings.maxEntries(), settings.maxOwnersPerBlock());
    CopyTable copy =
        settings.keep()
            ? new CopyTable(node.nodeId(), table, settings.hotLookupsPerSecond())
            : null;
    CopyCore copyCore =
        copy == null
            ? null
            : new CopyCore(self, settings, copy, (id, to, message) -> to.tell(message));
    announcer = new QueuedAnnouncer(settings.queueEntries(), settings.maxOwnEntries());
    OwnerCore ownerCore =
        new OwnerCore(
            self,
            settings,
            announcer.own(),
            announcer.changes(),
            announcer,
            (to, message) -> to.ref().tell(message),
            System.nanoTime());
    client = new DirectoryClient(self, settings, copy, timer);
    // Thousands of entries at a time, on a thread that answers nobody.
    Props bulk = DispatcherSelector.fromConfig(settings.dispatcher());
    keeper = copy == null ? null : spawn("keeper", KeeperActor.create(copyCore, table), bulk);
    owner = spawn("owner", OwnerActor.create(ownerCore, announcer, settings), bulk);
    door =
        spawn(
            "door",
            DirectoryActor.create(
                new DirectoryActor.Parts(
                    node.nodeId(), settings.hotCopies(), copy, keeper, owner, client)),
            Props.empty());
    ownerCore.replyTo(door);
    client.replyTo(door);
    announcer.wakeBy(() -> owner.tell(OwnerActor.Wake.INSTANCE));
    metrics = new DirectoryMetrics(table, announcer, client, ownerCore, copyCore);
  }

  /** For {@link NodeInfo#directory}; null where the node keeps no copy. */
  public ActorRef<DirectoryMessage> ref() {
    return keeper == null ? null : door;
  }

  /** Asks the directory. */
  public Directory directory() {
    return client;
  }

  /** Tells the directory. */
  public Announcer announcer() {
    return announcer;
  }

  /** Figures of this node's part. */
  public DirectoryMetrics metrics() {
    return metrics;
  }

  /** Stops it; lookups under way are late. */
  @Override
  public void close() {
    try {
      subscription.close();
    } catch (Exception e) {
      system.log().warn("the cluster view did not end its subscription", e);
    }
    client.close();
    timer.shutdownNow();
    stop(door);
    stop(owner);
    if (keeper != null) {
      stop(keeper);
    }
  }

  private void onView(List<NodeInfo> nodes) {
    Map<Long, NodeInfo> byId = new HashMap<>();
    Map<Long, Long> lives = new HashMap<>();
    Set<Long> announcing = new HashSet<>();
    List<OwnerStream.Copy> keepers = new ArrayList<>();
    for (NodeInfo node : nodes) {
      byId.put(node.nodeId(), node);
      lives.put(node.nodeId(), node.incarnation());
      if (node.directory() != null) {
        keepers.add(new OwnerStream.Copy(node.nodeId(), node.incarnation(), node.directory()));
      }
      if (node.directory() != null || node.tier() != null) {
        announcing.add(node.nodeId());
      }
    }
    long[] ids = keepers.stream().mapToLong(OwnerStream.Copy::nodeId).toArray();
    Placement placement = new Placement(ids, copies, Map.of());
    client.onView(byId, placement);
    owner.tell(new OwnerActor.Seen(List.copyOf(keepers)));
    if (keeper != null) {
      keeper.tell(new KeeperActor.Seen(lives, announcing, placement));
    }
  }

  /** A failed message is logged and dropped: the streams notice, and a snapshot repairs. */
  private <T> ActorRef<T> spawn(String name, Behavior<T> behavior, Props props) {
    return system.systemActorOf(
        Behaviors.supervise(behavior).onFailure(SupervisorStrategy.resume()),
        "kvasir-directory-" + name,
        props);
  }

  private void stop(ActorRef<?> ref) {
    Adapter.toClassic(system).stop(Adapter.toClassic(ref));
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "kvasir-directory-timer");
    thread.setDaemon(true);
    return thread;
  }
}
