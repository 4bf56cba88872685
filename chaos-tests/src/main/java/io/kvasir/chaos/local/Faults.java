package io.kvasir.chaos.local;

import io.kvasir.actors.directory.Directory;
import io.kvasir.actors.directory.Holdings;
import io.kvasir.actors.tier.BlockFetcher;
import io.kvasir.runtime.blocks.BlockKeys;
import io.kvasir.transport.BlockKey;
import io.kvasir.transport.BlockRef;
import io.kvasir.transport.BlockSource;
import io.kvasir.transport.SealedBlock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** One node's seams: where its calls can be held, and its blocks be hidden. Any thread. */
public final class Faults {
  private final Gate lookups = new Gate();
  private final Gate loaded = new Gate();
  private final Gate borrows = new Gate();
  private final Set<BlockKey> hidden = ConcurrentHashMap.newKeySet();
  private final Map<BlockKey, BlockRef> served = new ConcurrentHashMap<>();

  Faults() {}

  /** The tier's questions to the directory wait here before they are asked. */
  public Gate lookups() {
    return lookups;
  }

  /** Fetches wait here when their blocks are on the device, before the engine is asked. */
  public Gate loaded() {
    return loaded;
  }

  /** Messages of this node to other nodes' tiers wait here. */
  public Gate borrows() {
    return borrows;
  }

  /** Blocks that this node's transport cannot find any more, though they were lent. */
  public Set<BlockKey> hidden() {
    return hidden;
  }

  /** Where the blocks lay that this node's transport was asked for, when it last was. */
  public Map<BlockKey, BlockRef> served() {
    return Map.copyOf(served);
  }

  /** As before. */
  public void clear() {
    lookups.open();
    loaded.open();
    borrows.open();
    hidden.clear();
  }

  Directory directory(Directory directory) {
    return (keys, deadline) -> held(directory, keys, deadline);
  }

  private CompletionStage<Holdings> held(Directory directory, BlockKeys keys, Duration deadline) {
    return lookups.pass().thenCompose(go -> directory.lookup(keys, deadline));
  }

  /**
   * A fetcher that does not learn what computing costs here, so that what can be loaded is: small
   * models compute a prompt in less time than anything takes to be asked for.
   */
  BlockFetcher fetcher(BlockFetcher fetcher) {
    return order -> fetcher.fetch(order).thenCompose(all -> loaded.pass().thenApply(go -> all));
  }

  BlockSource source(BlockSource source) {
    return (peer, key) -> {
      SealedBlock block = hidden.contains(key) ? null : source.find(peer, key);
      if (block != null) {
        served.put(key, block.ref());
      }
      return block;
    };
  }

  /** What passes through the gate to the target, in order. */
  static <T> ActorRef<T> tap(ActorSystem<?> system, String name, Gate gate, ActorRef<T> target) {
    return system.systemActorOf(
        Behaviors.<T>receiveMessage(
            message -> {
              gate.pass().thenRun(() -> target.tell(message));
              return Behaviors.same();
            }),
        name,
        Props.empty());
  }
}
