/**
 * The device seam: memory, kernels and completion of one accelerator, CPU included. Host code hands
 * over work as data and never touches device memory except by copy. May be imported by every other
 * runtime package; imports none of them. All calls on one {@link io.kvasir.runtime.device.Device}
 * come from one thread (its engine's). Start at {@code Device}, then {@code Kernels}.
 */
package io.kvasir.runtime.device;
