/**
 * The transport's one agent: takes callers' commands, polls media, drives the protocol core,
 * answers through futures. Everything here but the entry points of {@code NodeTransport} runs on
 * the agent. Start at {@link io.kvasir.transport.agent.NodeTransport}.
 */
package io.kvasir.transport.agent;
