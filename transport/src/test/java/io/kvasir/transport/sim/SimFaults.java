package io.kvasir.transport.sim;

/**
 * Faults of one direction of one connection, in force until replaced. Probabilities are per frame.
 *
 * @param loss frame vanishes
 * @param burst probability that a loss is followed by another (state: losses come in bursts)
 * @param duplicate frame arrives twice
 * @param reorder frame is held back behind later ones
 * @param corrupt one byte arrives changed
 * @param truncate frame arrives shorter
 * @param stray a frame of the past arrives beside it, of any connection and any life of its nodes
 * @param lie one field arrives changed under a valid checksum: not the medium, the peer is wrong
 * @param backPressure a send is put off
 * @param minDelayNs least time under way
 * @param maxDelayNs most time under way, without reordering
 * @param partitioned nothing arrives (one-way)
 */
public record SimFaults(
    double loss,
    double burst,
    double duplicate,
    double reorder,
    double corrupt,
    double truncate,
    double stray,
    double lie,
    double backPressure,
    long minDelayNs,
    long maxDelayNs,
    boolean partitioned) {
  /** A healthy connection: 20–60 µs, nothing lost. */
  public static final SimFaults NONE =
      new SimFaults(0, 0, 0, 0, 0, 0, 0, 0, 0, 20_000, 60_000, false);

  /** Nothing passes in this direction. */
  public static final SimFaults PARTITION =
      new SimFaults(0, 0, 0, 0, 0, 0, 0, 0, 0, 20_000, 60_000, true);

  /** A peer that says wrong things over a connection that loses little. */
  public static SimFaults lying(double weight) {
    return new SimFaults(
        0.01 * weight,
        0,
        0.01 * weight,
        0,
        0,
        0,
        0.05 * weight,
        0.2 * weight,
        0.05 * weight,
        10_000,
        100_000,
        false);
  }

  /** All kinds at once that a medium may do, with given weight. */
  public static SimFaults mixed(double weight) {
    return new SimFaults(
        0.1 * weight,
        0.5,
        0.1 * weight,
        0.1 * weight,
        0.03 * weight,
        0.03 * weight,
        0.05 * weight,
        0,
        0.2 * weight,
        10_000,
        500_000,
        false);
  }
}
