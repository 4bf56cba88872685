package io.kvasir.node;

import com.typesafe.config.Config;
import io.kvasir.actors.gateway.Example;
import java.util.List;

/** Example documents of the models in the jar; none for other models. */
final class BundledExamples {
  private BundledExamples() {}

  static List<Example> of(Config config) {
    return List.of();
  }
}
