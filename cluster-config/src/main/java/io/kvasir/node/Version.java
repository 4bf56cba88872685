package io.kvasir.node;

import picocli.CommandLine.IVersionProvider;

/** {@code kvasir --version}. */
final class Version implements IVersionProvider {
  /** Of the jar; 0.0.0 where classes were not run from one. */
  static String number() {
    String version = KvasirCommand.class.getPackage().getImplementationVersion();
    return version == null ? "0.0.0" : version;
  }

  @Override
  public String[] getVersion() {
    String version = KvasirCommand.class.getPackage().getImplementationVersion();
    return new String[] {
      "Kvasir " + (version == null ? "(built from sources)" : version),
      "JDK "
          + Runtime.version()
          + " on "
          + System.getProperty("os.name")
          + " "
          + System.getProperty("os.arch")
    };
  }
}
