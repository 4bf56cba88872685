package io.kvasir.chaos;

/**
 * Something that goes wrong, or may, and what must hold all the same. A scenario keeps no state
 * between runs and leaves the ground as it found it: nodes alive, nothing leased. One thread a run.
 *
 * @param <G> where it runs: {@link io.kvasir.chaos.cluster.ClusterUnderTest} for JVMs that are
 *     killed and paused, {@link io.kvasir.chaos.local.LocalCluster} where a fault must strike
 *     between two steps of one node
 */
public interface Scenario<G> {
  /** Short and stable, such as {@code A4}. */
  String name();

  /** What it shows, in one sentence. */
  String shows();

  /**
   * Runs it.
   *
   * @param evidence takes what was seen, and ends the run at the first thing that does not hold
   * @throws Exception what the scenario did not expect; it then has not held
   */
  void play(G ground, Scale scale, Evidence evidence) throws Exception;

  /** Runs it to its verdict. */
  default Verdict run(G ground, Scale scale) {
    Evidence evidence = new Evidence();
    Throwable failure = null;
    long startNs = System.nanoTime();
    try {
      play(ground, scale, evidence);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      failure = stopped;
    } catch (Exception | AssertionError broken) {
      failure = broken;
    }
    return new Verdict(name(), shows(), evidence.lines(), failure, System.nanoTime() - startNs);
  }
}
