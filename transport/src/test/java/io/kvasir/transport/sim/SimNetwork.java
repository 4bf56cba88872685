package io.kvasir.transport.sim;

import io.kvasir.transport.Lane;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Carries frames between nodes of a cluster under the faults of each direction. */
public final class SimNetwork {
  /** Takes what arrives. */
  @FunctionalInterface
  public interface Receiver {
    /** A frame of {@code from}; the array is the receiver's. */
    void onFrame(int from, Lane lane, byte[] frame);
  }

  /** Looks at what is sent. */
  @FunctionalInterface
  public interface Filter {
    /** Whether the frame goes on to meet the faults; false = it vanishes. */
    boolean passes(int from, int to, Lane lane, byte[] frame);
  }

  /** Frames of the past that may stray. */
  private static final int PAST = 256;

  private record Direction(int from, int to) {}

  private record Past(Lane lane, byte[] frame) {}

  private static final class State {
    private final long[] extraDelayNs = new long[Lane.values().length];
    private SimFaults faults = SimFaults.NONE;
    private boolean losing;
    private final long[] lastArrivalNs = new long[Lane.values().length];
  }

  private final SimScheduler scheduler;
  private final Map<Direction, State> directions = new HashMap<>();
  private final Map<Integer, Receiver> receivers = new HashMap<>();
  private Filter filter = (from, to, lane, frame) -> true;
  private final Past[] past = new Past[PAST];
  private int pastCount;
  private long dropped;
  private long mangled;

  /** A healthy network. */
  public SimNetwork(SimScheduler scheduler) {
    this.scheduler = scheduler;
  }

  /** Frames for {@code node} go to this receiver; null while it is down. */
  public void attach(int node, Receiver receiver) {
    receivers.put(node, receiver);
  }

  /** Puts faults in force for one direction. */
  public void faults(int from, int to, SimFaults faults) {
    state(from, to).faults = faults;
  }

  /** Puts a filter in force, until replaced. */
  public void filter(Filter replacement) {
    filter = replacement;
  }

  /** Lets all frames of one lane of one direction take longer, in order all the same. */
  public void delay(int from, int to, Lane lane, long extraNs) {
    state(from, to).extraDelayNs[lane.index()] = extraNs;
  }

  /** Frames lost so far. */
  public long droppedCount() {
    return dropped;
  }

  /** Frames corrupted or truncated so far. */
  public long mangledCount() {
    return mangled;
  }

  /** Whether the faults put a send off. */
  public boolean backPressured(int from, int to) {
    SimFaults faults = state(from, to).faults;
    return faults.backPressure() > 0 && scheduler.random().nextDouble() < faults.backPressure();
  }

  /** Sends a frame; the network owns the array from here. */
  public void send(int from, int to, Lane lane, byte[] frame) {
    if (!filter.passes(from, to, lane, frame)) {
      dropped++;
      return;
    }
    State state = state(from, to);
    SimFaults faults = state.faults;
    SplittableRandom random = scheduler.random();
    past[pastCount++ % PAST] = new Past(lane, frame);
    if (faults.stray() > 0 && random.nextDouble() < faults.stray()) {
      Past stray = past[random.nextInt(Math.min(pastCount, PAST))];
      deliver(from, to, stray.lane, stray.frame, state, random);
    }
    double lossNow = state.losing ? faults.burst() : faults.loss();
    state.losing = lossNow > 0 && random.nextDouble() < lossNow;
    if (faults.partitioned() || state.losing) {
      dropped++;
      return;
    }
    deliver(from, to, lane, mangle(frame, faults, random), state, random);
    if (faults.duplicate() > 0 && random.nextDouble() < faults.duplicate()) {
      deliver(from, to, lane, frame, state, random);
    }
  }

  private byte[] mangle(byte[] frame, SimFaults faults, SplittableRandom random) {
    if (faults.lie() > 0 && random.nextDouble() < faults.lie()) {
      mangled++;
      return SimLie.about(frame, random);
    }
    if (faults.corrupt() > 0 && random.nextDouble() < faults.corrupt()) {
      mangled++;
      byte[] changed = frame.clone();
      changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
      return changed;
    }
    if (faults.truncate() > 0 && random.nextDouble() < faults.truncate()) {
      mangled++;
      return Arrays.copyOf(frame, random.nextInt(frame.length));
    }
    return frame;
  }

  private void deliver(
      int from, int to, Lane lane, byte[] frame, State state, SplittableRandom random) {
    SimFaults faults = state.faults;
    long delayNs =
        random.nextLong(faults.minDelayNs(), faults.maxDelayNs() + 1)
            + state.extraDelayNs[lane.index()];
    long arrivalNs = scheduler.elapsedNs() + delayNs;
    if (faults.reorder() > 0 && random.nextDouble() < faults.reorder()) {
      arrivalNs += random.nextLong(4 * faults.maxDelayNs());
    } else {
      arrivalNs = Math.max(arrivalNs, state.lastArrivalNs[lane.index()]);
      state.lastArrivalNs[lane.index()] = arrivalNs;
    }
    scheduler.schedule(
        arrivalNs - scheduler.elapsedNs(),
        () -> {
          Receiver receiver = receivers.get(to);
          if (receiver != null) {
            receiver.onFrame(from, lane, frame);
          }
        });
  }

  private State state(int from, int to) {
    return directions.computeIfAbsent(new Direction(from, to), d -> new State());
  }
}
