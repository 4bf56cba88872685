/**
 * The {@code kvasir} command, config profiles and node launcher. Start at {@code KvasirCommand}.
 * Imports actors; may be imported by chaos-tests only. Each command runs on the main thread of its
 * own process.
 */
package io.kvasir.node;
