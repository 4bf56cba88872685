package io.kvasir.actors.cluster;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.typed.Cluster;

/**
 * Who this process is. Immutable.
 *
 * @param nodeId survives restarts
 * @param incarnation drawn once a process life; compared for equality only
 * @param memberUid by which the cluster tells lives at one address apart; 0 outside a cluster
 */
public record NodeIdentity(
    long nodeId,
    long incarnation,
    long memberUid,
    String name,
    String address,
    Set<String> roles,
    String appVersion) {
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Of this actor system, member of a cluster or not. */
  static NodeIdentity of(ActorSystem<?> system, ClusterSettings settings) {
    Address address;
    long uid = 0;
    String appVersion = "";
    if (ClusterService.isClustered(system)) {
      Member self = Cluster.get(system).selfMember();
      address = self.address();
      uid = self.uniqueAddress().longUid();
      appVersion = self.appVersion().version();
    } else {
      address = system.address();
    }
    String hostPort =
        address.getHost().map(host -> host + ":" + address.getPort().orElse(0)).orElse("local");
    return new NodeIdentity(
        settings.nodeId() != 0 ? settings.nodeId() : hash(hostPort),
        nonZero(),
        uid,
        settings.name().isEmpty() ? hostPort : settings.name(),
        address.toString(),
        settings.roles(),
        appVersion);
  }

  /** Zero stands for no life at all. */
  private static long nonZero() {
    long drawn = RANDOM.nextLong();
    return drawn == 0 ? 1 : drawn;
  }

  /** The first eight bytes of a digest: equal on every node and release; never zero. */
  static long hash(String hostPort) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(hostPort.getBytes(StandardCharsets.UTF_8));
      long id = 0;
      for (int i = 0; i < Long.BYTES; i++) {
        id = id << 8 | digest[i] & 0xff;
      }
      return id == 0 ? 1 : id;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The node before any of its services runs. */
  public NodeInfo bare() {
    return new NodeInfo(
        nodeId, incarnation, name, address, roles, appVersion, List.of(), null, null, null);
  }
}
