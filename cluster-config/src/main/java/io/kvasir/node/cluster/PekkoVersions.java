package io.kvasir.node.cluster;

import io.kvasir.actors.settings.ConfigurationException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.util.ManifestInfo;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Refuses a class path with Pekko modules of several versions, which would fail much later and
 * strangely. Pekko's own check is off, because it knows no exception for discovery: that module is
 * of its last published release, small, and compatible.
 */
public final class PekkoVersions {
  private static final String EXEMPT = "pekko-discovery";

  private PekkoVersions() {}

  /**
   * Checks what the jars' manifests say.
   *
   * @throws ConfigurationException naming modules and versions when they differ
   */
  public static void check(ActorSystem<?> system) {
    Map<String, String> versions = new TreeMap<>();
    ManifestInfo manifests = ManifestInfo.get(Adapter.toClassic(system));
    CollectionConverters.asJava(manifests.versions())
        .forEach((module, version) -> versions.put(module, version.version()));
    check(versions);
  }

  /**
   * @throws ConfigurationException naming modules and versions when they differ
   */
  static void check(Map<String, String> versions) {
    String core = versions.get("pekko-actor");
    Map<String, String> others = new TreeMap<>();
    versions.forEach(
        (module, version) -> {
          if (isCore(module) && !module.equals(EXEMPT) && !version.equals(core)) {
            others.put(module, version);
          }
        });
    if (core != null && !others.isEmpty()) {
      throw new ConfigurationException(
          "the class path has pekko-actor %s beside %s; use one version of all of them"
              .formatted(core, others));
    }
  }

  /** Modules of Pekko's core are released together; HTTP and Management have their own numbers. */
  private static boolean isCore(String module) {
    return module.startsWith("pekko-")
        && !module.startsWith("pekko-http")
        && !module.equals("pekko-parsing")
        && !module.startsWith("pekko-management")
        && !module.startsWith("pekko-discovery-");
  }
}
