package io.kvasir.node;

import io.kvasir.node.cluster.CertificateFolder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kvasir certs}: what nodes need to prove to each other who they are. */
@Command(
    name = "certs",
    description = "Make certificates for TLS between nodes.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {CertsCommand.Init.class, CertsCommand.Issue.class})
final class CertsCommand implements Runnable {
  private static final int AUTHORITY_DAYS = 3650;
  private static final int NODE_DAYS = 90;
  private static final int MAX_DAYS = 36_500;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name a sub-command: init or issue.");
  }

  private static Duration days(CommandSpec spec, int days) {
    if (days < 1 || days > MAX_DAYS) {
      throw new ParameterException(
          spec.commandLine(), "--days=" + days + " is out of range; set 1 to " + MAX_DAYS);
    }
    return Duration.ofDays(days);
  }

  /** {@code kvasir certs init}. */
  @Command(
      name = "init",
      description = "Make the authority whose certificates all nodes trust.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Init implements Callable<Integer> {
    @Option(names = "--folder", paramLabel = "DIR", description = "Default: certs.")
    private Path folder = Path.of("certs");

    @Option(names = "--days", paramLabel = "N", description = "Its life (default: 3650).")
    private int days = AUTHORITY_DAYS;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
      new CertificateFolder(folder).createAuthority(days(spec, days));
      PrintWriter out = spec.commandLine().getOut();
      out.println("Made " + folder.resolve("ca.crt") + " for every node, and ca.key, which stays");
      out.println("where certificates are made. Next: kvasir certs issue NAME HOST...");
      return 0;
    }
  }

  /** {@code kvasir certs issue}. */
  @Command(
      name = "issue",
      description = "Make or renew a node's certificate.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Issue implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "NAME", description = "Of the files NAME.crt, NAME.key.")
    private String name;

    @Parameters(
        index = "1..*",
        arity = "1..*",
        paramLabel = "HOST",
        description = "DNS names and IP addresses of the node.")
    private final List<String> hosts = new ArrayList<>();

    @Option(names = "--folder", paramLabel = "DIR", description = "Default: certs.")
    private Path folder = Path.of("certs");

    @Option(names = "--days", paramLabel = "N", description = "Its life (default: 90).")
    private int days = NODE_DAYS;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
      new CertificateFolder(folder).issue(name, hosts, days(spec, days));
      PrintWriter out = spec.commandLine().getOut();
      out.println("kvasir.node.cluster.tls {");
      out.println("  certificate = \"" + folder.resolve(name + ".crt").toAbsolutePath() + "\"");
      out.println("  key = \"" + folder.resolve(name + ".key").toAbsolutePath() + "\"");
      out.println("  ca = \"" + folder.resolve("ca.crt").toAbsolutePath() + "\"");
      out.println("}");
      return 0;
    }
  }
}
