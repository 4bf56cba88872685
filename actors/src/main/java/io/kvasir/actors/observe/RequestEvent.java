package io.kvasir.actors.observe;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One completion from arrival to end, for Flight Recorder. */
@Name("kvasir.Request")
@Label("Request")
@Category("Kvasir")
@Description("A completion from arrival to end")
@StackTrace(false)
final class RequestEvent extends Event {
  @Label("Request Id")
  String requestId;

  @Label("Tenant")
  String tenant;

  @Label("Model")
  String model;

  @Label("Outcome")
  String outcome;

  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Cached Tokens")
  int cachedTokens;

  @Label("Generated Tokens")
  int generatedTokens;
}
