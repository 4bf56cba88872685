package io.kvasir.runtime.engine.bench;

import io.kvasir.runtime.engine.EngineDecode;
import io.kvasir.runtime.model.SeamHarness;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One decode step of a tiny model: what the engine costs around the kernels. With {@code -prof gc}
 * the norm of allocated bytes per step is the tokens' turnover only (prompt and stream of a new
 * sequence every 470 steps); a step itself allocates nothing.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class DecodeStepBenchmark {
  @Param({"1", "16"})
  int batch;

  private EngineDecode decode;

  @Setup
  public void setUp() {
    decode = new EngineDecode(SeamHarness.config(), batch);
  }

  @Benchmark
  public int step() {
    return decode.step();
  }

  @TearDown
  public void tearDown() {
    decode.close();
  }
}
