/**
 * The CPU device: packed weights in heap arrays, KV pages off-heap, kernels on the Vector API with
 * a bit-equal scalar twin each. The only package that imports {@code jdk.incubator.vector}; only
 * {@link io.kvasir.runtime.device.Devices} and embedders that want {@code CpuDevice} itself import
 * it. One owning thread calls; helper threads run inside a call only. Start at {@code CpuDevice},
 * then {@code VectorKernels} beside {@code ScalarKernels}.
 */
package io.kvasir.runtime.device.cpu;
