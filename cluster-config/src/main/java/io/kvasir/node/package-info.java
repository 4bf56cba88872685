/**
 * The {@code kvasir} command, config profiles and node launcher. Start at {@code KvasirCommand}.
 * Imports actors; may be imported by chaos-tests only.
 */
package io.kvasir.node;
