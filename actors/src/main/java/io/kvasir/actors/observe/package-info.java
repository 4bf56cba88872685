/**
 * Metrics of a node, and its record of each request in log and Flight Recorder. Imports the engine
 * seam; imported by gateway and api. Safe from any thread. Start at {@code NodeMetrics}.
 */
package io.kvasir.actors.observe;
