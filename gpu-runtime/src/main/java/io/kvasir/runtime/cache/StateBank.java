package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import java.util.List;

/**
 * Recurrent and convolution states of one sequence. Between the first reserve and its commit or
 * abort the first announced write of a state keeps a copy (the journal), from which an abort
 * restores.
 */
final class StateBank {
  private final Device device;
  private final StatePool pool;
  private final List<StateSpec> specs;
  private final DeviceFloats[] state;
  private final DeviceFloats[] journal;
  private final boolean[] journalled;
  private boolean written;

  StateBank(Device device, StatePool pool, List<StateSpec> specs) {
    this.device = device;
    this.pool = pool;
    this.specs = specs;
    state = new DeviceFloats[specs.size()];
    journal = new DeviceFloats[specs.size()];
    journalled = new boolean[specs.size()];
  }

  int indexOf(StateSpec spec) {
    int i = specs.indexOf(spec);
    if (i < 0) {
      throw new IllegalArgumentException(
          "state " + spec.id() + " of layer " + spec.layer() + " is not in the cache layout");
    }
    return i;
  }

  DeviceFloats get(int i) {
    if (state[i] == null) {
      state[i] = pool.take(specs.get(i).floats(), true);
    }
    return state[i];
  }

  boolean exists(int i) {
    return state[i] != null;
  }

  /** Copies the state away unless that was done since the last commit or abort. */
  void beforeWrite(int i) {
    written = true;
    if (journalled[i]) {
      return;
    }
    int floats = specs.get(i).floats();
    if (journal[i] == null) {
      journal[i] = pool.take(floats, false);
    }
    device.copy(get(i), 0, journal[i], 0, floats);
    journalled[i] = true;
  }

  boolean isWritten() {
    return written;
  }

  void commit() {
    if (written) {
      java.util.Arrays.fill(journalled, false);
      written = false;
    }
  }

  void abort() {
    if (written) {
      for (int i = 0; i < state.length; i++) {
        if (journalled[i]) {
          device.copy(journal[i], 0, state[i], 0, specs.get(i).floats());
        }
      }
      commit();
    }
  }

  /** Takes over the values of another bank, on the device. */
  void copyFrom(StateBank other) {
    for (int i = 0; i < state.length; i++) {
      if (other.state[i] != null) {
        device.copy(other.state[i], 0, get(i), 0, specs.get(i).floats());
      }
    }
  }

  /** Enqueues downloads; a state never used stays null. */
  float[][] export() {
    float[][] values = new float[state.length][];
    for (int i = 0; i < state.length; i++) {
      if (state[i] != null) {
        values[i] = new float[specs.get(i).floats()];
        device.download(state[i], 0, values[i], 0, values[i].length);
      }
    }
    return values;
  }

  void load(float[][] values) {
    for (int i = 0; i < state.length; i++) {
      if (values[i] != null) {
        device.upload(values[i], 0, get(i), 0, values[i].length);
      }
    }
  }

  void close() {
    for (int i = 0; i < state.length; i++) {
      if (state[i] != null) {
        pool.give(specs.get(i).floats(), state[i]);
        state[i] = null;
      }
      if (journal[i] != null) {
        pool.give(specs.get(i).floats(), journal[i]);
        journal[i] = null;
      }
      journalled[i] = false;
    }
    written = false;
  }
}
