package io.kvasir.runtime.model;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;

/** Activations of one step, allocated once for the largest batch. */
final class StepBuffers implements AutoCloseable {
  DeviceFloats hidden;
  DeviceFloats hiddenSpare;
  final DeviceFloats normed;
  final DeviceFloats gathered;
  final DeviceFloats projected;
  final DeviceFloats queries;
  final DeviceFloats keyValues;
  final DeviceFloats attended;
  final DeviceFloats gateUp;
  final DeviceFloats activated;

  StepBuffers(Device device, DecoderModel model, int maxRows) {
    DecoderModel.Widths w = model.widths();
    long narrow = (long) maxRows * model.hiddenSize();
    hidden = device.floats(narrow);
    hiddenSpare = device.floats(narrow);
    normed = device.floats(narrow);
    gathered = device.floats(narrow);
    projected = device.floats(narrow);
    queries = device.floats((long) maxRows * (w.query() + 2L * w.keyValue()));
    keyValues = device.floats((long) maxRows * 2 * w.keyValue());
    attended = device.floats((long) maxRows * w.query());
    gateUp = device.floats((long) maxRows * 2 * w.intermediate());
    activated = device.floats((long) maxRows * w.intermediate());
  }

  void swapHidden() {
    DeviceFloats other = hidden;
    hidden = hiddenSpare;
    hiddenSpare = other;
  }

  @Override
  public void close() {
    hidden.close();
    hiddenSpare.close();
    normed.close();
    gathered.close();
    projected.close();
    queries.close();
    keyValues.close();
    attended.close();
    gateUp.close();
    activated.close();
  }
}
