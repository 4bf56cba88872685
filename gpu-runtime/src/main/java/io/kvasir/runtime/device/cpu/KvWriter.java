package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.FrameLayout;
import io.kvasir.runtime.device.KvWritePlan;
import io.kvasir.runtime.device.PageEncoding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Rotates, encodes and stores K and V rows; a unit of work is one write (all its heads). */
final class KvWriter implements WorkerTeam.Task {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * So few writes are not worth a dispatch. More of them are: the keys of an entry lie in as many
   * cache lines as they have channels, and nearly every one must come from memory first.
   */
  private static final int GRAIN = 4;

  private final WorkerTeam team;
  private final Scratch[] scratch;
  private KvWritePlan plan;
  private MemorySegment pages;
  private float[] keys;
  private int keyAt;
  private float[] values;
  private int valueAt;
  private int stride;

  KvWriter(WorkerTeam team, Scratch[] scratch) {
    this.team = team;
    this.scratch = scratch;
  }

  void run(
      KvWritePlan plan, DeviceFloats k, long kOffset, DeviceFloats v, long vOffset, int stride) {
    this.plan = plan;
    this.pages = CpuPages.require(plan.memory);
    this.keys = CpuFloats.require("writeKv k", k, kOffset, 0);
    this.values = CpuFloats.require("writeKv v", v, vOffset, 0);
    this.keyAt = (int) kOffset;
    this.valueAt = (int) vOffset;
    this.stride = stride;
    team.run(this, plan.count, GRAIN);
    this.plan = null;
    this.pages = null;
  }

  @Override
  public void run(int worker, int from, int to) {
    FrameLayout layout = plan.layout;
    Scratch own = scratch[worker];
    own.queries = Scratch.grown(own.queries, layout.keyWidth());
    boolean turns = plan.rotary != null && layout.keysRotated();
    CpuRotaryTable rotary = turns ? CpuRotaryTable.of(plan.rotary) : null;
    for (int w = from; w < to; w++) {
      if (turns) {
        own.turns = Scratch.grown(own.turns, 2L * rotary.pairs());
        rotary.read(plan.position, w * rotary.axisCount(), own.turns, 0);
      }
      for (int h = 0; h < plan.kvHeadCount; h++) {
        int source = plan.row[w] * stride + h * layout.keyWidth();
        System.arraycopy(keys, keyAt + source, own.queries, 0, layout.keyWidth());
        if (turns) {
          VectorMath.rotate(own.queries, 0, own.turns, rotary.pairs(), rotary.interleaved());
        }
        int at = w * plan.kvHeadCount + h;
        Frames.requireSlot(layout, plan.slot[at]);
        int valueSource = valueAt + plan.row[w] * stride + h * layout.valueWidth();
        store(layout, plan.frame[at], plan.slot[at], own.queries, valueSource);
      }
    }
  }

  private void store(FrameLayout layout, long frame, int slot, float[] key, int valueSource) {
    long keyTo = Frames.keyAddress(layout, frame, slot, 0);
    long valueTo = Frames.valueAddress(layout, frame, slot, 0);
    if (layout.encoding() == PageEncoding.BF16) {
      long step = 2L * layout.slots();
      for (int c = 0; c < layout.keyWidth(); c++) {
        pages.set(SHORT, keyTo + c * step, Bits16.toBf16(key[c]));
      }
      for (int c = 0; c < layout.valueWidth(); c++) {
        pages.set(SHORT, valueTo + 2L * c, Bits16.toBf16(values[valueSource + c]));
      }
      return;
    }
    long step = 4L * layout.slots();
    for (int c = 0; c < layout.keyWidth(); c++) {
      pages.set(FLOAT, keyTo + c * step, key[c]);
    }
    for (int c = 0; c < layout.valueWidth(); c++) {
      pages.set(FLOAT, valueTo + 4L * c, values[valueSource + c]);
    }
  }
}
