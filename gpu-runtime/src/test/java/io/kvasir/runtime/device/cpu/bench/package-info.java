/**
 * JMH benchmarks and a quick look at the CPU kernels. Nothing imports it. Run with the flags of
 * {@code cluster-config/jvm.options}; start at {@code KernelBench} for one table in a minute.
 */
package io.kvasir.runtime.device.cpu.bench;
