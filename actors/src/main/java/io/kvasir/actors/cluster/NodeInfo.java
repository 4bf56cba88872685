package io.kvasir.actors.cluster;

import io.kvasir.actors.directory.DirectoryMessage;
import io.kvasir.actors.schedule.GenerationMessage;
import io.kvasir.actors.tier.TierMessage;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * One life of a node: what it is and where its services are. A service that it does not run is
 * null.
 *
 * @param nodeId survives restarts; from config or derived from host and port
 * @param incarnation this life; compared for equality, never for order
 * @param name for people
 * @param address Pekko address, as the cluster names the member
 * @param roles gateway, prefill, decode, cache: any mix
 * @param appVersion of the build
 * @param models that its devices serve
 * @param directory its part of the directory
 * @param tier its host tier, which lends blocks to peers
 * @param generations takes prompts for its devices
 */
public record NodeInfo(
    long nodeId,
    long incarnation,
    String name,
    String address,
    Set<String> roles,
    String appVersion,
    List<ModelInfo> models,
    ActorRef<DirectoryMessage> directory,
    ActorRef<TierMessage> tier,
    ActorRef<GenerationMessage> generations)
    implements ClusterMessage {
  public NodeInfo {
    // In one order, so that equal nodes have equal bytes; missing in the message of an older node.
    roles = roles == null ? Set.of() : Collections.unmodifiableSet(new TreeSet<>(roles));
    models = models == null ? List.of() : List.copyOf(models);
  }
}
