/**
 * Metrics of a node. Imports the engine seam; imported by gateway and api. Safe from any thread.
 * Start at {@code NodeMetrics}.
 */
package io.kvasir.actors.observe;
