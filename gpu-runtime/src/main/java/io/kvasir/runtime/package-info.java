/**
 * Devices, kernels, models, the paged KV cache and the methods that transform it. No actors, no
 * network. Each sub-package is one room; start at {@code engine.Engine} for the way of a request,
 * at {@code device.Device} for the arithmetic and at {@code cache} for who owns KV memory.
 */
package io.kvasir.runtime;
