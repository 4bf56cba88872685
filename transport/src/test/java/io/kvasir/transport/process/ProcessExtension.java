package io.kvasir.transport.process;

import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives a test method a {@link ProcessFixture}, ends its processes after the test and prints their
 * logs when the test failed. Use it by {@code @ExtendWith(ProcessExtension.class)} and a parameter
 * of type {@link ProcessFixture}; logs go to {@code target/processes/CLASS/METHOD}.
 */
public final class ProcessExtension implements ParameterResolver, AfterEachCallback {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(ProcessExtension.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == ProcessFixture.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(
            ProcessFixture.class,
            key -> new ProcessFixture(logFolder(context)),
            ProcessFixture.class);
  }

  private static Path logFolder(ExtensionContext context) {
    String method =
        context.getTestMethod().map(m -> m.getName()).orElse("class")
            + "-"
            + Integer.toHexString(context.getUniqueId().hashCode());
    return Path.of("target", "processes", context.getRequiredTestClass().getSimpleName(), method);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    ProcessFixture fixture =
        context.getStore(NAMESPACE).remove(ProcessFixture.class, ProcessFixture.class);
    if (fixture == null) {
      return;
    }
    if (context.getExecutionException().isPresent()) {
      fixture.printLogs(System.err);
    }
    fixture.close();
  }
}
