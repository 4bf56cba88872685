/**
 * Teaching: the embedded models and small parts, on libtorch's Java binding.
 *
 * <p>The only package that may import {@code org.bytedeco}; libtorch is an optional dependency, so
 * nothing outside may load these classes unless asked to train. One thread trains; results leave as
 * checkpoint folders. Start at {@link io.kvasir.runtime.train.FactbookTrainer}.
 */
package io.kvasir.runtime.train;
