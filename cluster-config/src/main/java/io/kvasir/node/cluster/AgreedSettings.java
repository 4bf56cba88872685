package io.kvasir.node.cluster;

import com.typesafe.config.Config;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.cluster.ConfigValidation;
import org.apache.pekko.cluster.Invalid;
import org.apache.pekko.cluster.JoinConfigCompatChecker;
import org.apache.pekko.cluster.Valid$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What all nodes of one cluster must agree on before one may join: the version of their messages
 * (neighbours understand each other) and the block length, without which no node could use
 * another's cache. Created by Pekko.
 */
public final class AgreedSettings extends JoinConfigCompatChecker {
  private static final String WIRE = ClusterConfig.PATH + ".wire-version";
  private static final List<String> EQUAL =
      List.of(
          "kvasir.runtime.page-tokens",
          "kvasir.runtime.pages",
          "pekko.cluster.sharding.number-of-shards");

  @Override
  public Seq<String> requiredKeys() {
    List<String> keys = new ArrayList<>(EQUAL);
    keys.add(WIRE);
    return CollectionConverters.asScala(keys).toList();
  }

  @Override
  public ConfigValidation check(Config joining, Config here) {
    List<String> refusals = refusals(joining, here);
    return refusals.isEmpty()
        ? Valid$.MODULE$
        : new Invalid(CollectionConverters.asScala(refusals).toList());
  }

  static List<String> refusals(Config joining, Config here) {
    List<String> refusals = new ArrayList<>();
    if (!joining.hasPath(WIRE) || Math.abs(joining.getInt(WIRE) - here.getInt(WIRE)) > 1) {
      refusals.add(
          "%s=%s does not understand %d of this cluster; upgrade one version at a time"
              .formatted(
                  WIRE, joining.hasPath(WIRE) ? joining.getInt(WIRE) : "none", here.getInt(WIRE)));
    }
    for (String key : EQUAL) {
      if (!joining.hasPath(key)
          || !joining
              .getValue(key)
              .unwrapped()
              .toString()
              .equals(here.getValue(key).unwrapped().toString())) {
        refusals.add(
            "%s=%s is %s in this cluster; set it to that"
                .formatted(
                    key,
                    joining.hasPath(key) ? joining.getValue(key).unwrapped() : "none",
                    here.getValue(key).unwrapped()));
      }
    }
    return refusals;
  }
}
