package io.kvasir.node;

import io.kvasir.actors.settings.ConfigurationException;

/** Names a missing JVM flag before a library would fail on it with a stack trace. */
final class JvmCheck {
  private JvmCheck() {}

  static void run() {
    if (Runtime.version().feature() < 25) {
      throw new ConfigurationException(
          "this JVM is Java "
              + Runtime.version().feature()
              + ", Kvasir needs 25 or newer, set KVASIR_JAVA_HOME to a JDK 25");
    }
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      throw missing("--add-modules=jdk.incubator.vector");
    }
    Module base = Object.class.getModule();
    if (!base.isOpen("jdk.internal.misc", JvmCheck.class.getModule())) {
      throw missing("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
    }
  }

  private static ConfigurationException missing(String flag) {
    return new ConfigurationException(
        "the JVM flag "
            + flag
            + " is missing, start with cluster-config/bin/kvasir or pass"
            + " @cluster-config/jvm.options");
  }
}
