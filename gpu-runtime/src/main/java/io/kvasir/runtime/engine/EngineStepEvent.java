package io.kvasir.runtime.engine;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * One engine step for Flight Recorder. The engine reuses a single instance, so that a step
 * allocates nothing whether or not a recording runs. Engine thread.
 */
@Name("kvasir.EngineStep")
@Label("Engine Step")
@Category("Kvasir")
@Description("Layers run for one batch of rows")
@StackTrace(false)
final class EngineStepEvent extends Event {
  @Label("Rows")
  int rows;

  @Label("Requests")
  int requests;
}
