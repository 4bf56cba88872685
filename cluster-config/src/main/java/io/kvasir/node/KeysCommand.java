package io.kvasir.node;

import io.kvasir.actors.gateway.access.ApiKey;
import io.kvasir.actors.settings.AccessSettings;
import java.io.PrintWriter;
import java.security.SecureRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kvasir keys}: API keys of tenants. */
@Command(
    name = "keys",
    description = "Make API keys.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = KeysCommand.Create.class)
final class KeysCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name a sub-command: create.");
  }

  /** {@code kvasir keys create}. */
  @Command(
      name = "create",
      description = "Print a new key, once, and the configuration line that lets it in.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Create implements Callable<Integer> {
    @Option(
        names = "--tenant",
        paramLabel = "NAME",
        required = true,
        description = "Whose key it is: up to 63 of a-z, 0-9, _ and -.")
    private String tenant;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
      if (!AccessSettings.isTenantName(tenant)) {
        throw new ParameterException(
            spec.commandLine(),
            "--tenant=" + tenant + " is no tenant name, use up to 63 of a-z, 0-9, _ and -");
      }
      SecureRandom random = new SecureRandom();
      ApiKey key = ApiKey.create(random);
      PrintWriter out = spec.commandLine().getOut();
      out.println("The key, for the client; it is not stored and cannot be shown again:");
      out.println("  " + key.token());
      out.println("Its line, for the file of --config:");
      out.println(
          "  kvasir.actors.gateway.access.tenants."
              + tenant
              + ".keys += \""
              + key.hash(random).line()
              + "\"");
      return 0;
    }
  }
}
