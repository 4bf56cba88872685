package io.kvasir.runtime.engine;

/**
 * Hears when an engine hands over the tokens of a step, so that the readers of all of them can be
 * told at once: between begin and end the engine's thread runs the wake-up of each {@link
 * TokenStream} with news. All run on the engine's thread and must not block or throw.
 */
public interface StepWakeups {
  /** Every wake-up stands for itself. */
  StepWakeups NONE =
      new StepWakeups() {
        @Override
        public void begin() {}

        @Override
        public void end() {}

        @Override
        public void rest() {}
      };

  /** Wake-ups of one step follow. */
  void begin();

  /** The last of them has been run. */
  void end();

  /** The engine has no rows to compute: nobody knows when the next step comes. */
  void rest();
}
