package io.kvasir.actors.tier;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Blocks brought from one tier onto the device for one prompt, for Flight Recorder. */
@Name("kvasir.TierLoad")
@Label("Tier Load")
@Category("Kvasir")
@Description("Blocks brought from one tier onto the device for one prompt")
@StackTrace(false)
final class TierLoadEvent extends Event {
  @Label("Source")
  String source;

  @Label("Blocks Wanted")
  int wantedBlocks;

  @Label("Blocks Loaded")
  int loadedBlocks;

  @Label("Bytes")
  @DataAmount
  long bytes;

  @Label("Predicted Milliseconds")
  double predictedMs;

  @Label("Computing Milliseconds")
  double computingMs;
}
