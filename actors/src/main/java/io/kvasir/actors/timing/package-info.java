/**
 * When an actor looks at its clock. Depends on nothing of Kvasir.
 *
 * <p>Start at {@link io.kvasir.actors.timing.Pace}.
 */
package io.kvasir.actors.timing;
