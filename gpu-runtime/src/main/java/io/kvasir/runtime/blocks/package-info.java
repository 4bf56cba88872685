/**
 * Blocks of a device's KV cache as the rest of the system sees them: keys, bytes, pins, and the
 * port through which tiers read and load them. Tiers, directories and schedulers import this and
 * nothing else of the cache. Values are immutable; {@link io.kvasir.runtime.blocks.DeviceBlocks}
 * may be called from any thread. Start there.
 */
package io.kvasir.runtime.blocks;
