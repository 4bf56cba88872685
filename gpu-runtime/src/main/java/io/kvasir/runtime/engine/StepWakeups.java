package io.kvasir.runtime.engine;

/**
 * Hears when an engine hands over the tokens of a step, so that the readers of all of them can be
 * told at once: between the two calls the engine's thread runs the wake-up of each {@link
 * TokenStream} with news. Both run on the engine's thread and must not block or throw.
 */
public interface StepWakeups {
  /** Every wake-up stands for itself. */
  StepWakeups NONE =
      new StepWakeups() {
        @Override
        public void begin() {}

        @Override
        public void end() {}
      };

  /** Wake-ups of one step follow. */
  void begin();

  /** The last of them has been run. */
  void end();
}
