/**
 * Scenarios: what a cluster must stand, each written once and run by tests here, and under load by
 * whoever wants to. Top of the arrows: may import every module and is imported by none. Start at
 * {@link io.kvasir.chaos.Scenario}; {@code scenario} holds them, {@code local} and {@code cluster}
 * the ground they run on.
 */
package io.kvasir.chaos;
