/**
 * The media driver's surroundings: started embedded or as one process per host, attached to,
 * watched and swept up after, and the arithmetic of the memory that its logs need. May be imported
 * by everyone above; imports nothing of the protocol, and of the media their settings only.
 * Launching blocks (bounded) and is for one thread; handles are thread-safe. Start at {@link
 * io.kvasir.transport.driver.MediaDrivers} and {@link io.kvasir.transport.driver.LogSizing}.
 */
package io.kvasir.transport.driver;
