package io.kvasir.runtime.device.cpu.bench;

import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.Devices;
import io.kvasir.runtime.device.PageEncoding;
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

/** One layer's attention of bench-150m; a shape is sequences × rows of each × entries of each. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 6, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class AttentionBenchmark {
  @Param({"2"})
  public int threads;

  @Param({"BF16", "F32"})
  public PageEncoding encoding;

  @Param({"1x512x512", "1x1x1024", "16x1x1024", "1x1x8192"})
  public String shape;

  private Device device;
  private BenchAttention attention;

  @Setup(Level.Trial)
  public void open() {
    device = Devices.cpu(threads);
    String[] parts = shape.split("x");
    int sequences = Integer.parseInt(parts[0]);
    int rows = sequences * Integer.parseInt(parts[1]);
    attention = new BenchAttention(device, encoding, sequences, rows, Integer.parseInt(parts[2]));
  }

  @Benchmark
  public void layer() {
    attention.run();
  }

  @TearDown(Level.Trial)
  public void close() {
    attention.close();
    device.close();
  }
}
