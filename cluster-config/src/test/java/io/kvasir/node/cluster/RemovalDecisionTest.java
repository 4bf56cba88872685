package io.kvasir.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.pekko.actor.Address;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.Reachability;
import org.apache.pekko.cluster.UniqueAddress;
import org.apache.pekko.cluster.sbr.KeepMajority;
import org.apache.pekko.util.Version;
import org.junit.jupiter.api.Test;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What the resolver that {@code cluster.conf} names decides about one dead node, asked directly:
 * why a suspicion between two living ones must not stand at that moment, and so why the acceptable
 * pause is as long as it is (decision note 33).
 */
final class RemovalDecisionTest {
  private static final String DATA_CENTRE = "default";

  private final List<UniqueAddress> nodes = new ArrayList<>();
  private Reachability suspicions = Reachability.empty();

  private void cluster(int count) {
    for (int i = 0; i < count; i++) {
      nodes.add(new UniqueAddress(new Address("pekko", "kvasir", "127.0.0.1", 25520 + i), i + 1L));
    }
  }

  private void suspects(int observer, int subject) {
    suspicions = suspicions.unreachable(nodes.get(observer), nodes.get(subject));
  }

  /** The last node is dead and all others have noticed. */
  private void lastOneDies() {
    IntStream.range(0, nodes.size() - 1).forEach(i -> suspects(i, nodes.size() - 1));
  }

  /** Whom the survivors, who have all seen the newest gossip, take out of the cluster. */
  private Set<Integer> removed() {
    KeepMajority resolver = new KeepMajority(DATA_CENTRE, Option.empty(), nodes.getFirst());
    for (int i = 0; i < nodes.size(); i++) {
      Member member = member(i);
      if (suspicions.isReachable(nodes.get(i))) {
        resolver.add(member);
      } else {
        resolver.addUnreachable(member);
      }
    }
    resolver.setReachability(suspicions);
    Set<Address> survivors = new HashSet<>();
    nodes.subList(0, nodes.size() - 1).forEach(node -> survivors.add(node.address()));
    resolver.setSeenBy(CollectionConverters.asScala(survivors).toSet());
    return CollectionConverters.asJava(resolver.nodesToDown(resolver.decide())).stream()
        .map(nodes::indexOf)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Member member(int i) {
    Set<String> roles = Set.of("dc-" + DATA_CENTRE);
    return new Member(
        nodes.get(i),
        i + 1,
        MemberStatus.up(),
        CollectionConverters.asScala(roles).toSet(),
        Version.Zero());
  }

  @Test
  void shouldRemoveNobodyButTheDeadNodeWhileTheLivingSeeEachOther() {
    cluster(3);
    lastOneDies();
    assertEquals(Set.of(2), removed());
  }

  @Test
  void shouldRemoveAClusterOfThreeWholeWhenOneSurvivorSuspectsTheOther() {
    cluster(3);
    lastOneDies();
    suspects(0, 1);
    assertEquals(Set.of(0, 1, 2), removed());
  }

  @Test
  void shouldLoseTwoLivingNodesOfFiveToOneSuspicionBetweenThem() {
    cluster(5);
    lastOneDies();
    suspects(0, 1);
    assertEquals(Set.of(0, 1, 4), removed());
  }
}
