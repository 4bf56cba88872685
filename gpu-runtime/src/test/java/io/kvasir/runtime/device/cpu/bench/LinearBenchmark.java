package io.kvasir.runtime.device.cpu.bench;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.WeightFormat;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** All linear layers of bench-150m once: rows 1 is a decode step, 512 a prompt. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class LinearBenchmark {
  @Param({"2"})
  public int threads;

  @Param({"BF16", "INT8", "F32", "F16", "INT4"})
  public WeightFormat format;

  @Param({"1", "16", "512"})
  public int rows;

  private Device device;
  private BenchModel model;

  @Setup(Level.Trial)
  public void open() {
    device = Devices.cpu(threads);
    model = new BenchModel(device, format, rows);
  }

  @Benchmark
  public void layers() {
    model.step(rows);
  }

  @TearDown(Level.Trial)
  public void close() {
    model.close();
    device.close();
  }
}
