/**
 * Transports in processes that are killed and paused, and drivers that die under them. Start at
 * {@link io.kvasir.transport.survive.ProcessLossTest}.
 */
package io.kvasir.transport.survive;
