/**
 * The tiers below the device: this host's memory, and other nodes' through the transport. {@link
 * io.kvasir.actors.tier.BlockFetcher} is what admission calls before a prompt is computed.
 */
package io.kvasir.actors.tier;
