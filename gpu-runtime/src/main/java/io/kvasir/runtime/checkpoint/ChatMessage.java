package io.kvasir.runtime.checkpoint;

/** One turn of a conversation as chat templates see it. */
public record ChatMessage(String role, String content) {}
